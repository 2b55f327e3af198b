//! The advisory feeds' part of a plan.

use std::path::PathBuf;
use std::time::Duration;

/// Where advisories come from and how old they may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedsPlan {
    /// OSV export: an `http(s)://` base URL, or a folder, with `<ecosystem>/all.zip` and `<ecosystem>/modified_id.csv` (or loose records).
    pub osv: String,
    /// RustSec's own database: a folder, a tarball or a git URL.
    pub rustsec: Option<String>,
    /// CISA KEV JSON: URL or file.
    pub kev: Option<String>,
    /// EPSS CSV: URL or file.
    pub epss: Option<String>,
    /// crates.io's index, which tells of yanked releases and of what releases need; none leaves both out.
    pub crates_index: Option<CratesIndexSource>,
    /// What tells when releases of npm were published; none leaves it out.
    pub npm_registry: Option<NpmRegistrySource>,
    /// Python's index, which tells when releases were published: a URL of its simple API; none asks nobody.
    pub pypi_index: Option<String>,
    /// Older than this is a stale feed.
    pub max_age: Duration,
    /// Folder of the on-disk indexes and downloads.
    pub cache: PathBuf,
    /// Never fetch: use what the cache holds.
    pub offline: bool,
}

/// Where npm's documents of packages are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NpmRegistrySource {
    /// npm's own cache: the folder `_cacache`.
    Cache(PathBuf),
    /// The registry behind a URL.
    Url(String),
}

/// Where crates.io's index is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CratesIndexSource {
    /// Cargo's own copy: the folder `registry/index` in cargo's home.
    Cargo(PathBuf),
    /// A sparse index behind a URL (`sparse+https://HOST/index/`).
    Sparse(String),
}
