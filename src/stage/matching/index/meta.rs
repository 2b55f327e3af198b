//! What an index says of itself.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::digest::Digest;

/// What an index was built from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::stage::matching) struct Meta {
    /// `Debian`, `crates.io`: without a release.
    pub(in crate::stage::matching) ecosystem: String,
    /// What the source looked like from outside; another look makes the index stale.
    pub(in crate::stage::matching) identity: String,
    /// The archive below the overlay, where the source is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::stage::matching) archive: Option<ArchiveSeen>,
    /// SHA-256 of the source's data.
    pub(in crate::stage::matching) revision: Digest,
    /// Records, those that were set aside included.
    pub(in crate::stage::matching) records: u64,
    /// Records that were set aside.
    pub(in crate::stage::matching) quarantined: u64,
    /// The newest time in the source.
    pub(in crate::stage::matching) newest: Option<Timestamp>,
    /// The releases that some claim names, sorted.
    pub(in crate::stage::matching) releases: Vec<String>,
}

/// An archive as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::stage::matching) struct ArchiveSeen {
    /// What it looked like from outside.
    pub(in crate::stage::matching) look: String,
    /// SHA-256 of it.
    pub(in crate::stage::matching) digest: Digest,
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
