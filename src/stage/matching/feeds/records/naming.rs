//! How records and their files are named and told apart.

use std::fs::Metadata;
use std::path::Path;

use super::SourceError;
use crate::model::percent::encoded;
use crate::stage::matching::feeds::store::{file_name, is_plain};
use crate::stage::matching::index::strings::{PoolFull, hash};

use std::os::unix::fs::MetadataExt;

/// The folder of records that are newer than the archive beside it.
pub(in crate::stage::matching) const OVERLAY: &str = "changed";

/// What tells records apart: a file's name without its end, escaped as we write it. Others write an id's colon into a name as it is.
pub(super) fn key_of(name: &str) -> String {
    encoded(name.strip_suffix(".json").unwrap_or(name), b".-_%")
}

/// The hash of the key of a record's file, by the record's id.
pub(in crate::stage::matching) fn key_hash(id: &str) -> u64 {
    match is_plain(id) {
        true => hash(id),
        false => hash(&file_name(id)),
    }
}

/// Size, time of change and inode.
pub(in crate::stage::matching) fn look(found: &Metadata) -> String {
    let (written, changed) = ((found.mtime(), found.mtime_nsec()), (found.ctime(), found.ctime_nsec()));
    format!(
        "{}:{}.{}:{}.{}:{}",
        found.len(),
        written.0,
        written.1,
        changed.0,
        changed.1,
        found.ino()
    )
}

pub(super) fn pool_full(path: &Path, error: &PoolFull) -> SourceError {
    SourceError::Limit {
        path: path.to_owned(),
        problem: error.to_string(),
    }
}
