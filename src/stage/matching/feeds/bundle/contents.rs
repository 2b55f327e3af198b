//! What a bundle holds, and the names and digests that its two directions agree on.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::io::files;
use crate::io::hash::Hashing;
use crate::model::digest::Digest;
use crate::stage::matching::error::MatchingError;

/// The media type of a bundle in a registry.
pub const BUNDLE_MEDIA_TYPE: &str = "application/vnd.portcullis.feeds.v1+tar";

pub(super) const MANIFEST: &str = "feeds.json";

/// The folder of the documents in a bundle.
pub(super) const DOCUMENTS: &str = "documents";

pub(super) const SCHEMA: &str = "portcullis/feeds/v1";

/// What a bundle holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    pub(super) schema: String,
    /// For each ecosystem: when its copy was retrieved. None for a folder's records, whose own times tell their age.
    pub ecosystems: BTreeMap<String, Option<Timestamp>>,
    /// For each document beside them (`rustsec`, `kev`, `epss`): when its copy was retrieved.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub documents: BTreeMap<String, Option<Timestamp>>,
    /// Every file and its digest.
    pub(super) files: BTreeMap<String, Digest>,
}

/// A bundle that was written or read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bundle {
    /// SHA-256 of the file.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// What is in it.
    pub contents: Contents,
}

/// The only names that are written into a bundle or taken out of one.
pub(super) fn is_record_file(name: &str) -> bool {
    let plain = |stem: &str| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':' | b'%');
        !stem.is_empty() && !stem.starts_with('.') && stem.bytes().all(allowed)
    };
    let record = name.strip_prefix("changed/").unwrap_or(name);
    matches!(name, "all.zip" | "modified_id.csv") || (name != "retrieval.json" && record.strip_suffix(".json").is_some_and(plain))
}

pub(super) fn hashed(path: &Path) -> Result<(File, Digest, u64), MatchingError> {
    let mut hashing = Hashing::new(files::open(path).map_err(cannot(path))?);
    std::io::copy(&mut hashing, &mut std::io::sink()).map_err(cannot(path))?;
    Ok(hashing.finish())
}

pub(super) fn cannot(path: &Path) -> impl Fn(std::io::Error) -> MatchingError + use<> {
    let path = path.to_owned();
    move |source| MatchingError::Cache {
        path: path.clone(),
        source,
    }
}

pub(super) fn problem(path: &Path, problem: String) -> MatchingError {
    MatchingError::Bundle {
        path: path.to_owned(),
        problem,
    }
}
