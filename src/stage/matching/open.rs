//! Which feeds an inventory needs, and how each comes to be open.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use crate::io::Effects;
use crate::io::files::FileError;
use crate::io::http::{Fetched, Http, HttpError, Patience, Validators};
use crate::model::advisory::FeedRevision;
use crate::model::coverage::{Gap, GapKind};
use crate::model::event::{Event, Stage, Unit};
use crate::model::inventory::{Ecosystem, Inventory};
use crate::model::plan::FeedsPlan;

use super::MatchingError;
use super::evaluate::normal_release;
use super::index::Index;
use super::place::{Place, Retrieval, is_plain};
use super::source::{Source, SourceError};
use super::store::{Store, StoreError, file_name};

/// The feeds that an inventory needs, opened.
pub struct Feeds {
    pub(super) feeds: Vec<OpenFeed>,
    pub(super) gaps: Vec<Gap>,
}

/// One ecosystem's records from one feed.
pub(super) struct OpenFeed {
    pub(super) index: Index,
    pub(super) path: PathBuf,
    pub(super) revision: FeedRevision,
}

/// Fetches what is needed for the inventory's ecosystems and is not fresh, builds what has no index, opens all.
///
/// A copy that was retrieved less than an hour ago (less than half of `max_age`, where that is shorter) is used without asking. A server that
/// cannot be reached is no error while there is a copy: it ages, and [`GapKind::StaleFeed`] says so once it is older than `max_age`.
///
/// # Errors
/// [`MatchingError::Unreachable`] when no feed could be reached and the cache has no copy of any; [`MatchingError::Cache`] for a cache that cannot be
/// written. Everything else that is wrong with a feed is a gap.
pub async fn open(plan: &FeedsPlan, inventory: &Inventory, effects: &Effects) -> Result<Feeds, MatchingError> {
    let opener = Opener {
        plan,
        effects,
        place: Place::parse(&plan.osv),
        http: None,
    }
    .with_client()?;
    let needed = needed(inventory);
    let answers = join_all(needed.keys().map(|base| opener.open(base))).await;
    let mut feeds = Feeds {
        feeds: Vec::new(),
        gaps: Vec::new(),
    };
    let mut unreachable = None;
    for (answer, (base, wanted)) in answers.into_iter().zip(&needed) {
        match answer {
            Ok(Ok(feed)) => {
                feeds.gaps.extend(opener.stale(&feed.revision));
                feeds.gaps.extend(without_release(&feed, base, wanted));
                feeds.feeds.push(feed);
            }
            Ok(Err(absence)) => {
                feeds.gaps.push(absence.gap(base, wanted.components, &opener.place));
                if let Absence::Unreachable(error) = absence {
                    unreachable = Some(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
    match unreachable {
        Some(source) if feeds.feeds.is_empty() => Err(MatchingError::Unreachable {
            url: opener.place.shown(),
            source,
        }),
        _ => Ok(feeds),
    }
}

/// What an inventory holds of one ecosystem.
#[derive(Default)]
struct Wanted {
    components: usize,
    releases: BTreeMap<String, usize>,
}

fn needed(inventory: &Inventory) -> BTreeMap<String, Wanted> {
    let mut needed: BTreeMap<String, Wanted> = BTreeMap::new();
    for ecosystem in inventory.components.iter().filter_map(|component| component.ecosystem.as_ref()) {
        let wanted = needed.entry(ecosystem.base().to_owned()).or_default();
        wanted.components += 1;
        if let Some(release) = ecosystem.suffix() {
            *wanted.releases.entry(release.to_owned()).or_default() += 1;
        }
    }
    needed
}

/// A release that no record of its ecosystem's feed names is not covered by it.
fn without_release(feed: &OpenFeed, base: &str, wanted: &Wanted) -> Vec<Gap> {
    let known = &feed.index.meta().releases;
    let is_known = |release: &str| {
        known
            .iter()
            .any(|k| k.is_empty() || normal_release(base, k) == normal_release(base, release))
    };
    let unknown = wanted.releases.iter().filter(|(release, _)| !is_known(release));
    unknown
        .map(|(release, count)| Gap {
            kind: GapKind::UncoveredEcosystem,
            subject: format!("{base}:{release}"),
            detail: format!(
                "{} has no record for this release: {count} components were not looked up",
                feed.revision.name
            ),
            location: None,
        })
        .collect()
}

/// Why an ecosystem has no feed.
enum Absence {
    /// The feed has no such ecosystem.
    Uncovered,
    /// It should be there and cannot be read.
    Missing(String),
    /// It could not be reached, and there is no copy.
    Unreachable(HttpError),
}

impl Absence {
    fn gap(&self, base: &str, components: usize, place: &Place) -> Gap {
        let (kind, why) = match self {
            Self::Uncovered => (GapKind::UncoveredEcosystem, format!("{} has no data for it", place.shown())),
            Self::Missing(why) => (GapKind::MissingFeed, why.clone()),
            Self::Unreachable(error) => (GapKind::MissingFeed, format!("{error}, and nothing of it is cached")),
        };
        let subject = match kind {
            GapKind::UncoveredEcosystem => base.to_owned(),
            _ => format!("osv:{base}"),
        };
        Gap {
            kind,
            subject,
            detail: format!("{why}: {components} components were not looked up"),
            location: None,
        }
    }
}

type Answer = Result<Result<OpenFeed, Absence>, MatchingError>;

struct Opener<'a> {
    plan: &'a FeedsPlan,
    effects: &'a Effects,
    place: Place,
    http: Option<Http>,
}

impl Opener<'_> {
    fn with_client(mut self) -> Result<Self, MatchingError> {
        if matches!(self.place, Place::Url(_)) && !self.is_offline() {
            self.http = Some(Http::new(Patience::default()).map_err(|source| MatchingError::Http { source })?);
        }
        Ok(self)
    }

    fn is_offline(&self) -> bool {
        self.plan.offline || self.effects.offline
    }

    async fn open(&self, base: &str) -> Answer {
        if !is_plain(base) {
            return Ok(Err(Absence::Uncovered));
        }
        if let Place::Folder(root) = &self.place
            && !root.is_dir()
        {
            return Ok(Err(Absence::Missing(format!("{} is not a folder", root.display()))));
        }
        let folder = self.place.folder(base, &self.plan.cache);
        let mut as_of = None;
        if let Place::Url(url) = &self.place {
            match self.retrieve(url, base, &folder).await? {
                Ok(retrieved) => as_of = Some(retrieved),
                Err(absence) => return Ok(Err(absence)),
            }
        }
        self.index(base, folder, as_of).await
    }

    /// Brings the cached copy up to date where it is due, and tells when the server last vouched for it.
    async fn retrieve(&self, url: &str, base: &str, folder: &std::path::Path) -> Result<Result<Timestamp, Absence>, MatchingError> {
        let copy = folder.join("all.zip");
        let mut known = if copy.exists() {
            Retrieval::load(folder)
        } else {
            Retrieval::default()
        };
        let now = self.effects.clock.now();
        let fresh_for = (self.plan.max_age / 2).min(Duration::from_secs(3600));
        if let Some(retrieved) = known.retrieved
            && (self.is_offline() || now.duration_since(retrieved) < signed(fresh_for))
        {
            return Ok(Ok(retrieved));
        }
        let Some(http) = &self.http else {
            return Ok(Err(Absence::Missing(format!(
                "{} is not in the cache, and the network is not to be used",
                self.place.shown()
            ))));
        };
        let task = format!("osv:{base}");
        let watch = |done, total| {
            self.effects.emit(&Event::Progress {
                stage: Stage::Matching,
                task: task.clone(),
                done,
                total,
                unit: Unit::Bytes,
            });
        };
        let address = format!("{url}/{}/all.zip", file_name(base));
        match http
            .fetch(&address, &known.validators, &copy, self.effects.limits.feed, &watch)
            .await
        {
            Ok(fetched) => {
                if let Fetched::New { validators, length } = fetched {
                    known.validators = validators;
                    self.effects
                        .note(Stage::Matching, format!("{task}: {length} bytes from {}", self.place.shown()));
                }
                known.url = self.place.shown();
                known.retrieved = Some(now);
                known.save(folder).map_err(cache_error)?;
                Ok(Ok(now))
            }
            Err(HttpError::Absent { .. }) => Ok(Err(Absence::Uncovered)),
            Err(HttpError::Write { path, source }) => Err(MatchingError::Cache { path, source }),
            Err(error) => match known.retrieved {
                Some(retrieved) => {
                    self.effects
                        .warn(Stage::Matching, format!("{task}: {error}; the copy of {retrieved} is used"));
                    Ok(Ok(retrieved))
                }
                None if error.is_unreachable() => Ok(Err(Absence::Unreachable(error))),
                None => Ok(Err(Absence::Missing(error.to_string()))),
            },
        }
    }

    async fn index(&self, base: &str, folder: PathBuf, retrieved: Option<Timestamp>) -> Answer {
        let store = Store::new(&self.plan.cache, &self.place.key());
        let path = store.path(base);
        let (effects, ecosystem) = (self.effects.clone(), base.to_owned());
        let work = move || match Source::find(&folder)? {
            Some(source) => store.open(&source, &ecosystem, &effects).map(Some),
            None => Ok(None),
        };
        let built = match tokio::task::spawn_blocking(work).await {
            Ok(built) => built,
            Err(error) => return Ok(Err(Absence::Missing(format!("the index could not be built: {error}")))),
        };
        match built {
            Ok(None) => Ok(Err(Absence::Uncovered)),
            Ok(Some(index)) => Ok(self.revision(base, index, path, retrieved)),
            Err(StoreError::Source(SourceError::Cancelled)) => Err(MatchingError::Interrupted),
            Err(StoreError::Write(error)) => Err(cache_error(error)),
            Err(error) => {
                // A damaged download is fetched anew by the next run, whatever the server says of its age.
                if let Place::Url(_) = self.place {
                    let folder = self.place.folder(base, &self.plan.cache);
                    let forgotten = Retrieval {
                        validators: Validators::default(),
                        retrieved: None,
                        url: String::new(),
                    };
                    let _ = forgotten.save(&folder);
                }
                Ok(Err(Absence::Missing(error.to_string())))
            }
        }
    }

    fn revision(&self, base: &str, index: Index, path: PathBuf, retrieved: Option<Timestamp>) -> Result<OpenFeed, Absence> {
        let meta = index.meta();
        let as_of = match retrieved.or(meta.newest) {
            _ if meta.records == 0 => return Err(Absence::Missing(format!("{} holds no records for it", self.place.shown()))),
            None => return Err(Absence::Missing(format!("nothing in {} tells how old it is", self.place.shown()))),
            Some(as_of) => as_of,
        };
        let revision = FeedRevision {
            name: format!("osv:{base}"),
            source: self.place.shown(),
            revision: meta.revision,
            records: meta.records,
            quarantined: meta.quarantined,
            as_of,
        };
        Ok(OpenFeed { index, path, revision })
    }

    fn stale(&self, revision: &FeedRevision) -> Option<Gap> {
        let age = self.effects.clock.evaluation().duration_since(revision.as_of);
        (age > signed(self.plan.max_age)).then(|| Gap {
            kind: GapKind::StaleFeed,
            subject: revision.name.clone(),
            detail: format!(
                "its data is of {}, which is {} hours old; {} are allowed",
                revision.as_of,
                age.as_hours(),
                self.plan.max_age.as_secs() / 3600
            ),
            location: None,
        })
    }
}

fn signed(span: Duration) -> SignedDuration {
    SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX)
}

fn cache_error(error: FileError) -> MatchingError {
    match error {
        FileError::Read { path, source } | FileError::Write { path, source } => MatchingError::Cache { path, source },
        other => MatchingError::Cache {
            path: PathBuf::new(),
            source: std::io::Error::other(other.to_string()),
        },
    }
}

impl Feeds {
    /// True when a feed for an ecosystem is open.
    #[must_use]
    pub fn covers(&self, ecosystem: &Ecosystem) -> bool {
        self.feeds.iter().any(|feed| feed.index.meta().ecosystem == ecosystem.base())
    }
}
