//! One memory-mapped file for each ecosystem. Takes drafts of records. Gives look-ups by package name and by id.
//! Invariant: a file that is damaged, of another version or another program's is an error, never an answer.

mod build;
mod chunk;
mod layout;
mod map;
mod read;
pub(super) mod strings;
mod view;

pub(super) use build::encode;
pub(super) use chunk::{Chunk, join};
pub(super) use read::{Index, IndexError};
pub(super) use view::Claim;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::digest::Digest;

/// What an index was built from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Meta {
    /// `Debian`, `crates.io`: without a release.
    pub(super) ecosystem: String,
    /// What the source looked like from outside; another look makes the index stale.
    pub(super) identity: String,
    /// SHA-256 of the source's data.
    pub(super) revision: Digest,
    /// Records, those that were set aside included.
    pub(super) records: u64,
    /// Records that were set aside.
    pub(super) quarantined: u64,
    /// The newest time in the source.
    pub(super) newest: Option<Timestamp>,
    /// The releases that some claim names, sorted.
    pub(super) releases: Vec<String>,
}

impl Default for Meta {
    fn default() -> Self {
        Self {
            ecosystem: String::new(),
            identity: String::new(),
            revision: Digest::from_bytes([0; 32]),
            records: 0,
            quarantined: 0,
            newest: None,
            releases: Vec::new(),
        }
    }
}
