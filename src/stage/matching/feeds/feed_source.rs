//! Where a feed's records are: a folder as it is, or a URL with its copy in the cache.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::io::files;
use crate::io::hash::sha256;
use crate::io::http::Validators;
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::model::logins::redact;

use super::store::file_name;

/// Where a feed is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::stage::matching) enum FeedSource {
    /// A folder on this machine.
    Folder(PathBuf),
    /// A base URL, without a slash at its end.
    Url(String),
}

impl FeedSource {
    /// Reads the configured text: a URL, `file://…`, or a path.
    pub(in crate::stage::matching) fn parse(text: &str) -> Self {
        if let Some(path) = text.strip_prefix("file://") {
            return Self::Folder(PathBuf::from(path));
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            return Self::Url(text.trim_end_matches('/').to_owned());
        }
        Self::Folder(PathBuf::from(text))
    }

    /// As it stands in reports: no credentials.
    pub(in crate::stage::matching) fn shown(&self) -> String {
        match self {
            Self::Folder(path) => path.display().to_string(),
            Self::Url(url) => redact(url),
        }
    }

    /// What names its indexes in the cache.
    pub(in crate::stage::matching) fn key(&self) -> String {
        match self {
            Self::Folder(path) => std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string(),
            Self::Url(url) => redact(url),
        }
    }

    /// Where an ecosystem's records lie: in the folder itself, or in the cache's copy.
    pub(in crate::stage::matching) fn folder(&self, base: &str, cache: &Path) -> PathBuf {
        match self {
            Self::Folder(root) => {
                let plain = root.join(base);
                if plain.exists() { plain } else { root.join(file_name(base)) }
            }
            Self::Url(url) => cache
                .join("osv")
                .join(&sha256(redact(url).as_bytes()).hex()[..16])
                .join(file_name(base)),
        }
    }
}

/// A URL as a file name, without its credentials.
pub(in crate::stage::matching) fn redacted_file(url: &str) -> String {
    sha256(redact(url).as_bytes()).hex()[..16].to_owned()
}

/// A name that may be a folder's: ecosystems come from images, and no image steers us out of the feed's folder.
pub(in crate::stage::matching) fn is_plain(base: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'.' | b'-' | b'_');
    !base.is_empty() && base.len() <= 64 && base.bytes().all(plain) && !base.starts_with('.')
}

/// What is known of a cached copy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::stage::matching) struct Retrieval {
    /// Where from, without credentials.
    pub(in crate::stage::matching) url: String,
    /// When the server last said that this is its content; none for what a bundle brought from a folder, or for no copy at all.
    pub(in crate::stage::matching) retrieved: Option<Timestamp>,
    /// To ask by.
    #[serde(default)]
    pub(in crate::stage::matching) validators: Validators,
    /// The bundle that it was taken from, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::stage::matching) bundle: Option<Digest>,
    /// The URL that answered in the end, where a redirect led to another host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::stage::matching) served_by: Option<String>,
}

impl Retrieval {
    pub(in crate::stage::matching) const FILE: &str = "retrieval.json";

    /// Reads it; nothing where there is none or it is damaged, and then the copy is fetched anew.
    pub(in crate::stage::matching) fn load(folder: &Path) -> Self {
        let bytes = files::read(&folder.join(Self::FILE), 64 << 10).or_empty("without it all is fetched");
        serde_json::from_slice(&bytes).or_empty("without it all is fetched")
    }

    /// True for a copy that a bundle brought from a folder: no server ever spoke of it, and its records say how old they are.
    pub(in crate::stage::matching) const fn is_undated(&self) -> bool {
        self.retrieved.is_none() && self.bundle.is_some()
    }

    pub(in crate::stage::matching) fn save(&self, folder: &Path) -> Result<(), files::FileError> {
        let path = folder.join(Self::FILE);
        match serde_json::to_vec_pretty(self) {
            Ok(bytes) => files::write(&path, &bytes),
            Err(error) => Err(files::FileError::Write {
                path,
                source: error.into(),
            }),
        }
    }
}
