//! One memory-mapped file for each ecosystem. Takes parsed records. Gives look-ups by package name and by id.
//! Invariant: a file that is damaged, of another version or another program's is an error, never an answer.

pub(super) mod alias;
mod alias_sets;
mod build;
mod chunk;
mod layout;
mod map;
mod read;
pub(super) mod strings;
mod unpack;
mod view;

pub(super) use build::encode;
pub(super) use chunk::{Chunk, join, merge};
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
    /// The archive below the overlay, where the source is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) archive: Option<ArchiveSeen>,
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

/// An archive as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ArchiveSeen {
    /// What it looked like from outside.
    pub(super) look: String,
    /// SHA-256 of it.
    pub(super) digest: Digest,
}

impl Default for Meta {
    fn default() -> Self {
        Self {
            ecosystem: String::new(),
            identity: String::new(),
            archive: None,
            revision: Digest::from_bytes([0; 32]),
            records: 0,
            quarantined: 0,
            newest: None,
            releases: Vec::new(),
        }
    }
}
