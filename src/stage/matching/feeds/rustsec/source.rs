//! Where RustSec's own database is: a folder, a tarball, a tarball behind a URL, or a git repository.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::io::Effects;
use crate::io::git;
use crate::io::temporary;
use crate::model::error_chain::chain;
use crate::model::event::Stage;
use crate::model::logins::redact;

use crate::stage::matching::error::MatchingError;
use crate::stage::matching::feeds::available::{Absence, Available};
use crate::stage::matching::feeds::enrich::document_folder;
use crate::stage::matching::feeds::feed_source::{Retrieval, redacted_file};
use crate::stage::matching::feeds::open_needed::RUSTSEC;
use crate::stage::matching::feeds::retrieve::{Retriever, cache_error};

/// Where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::stage::matching) enum RustSecSource {
    /// A folder or a tarball on this machine.
    Local(PathBuf),
    /// A tarball behind a URL.
    Tarball(String),
    Git(String),
}

impl RustSecSource {
    /// Reads the configured text: `git+URL`, an URL that ends in `.git` or is no HTTP at all is git; one that ends in `.tar.gz`, `.tgz` or `.tar` is a
    /// tarball; another HTTP URL is git; everything else is a path.
    pub(in crate::stage::matching) fn parse(text: &str) -> Self {
        let is_http = text.starts_with("http://") || text.starts_with("https://");
        let packed = [".tar.gz", ".tgz", ".tar"].iter().any(|end| text.ends_with(end));
        if let Some(url) = text.strip_prefix("git+") {
            return Self::Git(url.to_owned());
        }
        match text.strip_prefix("file://") {
            _ if is_http && packed => Self::Tarball(text.to_owned()),
            _ if is_http || text.starts_with("ssh://") || text.starts_with("git@") => Self::Git(text.to_owned()),
            Some(path) => Self::Local(PathBuf::from(path)),
            None => Self::Local(PathBuf::from(text)),
        }
    }

    /// As it stands in reports: no credentials.
    pub(in crate::stage::matching) fn shown(&self) -> String {
        match self {
            Self::Local(path) => path.display().to_string(),
            Self::Tarball(url) | Self::Git(url) => redact(url),
        }
    }

    /// What is known of the cached copy.
    pub(in crate::stage::matching) fn copy(&self, cache: &Path) -> Retrieval {
        match self {
            Self::Local(_) => Retrieval::default(),
            Self::Tarball(url) | Self::Git(url) => Retrieval::load(&document_folder(cache, RUSTSEC, url)),
        }
    }

    /// Gives a folder or a tarball on this machine, and when it was retrieved where it was.
    pub(in crate::stage::matching) async fn bring(
        &self,
        cache: &Path,
        retriever: &Retriever<'_>,
        effects: &Effects,
    ) -> Result<Available<(PathBuf, Option<Timestamp>)>, MatchingError> {
        match self {
            Self::Local(path) => Ok(Available::Present((path.clone(), None))),
            Self::Tarball(url) => {
                let folder = document_folder(cache, RUSTSEC, url);
                let retrieved = retriever.document(RUSTSEC, url, &folder, "document.tar.gz").await?;
                Ok(retrieved.map(|retrieved| (folder.join("document.tar.gz"), retrieved)))
            }
            Self::Git(url) => {
                let folder = cache.join(RUSTSEC).join(redacted_file(url));
                self.bring_checkout(url, &folder, retriever, effects).await
            }
        }
    }

    async fn bring_checkout(
        &self,
        url: &str,
        folder: &Path,
        retriever: &Retriever<'_>,
        effects: &Effects,
    ) -> Result<Available<(PathBuf, Option<Timestamp>)>, MatchingError> {
        let checkout = folder.join("checkout");
        let mut known = if checkout.is_dir() {
            Retrieval::load(folder)
        } else {
            Retrieval::default()
        };
        if let Some(retrieved) = known.retrieved.filter(|retrieved| retriever.is_fresh(*retrieved)) {
            return Ok(Available::Present((checkout, Some(retrieved))));
        }
        if retriever.is_offline() && known.is_undated() {
            return Ok(Available::Present((checkout, None)));
        }
        if retriever.is_offline() {
            return Ok(Available::Absent(Absence::Missing(format!(
                "{} is not in the cache, and the network is not to be used",
                self.shown()
            ))));
        }
        let (into, from) = (folder.to_owned(), url.to_owned());
        let cloned = tokio::task::spawn_blocking(move || clone(&from, &into)).await;
        let problem = match cloned {
            Ok(Ok(())) => {
                let now = effects.clock.now();
                known.url = self.shown();
                known.retrieved = Some(now);
                known.bundle = None;
                known.save(folder).map_err(cache_error)?;
                return Ok(Available::Present((checkout, Some(now))));
            }
            Ok(Err(problem)) => problem,
            Err(error) => error.to_string(),
        };
        retriever.not_reached(RUSTSEC, problem.clone());
        match known.retrieved {
            Some(retrieved) => {
                effects.warn(Stage::Matching, format!("rustsec: {problem}; the copy of {retrieved} is used"));
                Ok(Available::Present((checkout, Some(retrieved))))
            }
            None if known.is_undated() => {
                effects.warn(Stage::Matching, format!("rustsec: {problem}; the copy of a bundle is used"));
                Ok(Available::Present((checkout, None)))
            }
            None => Ok(Available::Absent(Absence::Missing(format!(
                "{} cannot be cloned: {problem}",
                self.shown()
            )))),
        }
    }
}

/// Clones the newest commit beside the old checkout and puts it in its place: nobody reads half of one.
fn clone(url: &str, folder: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| error.to_string();
    fs::create_dir_all(folder).map_err(failed)?;
    temporary::sweep(folder);
    let new = temporary::folder_in(folder).map_err(failed)?;
    let into = new.path().join("db");
    git::clone(url, &into, new.path()).map_err(|error| chain(&error))?;
    let checkout = folder.join("checkout");
    if checkout.exists() {
        fs::rename(&checkout, new.path().join("old")).map_err(failed)?;
    }
    fs::rename(&into, &checkout).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_by_its_text() {
        let parse = RustSecSource::parse;
        assert!(matches!(parse("https://h/a/archive/main.tar.gz"), RustSecSource::Tarball(_)));
        assert!(matches!(parse("https://h/a/db"), RustSecSource::Git(_)));
        assert!(matches!(parse("git+file:///srv/db"), RustSecSource::Git(_)));
        assert!(matches!(parse("git@h:a/db.git"), RustSecSource::Git(_)));
        assert!(matches!(parse("db.tar.gz"), RustSecSource::Local(_)));
    }
}
