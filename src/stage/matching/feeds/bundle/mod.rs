//! Feeds in one file, to be carried over an air gap: a tar with a manifest first and every file's digest in it.
//!
//! Takes the copies of a plan's feeds. Gives a file, or an artifact in a registry. Invariant: equal copies give an equal file, whose digest can be
//! pinned; a file that does not hold what it says changes nothing.

mod artifact;
mod documents;
mod export;
mod import;

pub use artifact::{Artifact, pull, push};
pub use export::export;
pub use import::import;

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

const MANIFEST: &str = "feeds.json";
/// The folder of the documents in a bundle.
const DOCUMENTS: &str = "documents";
const SCHEMA: &str = "portcullis/feeds/v1";

/// What a bundle holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    schema: String,
    /// For each ecosystem: when its copy was retrieved. None for a folder's records, whose own times tell their age.
    pub ecosystems: BTreeMap<String, Option<Timestamp>>,
    /// For each document beside them (`rustsec`, `kev`, `epss`): when its copy was retrieved.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub documents: BTreeMap<String, Option<Timestamp>>,
    /// Every file and its digest.
    files: BTreeMap<String, Digest>,
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
fn is_record_file(name: &str) -> bool {
    let plain = |stem: &str| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':' | b'%');
        !stem.is_empty() && !stem.starts_with('.') && stem.bytes().all(allowed)
    };
    let record = name.strip_prefix("changed/").unwrap_or(name);
    matches!(name, "all.zip" | "modified_id.csv") || (name != "retrieval.json" && record.strip_suffix(".json").is_some_and(plain))
}

fn hashed(path: &Path) -> Result<(File, Digest, u64), MatchingError> {
    let mut hashing = Hashing::new(files::open(path).map_err(cannot(path))?);
    std::io::copy(&mut hashing, &mut std::io::sink()).map_err(cannot(path))?;
    Ok(hashing.finish())
}

fn cannot(path: &Path) -> impl Fn(std::io::Error) -> MatchingError + use<> {
    let path = path.to_owned();
    move |source| MatchingError::Cache {
        path: path.clone(),
        source,
    }
}

fn problem(path: &Path, problem: String) -> MatchingError {
    MatchingError::Bundle {
        path: path.to_owned(),
        problem,
    }
}
