//! Copies of remote documents in the cache, brought up to date when they are due.
//!
//! An ecosystem's records are one archive. Where the server also has `modified_id.csv` and few records have changed since the copy was indexed,
//! only those are fetched and laid over the archive; else the archive is fetched again, from where it broke off if it did.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::io::Effects;
use crate::io::files::FileError;
use crate::io::http::{Fetched, Http, HttpError, Patience, Validators};
use crate::model::byte_size::bytes;
use crate::model::error_chain::chain;
use crate::model::event::{Event, Stage, Unit};
use crate::model::logins::redact;
use crate::model::plan::FeedsPlan;

use super::available::{Absence, Available};
use super::changed::{Brought, Changed, Difference};
use super::feed_source::Retrieval;
use super::records::clear_older;
use super::store::file_name;
use crate::stage::matching::error::MatchingError;
use crate::stage::matching::index::Index;

/// The time that a copy was last known to be current; none for one that a bundle brought from a folder, whose records alone say how old they are.
pub(in crate::stage::matching) type Retrieved = Result<Available<Option<Timestamp>>, MatchingError>;

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
        let changed = Changed {
            http,
            effects: self.effects,
            base_url,
            base,
            folder,
        };
        let mut difference = None;
        if let (Some(index), Some(_)) = (index, known.retrieved) {
            difference = self.told(&task, changed.difference(&index).await)?.flatten();
        }
        let mut is_behind = false;
        if let Some(difference) = difference.as_ref().filter(|difference| !difference.has_vanished()) {
            let brought = self.brought(&task, &changed, difference).await?;
            if brought.all {
                return self.conclude(&task, folder, known, &url, Ok(None));
            }
            is_behind = !brought.ahead;
        }
        let answer = self.fetch(http, &task, &url, &copy, &known).await;
        match (&answer, difference) {
            (Ok(Some(_)), _) => clear_older(folder).map_err(cache_error)?,
            // The archive is what it was: of records that are gone it knows nothing.
            (Ok(None), Some(difference)) if difference.has_vanished() => {
                is_behind = !self.brought(&task, &changed, &difference).await?.ahead;
            }
            _ => {}
        }
        match (&answer, known.retrieved) {
            (Ok(None), Some(retrieved)) if is_behind => {
                let why = "its list tells of records that its server does not give yet";
                self.effects
                    .warn(Stage::Matching, format!("{task}: {why}; the copy counts as one of {retrieved}"));
                Ok(Available::Present(Some(retrieved)))
            }
            _ => self.conclude(&task, folder, known, &url, answer),
        }
    }

    /// What could be fetched by itself of what a list tells of.
    async fn brought(&self, task: &str, changed: &Changed<'_>, difference: &Difference) -> Result<Brought, MatchingError> {
        let brought = self.told(task, changed.bring(difference).await)?;
        Ok(brought.unwrap_or_else(|| difference.unasked()))
    }

    /// What a server told; none where it did not, and then the archive has to tell.
    fn told<T>(&self, task: &str, answer: Result<T, HttpError>) -> Result<Option<T>, MatchingError> {
        match answer {
            Ok(told) => Ok(Some(told)),
            Err(HttpError::Write { path, source }) => Err(MatchingError::Cache { path, source }),
            Err(error) => {
                self.effects
                    .note(Stage::Matching, format!("{task}: {error}; the whole archive is asked for"));
                Ok(None)
            }
        }
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
