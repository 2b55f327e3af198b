//! A sparse index over HTTP: the entries of the crates that are asked for, kept in the layout of cargo's cache.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::time::SystemTime;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;

use crate::io::http::{Http, HttpError, ReadIfChanged, Validators};
use crate::io::{Effects, files};
use crate::model::error_chain::chain;
use crate::model::event::Stage;
use crate::model::excused::Excused as _;
use crate::model::logins::redact;
use crate::stage::matching::error::MatchingError;
use crate::stage::matching::feeds::feed_source::redacted_file;
use crate::stage::matching::feeds::retrieve::Retriever;

use super::{CRATES_INDEX, CratesIndex, entry, entry_path};

/// Requests under way at once.
const AT_ONCE: usize = 16;

impl CratesIndex {
    /// The index behind a URL, with the entries of these crates brought up to date where they are not fresh. Where the registry cannot be
    /// reached the copies that are here speak, and crates without one are "not known".
    pub(in crate::stage::matching) async fn of_sparse(
        url: &str,
        cache: &Path,
        names: &BTreeSet<String>,
        retriever: &Retriever<'_>,
        effects: &Effects,
    ) -> Result<Self, MatchingError> {
        let base = url.strip_prefix("sparse+").unwrap_or(url).trim_end_matches('/');
        let folder = cache.join(CRATES_INDEX).join(redacted_file(base));
        if let Some(http) = retriever.http() {
            let due = names.iter().filter_map(|name| entry_path(name)).filter(|path| {
                let written = fs::metadata(folder.join(path))
                    .and_then(|found| found.modified())
                    .or_none("of no known age: it is fetched");
                let written = written.and_then(|time| Timestamp::try_from(time).or_none("of no known age: it is fetched"));
                !written.is_some_and(|written| retriever.is_fresh(written))
            });
            let now = SystemTime::from(effects.clock.now());
            let limit = effects.limits.advisory;
            let bring = due
                .map(|path| bring(http, format!("{base}/{path}"), folder.join(path), limit, now))
                .collect::<Vec<_>>();
            let brought: Result<Vec<()>, HttpError> = stream::iter(bring).buffer_unordered(AT_ONCE).try_collect().await;
            match brought {
                Ok(_) => {}
                Err(HttpError::Write { path, source }) => return Err(MatchingError::Cache { path, source }),
                Err(error) => {
                    retriever.not_reached(CRATES_INDEX, chain(&error));
                    effects.warn(
                        Stage::Matching,
                        format!("{CRATES_INDEX}: {error}; the copies that are here are used"),
                    );
                }
            }
        }
        Ok(Self::new(vec![folder], redact(base)))
    }
}

/// Brings one entry up to date. A crate that the registry does not have gets an entry that lists no release.
async fn bring(http: &Http, url: String, path: std::path::PathBuf, limit: u64, now: SystemTime) -> Result<(), HttpError> {
    let known = entry::validator_of(&path).map(|text| validators(&text)).unwrap_or_default();
    let failed = |source| HttpError::Write {
        path: path.clone(),
        source,
    };
    let bytes = match http.read_if_changed(&url, &known, limit).await? {
        ReadIfChanged::NotModified => None,
        ReadIfChanged::Absent => Some(entry::encode("", b"")),
        ReadIfChanged::New { bytes, validators } => Some(entry::encode(&validator(&validators), &bytes)),
    };
    if let Some(bytes) = bytes {
        files::write_unsynced(&path, &bytes).map_err(|error| failed(error.into_io()))?;
    }
    // The time of the file is when the registry last said that this is its entry.
    File::options()
        .write(true)
        .open(&path)
        .and_then(|file| file.set_modified(now))
        .map_err(failed)
}

fn validator(validators: &Validators) -> String {
    match (&validators.etag, &validators.last_modified) {
        (Some(etag), _) => format!("etag: {etag}"),
        (None, Some(time)) => format!("last-modified: {time}"),
        (None, None) => String::new(),
    }
}

fn validators(text: &str) -> Validators {
    Validators {
        etag: text.strip_prefix("etag: ").map(str::to_owned),
        last_modified: text.strip_prefix("last-modified: ").map(str::to_owned),
    }
}
