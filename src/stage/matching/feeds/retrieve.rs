//! Copies of remote documents in the cache, brought up to date when they are due.
//!
//! An ecosystem's records are one archive. Where the server also has `modified_id.csv` and few records have changed since the copy was indexed,
//! only those are fetched and laid over the archive; else the archive is fetched again, from where it broke off if it did.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};

use crate::io::Effects;
use crate::io::files::{self, FileError};
use crate::io::folder;
use crate::io::http::{Fetched, Http, HttpError, Patience, Validators};
use crate::io::temporary;
use crate::model::byte_size::bytes;
use crate::model::error_chain::chain;
use crate::model::event::{Event, Stage, Unit};
use crate::model::excused::Excused as _;
use crate::model::logins::redact;
use crate::model::plan::FeedsPlan;

use super::available::{Absence, Available};
use super::feed_source::Retrieval;
use super::records::{OVERLAY, key_hash};
use super::store::file_name;
use crate::stage::matching::error::MatchingError;
use crate::stage::matching::index::Index;

/// The time that a copy was last known to be current; none for one that a bundle brought from a folder, whose records alone say how old they are.
pub(in crate::stage::matching) type Retrieved = Result<Available<Option<Timestamp>>, MatchingError>;

/// More changed records than this are not worth asking for one by one.
const FEW: usize = 300;
/// With more records than this laid over it an archive is fetched anew: every run looks at each of them.
const MOST_LAID_OVER: usize = 2000;
/// Requests under way at once for single records.
const AT_ONCE: usize = 8;

/// What came with a document that is another one now.
struct New {
    validators: Validators,
    served_by: Option<String>,
}

/// Brings copies up to date.
pub(in crate::stage::matching) struct Retriever<'a> {
    plan: &'a FeedsPlan,
    effects: &'a Effects,
    http: Option<Http>,
    /// Ask even where the copy is fresh (`feeds update`).
    pub(in crate::stage::matching) always: bool,
    /// By feed: why its server gave nothing. The copy of before is used, where there is one.
    unreached: Mutex<BTreeMap<String, String>>,
}

impl<'a> Retriever<'a> {
    /// A retriever; without a client where the network is not to be used or not needed.
    pub(in crate::stage::matching) fn new(plan: &'a FeedsPlan, effects: &'a Effects, needs_network: bool) -> Result<Self, MatchingError> {
        let offline = plan.offline || effects.offline;
        let http = match needs_network && !offline {
            true => Some(Http::new(patience(plan)).map_err(|source| MatchingError::Http { source })?),
            false => None,
        };
        Ok(Self {
            plan,
            effects,
            http,
            always: false,
            unreached: Mutex::default(),
        })
    }

    /// Whether a copy may be used without asking: offline always, else for an hour (half of `max_age`, where that is shorter).
    pub(in crate::stage::matching) fn is_fresh(&self, retrieved: Timestamp) -> bool {
        let fresh_for = (self.plan.max_age / 2).min(Duration::from_secs(3600));
        let age = self.effects.clock.now().duration_since(retrieved);
        let fresh_for = SignedDuration::try_from(fresh_for).unwrap_or(SignedDuration::MAX);
        self.is_offline() || (!self.always && (SignedDuration::ZERO..fresh_for).contains(&age))
    }

    /// The client; none where the network is not to be used or not needed.
    pub(in crate::stage::matching) const fn http(&self) -> Option<&Http> {
        self.http.as_ref()
    }

    /// Whether the network is not to be used.
    pub(in crate::stage::matching) fn is_offline(&self) -> bool {
        self.plan.offline || self.effects.offline
    }

    /// Remembers that a feed's server gave nothing.
    pub(in crate::stage::matching) fn not_reached(&self, feed: &str, why: String) {
        let mut unreached = self.unreached.lock().unwrap_or_else(PoisonError::into_inner);
        unreached.insert(feed.to_owned(), why);
    }

    /// Why a feed's server gave nothing, where it was asked and did not.
    pub(in crate::stage::matching) fn unreached(&self, feed: &str) -> Option<String> {
        self.unreached.lock().unwrap_or_else(PoisonError::into_inner).get(feed).cloned()
    }

    /// Brings one document up to date: `folder/name` from `url`.
    pub(in crate::stage::matching) async fn document(&self, task: &str, url: &str, folder: &Path, name: &str) -> Retrieved {
        let copy = folder.join(name);
        let (http, known) = match self.due(url, &copy, folder) {
            Ok(due) => due,
            Err(answer) => return Ok(answer),
        };
        let answer = self.fetch(http, task, url, &copy, &known).await;
        self.conclude(task, folder, known, url, answer)
    }

    /// Brings an ecosystem's records up to date. `index` is what was made of the copy, where there is one.
    pub(in crate::stage::matching) async fn ecosystem(&self, base_url: &str, base: &str, folder: &Path, index: Option<Index>) -> Retrieved {
        let task = format!("osv:{base}");
        let copy = folder.join("all.zip");
        let url = format!("{base_url}/{}/all.zip", file_name(base));
        let (http, known) = match self.due(&url, &copy, folder) {
            Ok(due) => due,
            Err(answer) => return Ok(answer),
        };
        if let (Some(index), Some(_)) = (index, known.retrieved) {
            let list = format!("{base_url}/{}/modified_id.csv", file_name(base));
            match self.changed(http, &list, base_url, base, folder, &index).await {
                Ok(true) => return self.conclude(&task, folder, known, &url, Ok(None)),
                Ok(false) => {}
                Err(HttpError::Write { path, source }) => return Err(MatchingError::Cache { path, source }),
                Err(error) => self
                    .effects
                    .note(Stage::Matching, format!("{task}: {error}; the whole archive is asked for")),
            }
        }
        let answer = self.fetch(http, &task, &url, &copy, &known).await;
        if matches!(answer, Ok(Some(_))) {
            // What was laid over the old archive is in the new one.
            // Left there, older records would take the place of the archive's.
            let overlay = folder.join(OVERLAY);
            match std::fs::remove_dir_all(&overlay) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(source) => return Err(MatchingError::Cache { path: overlay, source }),
            }
        }
        self.conclude(&task, folder, known, &url, answer)
    }

    /// The client to ask with, and what is known of the copy; the answer where nobody has to be asked, or can be.
    fn due(&self, url: &str, copy: &Path, folder: &Path) -> Result<(&Http, Retrieval), Available<Option<Timestamp>>> {
        // A bundle may have brought a folder's single records, which are no archive.
        let known = Retrieval::load(folder);
        let known = match copy.exists() || known.is_undated() {
            true => known,
            false => Retrieval::default(),
        };
        if let Some(retrieved) = known.retrieved.filter(|retrieved| self.is_fresh(*retrieved)) {
            return Err(Available::Present(Some(retrieved)));
        }
        match &self.http {
            Some(http) => Ok((http, known)),
            None if known.is_undated() => Err(Available::Present(None)),
            None => Err(Available::Absent(not_cached(url))),
        }
    }

    /// Fetches a document unless it is as it was; gives what to ask by the next time, none where it is as it was.
    async fn fetch(&self, http: &Http, task: &str, url: &str, copy: &Path, known: &Retrieval) -> Result<Option<New>, HttpError> {
        let watch = |done, total| {
            self.effects.emit(&Event::Progress {
                stage: Stage::Matching,
                task: task.to_owned(),
                done,
                total,
                unit: Unit::Bytes,
            });
        };
        match http.fetch(url, &known.validators, copy, self.effects.limits.feed, &watch).await? {
            Fetched::NotModified => Ok(None),
            Fetched::New {
                validators,
                length,
                served_by,
            } => {
                self.effects
                    .note(Stage::Matching, format!("{task}: {} from {}", bytes(length), redact(url)));
                Ok(Some(New { validators, served_by }))
            }
        }
    }

    fn conclude(&self, task: &str, folder: &Path, mut known: Retrieval, url: &str, answer: Result<Option<New>, HttpError>) -> Retrieved {
        match answer {
            Ok(new) => {
                let now = self.effects.clock.now();
                if let Some(new) = new {
                    known.validators = new.validators;
                    known.served_by = new.served_by;
                }
                known.url = redact(url);
                known.bundle = None;
                known.retrieved = Some(now);
                known.save(folder).map_err(cache_error)?;
                Ok(Available::Present(Some(now)))
            }
            Err(HttpError::Absent { .. }) => Ok(Available::Absent(Absence::Uncovered)),
            Err(HttpError::Write { path, source }) => Err(MatchingError::Cache { path, source }),
            Err(error) => {
                self.not_reached(task, chain(&error));
                match known.retrieved {
                    Some(retrieved) => {
                        self.effects
                            .warn(Stage::Matching, format!("{task}: {error}; the copy of {retrieved} is used"));
                        Ok(Available::Present(Some(retrieved)))
                    }
                    None if known.is_undated() => {
                        self.effects
                            .warn(Stage::Matching, format!("{task}: {error}; the copy of a bundle is used"));
                        Ok(Available::Present(None))
                    }
                    None if error.is_unreachable() => Ok(Available::Absent(Absence::Unreachable(error))),
                    None => Ok(Available::Absent(Absence::Missing(error.to_string()))),
                }
            }
        }
    }

    /// Fetches the records that have changed, where they are few; false where the archive is the better way.
    async fn changed(&self, http: &Http, list: &str, base_url: &str, base: &str, folder: &Path, index: &Index) -> Result<bool, HttpError> {
        let Some(bytes) = http.read(list, self.effects.limits.feed_list).await? else {
            return Ok(false);
        };
        let Some(changed) = differing(&bytes, index, self.effects.clock.now()) else {
            return Ok(false);
        };
        let overlay = folder.join(OVERLAY);
        temporary::sweep(&overlay);
        let laid_over = folder::entries(&overlay).map_or(MOST_LAID_OVER, |entries| entries.len());
        if changed.len() > FEW || laid_over + changed.len() > MOST_LAID_OVER {
            return Ok(false);
        }
        let one = |id: &String| {
            let url = format!("{base_url}/{}/{}.json", file_name(base), file_name(id));
            let path = overlay.join(format!("{}.json", file_name(id)));
            async move {
                let Some(bytes) = http.read(&url, self.effects.limits.advisory).await? else {
                    return Ok(false);
                };
                let failed = |error: FileError| HttpError::Write {
                    path: path.clone(),
                    source: error.into_io(),
                };
                files::write_unsynced(&path, &bytes).map_err(failed).map(|()| true)
            }
        };
        let fetched: Vec<bool> = stream::iter(changed.iter().map(one).collect::<Vec<_>>())
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        if !changed.is_empty() {
            self.effects
                .note(Stage::Matching, format!("osv:{base}: {} changed records", changed.len()));
        }
        Ok(fetched.into_iter().all(|there| there))
    }
}

/// The ids whose times in the list are later than in the index, or that it does not have. None where the index has records that the list has not:
/// records vanished, and only the archive can tell. A record of the future is older than any: it would never be asked for again.
fn differing(list: &[u8], index: &Index, now: Timestamp) -> Option<Vec<String>> {
    let mut known = index.times().or_none("an index that cannot be read is fetched whole")?;
    let now = now.as_second();
    let mut changed = BTreeMap::new();
    for line in list.split(|byte| *byte == b'\n') {
        let text = std::str::from_utf8(line).or_none("a line that is no text names no record");
        let Some((time, id)) = text.and_then(|line| line.trim().split_once(',')) else {
            continue;
        };
        // A time that cannot be read is none that ours could be as new as.
        let time = time.parse::<Timestamp>().map_or(i64::MAX, Timestamp::as_second);
        // Lists of all ecosystems together name records as `Debian/DSA-1`.
        let id = id.rsplit('/').next().unwrap_or(id);
        match known.remove(&key_hash(id)) {
            Some(ours) if ours >= time && ours <= now => {}
            _ => _ = changed.insert(id.to_owned(), ()),
        }
    }
    known.is_empty().then(|| changed.into_keys().collect())
}

fn not_cached(url: &str) -> Absence {
    Absence::Missing(format!("{} is not in the cache, and the network is not to be used", redact(url)))
}

/// Loopback mirrors answer at once or not at all.
fn patience(plan: &FeedsPlan) -> Patience {
    let local = plan.osv.contains("://127.0.0.1") || plan.osv.contains("://localhost");
    let usual = Patience::default();
    Patience {
        first: if local { Duration::from_millis(50) } else { usual.first },
        ..usual
    }
}

/// A cache that cannot be used.
pub(in crate::stage::matching) fn cache_error(error: FileError) -> MatchingError {
    match error {
        FileError::Read { path, source } | FileError::Write { path, source } | FileError::WriteResult { path, source } => {
            MatchingError::Cache { path, source }
        }
        other => MatchingError::Cache {
            path: PathBuf::new(),
            source: std::io::Error::other(other),
        },
    }
}
