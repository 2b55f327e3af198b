//! Which feeds an inventory needs, and how each comes to be open.

use std::collections::BTreeMap;
use std::path::PathBuf;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use crate::io::Effects;
use crate::model::advisory::FeedRevision;
use crate::model::coverage::{Gap, GapKind};
use crate::model::inventory::{Component, Ecosystem, Inventory, Origin};
use crate::model::plan::{CratesIndexPlace, FeedsPlan};

use super::MatchingError;
use super::crates_index::CratesIndex;
use super::enrich::{Enrichment, Kind, chain};
use super::evaluate::normal_release;
use super::index::Index;
use super::place::{Place, Retrieval, is_plain};
use super::retrieve::{Absence, Retriever, cache_error};
use super::rustsec::Database;
use super::rustsec_place::RustSecPlace;
use super::source::{Source, SourceError};
use super::store::{Store, StoreError};

/// The feeds that an inventory needs, opened.
pub struct Feeds {
    pub(super) feeds: Vec<OpenFeed>,
    pub(super) enrichment: Enrichment,
    pub(super) gaps: Vec<Gap>,
    /// crates.io's index, where it is asked.
    pub(super) crates_index: Option<CratesIndex>,
}

/// One ecosystem's records from one feed.
pub(super) struct OpenFeed {
    pub(super) index: Index,
    pub(super) path: PathBuf,
    pub(super) revision: FeedRevision,
}

/// The name of RustSec's own database among the feeds.
pub(super) const RUSTSEC: &str = "rustsec";

/// Fetches what is needed for the inventory's ecosystems and is not fresh, builds what has no index, opens all.
///
/// A copy that was retrieved less than an hour ago (less than half of `max_age`, where that is shorter) is used without asking. A server that
/// cannot be reached is no error while there is a copy: it ages, and [`GapKind::StaleFeed`] says so once it is older than `max_age`.
///
/// # Errors
/// [`MatchingError::Unreachable`] when no feed could be reached and the cache has no copy of any; [`MatchingError::Cache`] for a cache that cannot be
/// written. Everything else that is wrong with a feed is a gap.
pub async fn open(plan: &FeedsPlan, inventory: &Inventory, effects: &Effects) -> Result<Feeds, MatchingError> {
    let needed = needed(inventory);
    let crates = needed.contains_key(Ecosystem::CRATES);
    let opener = Opener::new(plan, effects)?;
    let (answers, rustsec) = tokio::join!(join_all(needed.keys().map(|base| opener.open(base))), opener.rustsec(crates));
    let mut feeds = Feeds {
        feeds: Vec::new(),
        enrichment: Enrichment::default(),
        gaps: Vec::new(),
        crates_index: opener.crates_index(inventory).await?,
    };
    let mut unreachable = None;
    let mut take = |feeds: &mut Feeds, answer: Answer, name: &str, base: &str, wanted: &Wanted| -> Result<(), MatchingError> {
        match answer? {
            Ok(feed) => {
                feeds.gaps.extend(opener.stale(&feed.revision));
                feeds.gaps.extend(without_release(&feed, base, wanted));
                feeds.feeds.push(feed);
            }
            Err(Absence::Uncovered) if feeds.covers(&Ecosystem::new(base)) => {}
            Err(absence) => {
                feeds.gaps.push(gap(&absence, name, base, wanted.components, &opener.place));
                if let Absence::Unreachable(error) = absence {
                    unreachable = Some(error);
                }
            }
        }
        Ok(())
    };
    if let (Some(answer), Some(wanted)) = (rustsec, needed.get(Ecosystem::CRATES)) {
        take(&mut feeds, answer, RUSTSEC, Ecosystem::CRATES, wanted)?;
    }
    for (answer, (base, wanted)) in answers.into_iter().zip(&needed) {
        take(&mut feeds, answer, &format!("osv:{base}"), base, wanted)?;
    }
    if let Some(source) = unreachable.filter(|_| feeds.feeds.is_empty()) {
        return Err(MatchingError::Unreachable {
            url: opener.place.shown(),
            source,
        });
    }
    opener.enrich(&mut feeds).await?;
    Ok(feeds)
}

/// What an inventory holds of one ecosystem.
#[derive(Default)]
pub(super) struct Wanted {
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

/// The gap of a feed that is not open.
fn gap(absence: &Absence, name: &str, base: &str, components: usize, place: &Place) -> Gap {
    let (kind, subject, why) = match absence {
        Absence::Uncovered => (GapKind::UncoveredEcosystem, base, format!("{} has no data for it", place.shown())),
        Absence::Missing(why) => (GapKind::MissingFeed, name, why.clone()),
        Absence::Unreachable(error) => (GapKind::MissingFeed, name, format!("{error}, and nothing of it is cached")),
    };
    Gap {
        kind,
        subject: subject.to_owned(),
        detail: format!("{why}: {components} components were not looked up"),
        location: None,
    }
}

pub(super) type Answer = Result<Result<OpenFeed, Absence>, MatchingError>;

/// Opens feeds as a plan says.
pub(super) struct Opener<'a> {
    plan: &'a FeedsPlan,
    effects: &'a Effects,
    pub(super) place: Place,
    pub(super) retriever: Retriever<'a>,
}

impl<'a> Opener<'a> {
    pub(super) fn new(plan: &'a FeedsPlan, effects: &'a Effects) -> Result<Self, MatchingError> {
        let place = Place::parse(&plan.osv);
        let sparse = match &plan.crates_index {
            Some(CratesIndexPlace::Sparse(url)) => Some(url.trim_start_matches("sparse+").to_owned()),
            _ => None,
        };
        let others = [&plan.rustsec, &plan.kev, &plan.epss, &sparse].into_iter().flatten();
        let remote = |text: &str| matches!(Place::parse(text), Place::Url(_));
        let needs_network = matches!(place, Place::Url(_)) || others.into_iter().any(|text| remote(text));
        Ok(Self {
            plan,
            effects,
            place,
            retriever: Retriever::new(plan, effects, needs_network)?,
        })
    }

    /// Where the indexes of the OSV feed are kept.
    pub(super) fn store(&self) -> Store {
        Store::new(&self.plan.cache, &self.place.key())
    }

    /// Opens one ecosystem of the OSV feed.
    pub(super) async fn open(&self, base: &str) -> Answer {
        if !is_plain(base) {
            return Ok(Err(Absence::Uncovered));
        }
        if let Place::Folder(root) = &self.place
            && !root.is_dir()
        {
            return Ok(Err(Absence::Missing(format!("{} is not a folder", root.display()))));
        }
        let folder = self.place.folder(base, &self.plan.cache);
        let store = self.store();
        let mut as_of = None;
        if let Place::Url(url) = &self.place {
            let index = store.open_cached(base).ok();
            match self.retriever.ecosystem(url, base, &folder, index).await? {
                Ok(retrieved) => as_of = Some(retrieved),
                Err(absence) => return Ok(Err(absence)),
            }
        }
        let names = (format!("osv:{base}"), self.place.shown());
        let find = {
            let folder = folder.clone();
            move || Source::find(&folder)
        };
        let answer = self.index(find, store, base, names, as_of).await?;
        if let (Err(Absence::Missing(_)), Place::Url(_)) = (&answer, &self.place) {
            // A damaged download is fetched anew by the next run, whatever the server says of its age.
            Retrieval::default().save(&folder).map_err(cache_error)?;
        }
        Ok(answer)
    }

    /// Opens RustSec's own database, where one is configured and the inventory holds crates.
    async fn rustsec(&self, wanted: bool) -> Option<Answer> {
        let place = RustSecPlace::parse(self.plan.rustsec.as_deref().filter(|_| wanted)?);
        Some(self.open_rustsec(&place).await)
    }

    /// Opens RustSec's own database.
    pub(super) async fn open_rustsec(&self, place: &RustSecPlace) -> Answer {
        let (path, retrieved) = match place.bring(&self.plan.cache, &self.retriever, self.effects).await? {
            Ok(found) => found,
            Err(Absence::Uncovered) => return Ok(Err(Absence::Missing(format!("{} is not there", place.shown())))),
            Err(absence) => return Ok(Err(absence)),
        };
        let store = Store::new(&self.plan.cache, &format!("{RUSTSEC} {}", place.shown()));
        let names = (RUSTSEC.to_owned(), place.shown());
        let find = move || Ok(Database::find(&path)?.map(Source::RustSec));
        let answer = self.index(find, store, Ecosystem::CRATES, names, retrieved).await?;
        Ok(answer.map_err(|absence| match absence {
            Absence::Uncovered => Absence::Missing(format!("{} holds no advisories under crates/", place.shown())),
            other => other,
        }))
    }

    /// Finds the records and opens their index, which is built where it does not fit them.
    async fn index(
        &self,
        find: impl FnOnce() -> Result<Option<Source>, SourceError> + Send + 'static,
        store: Store,
        base: &str,
        (name, shown): (String, String),
        retrieved: Option<Timestamp>,
    ) -> Answer {
        let path = store.path(base);
        let (effects, ecosystem) = (self.effects.clone(), base.to_owned());
        let work = move || match find()? {
            Some(source) => store.open(&source, &ecosystem, &effects).map(Some),
            None => Ok(None),
        };
        let built = match tokio::task::spawn_blocking(work).await {
            Ok(built) => built,
            Err(error) => return Ok(Err(Absence::Missing(format!("the index could not be built: {error}")))),
        };
        let index = match built {
            Ok(Some(index)) => index,
            Ok(None) => return Ok(Err(Absence::Uncovered)),
            Err(StoreError::Source(SourceError::Cancelled)) => return Err(MatchingError::Interrupted),
            Err(StoreError::Write(error)) => return Err(cache_error(error)),
            Err(error) => return Ok(Err(Absence::Missing(chain(&error)))),
        };
        let meta = index.meta();
        if meta.records == 0 {
            return Ok(Err(Absence::Missing(format!("{shown} holds no records for it"))));
        }
        let Some(as_of) = retrieved.or(meta.newest) else {
            return Ok(Err(Absence::Missing(format!("nothing in {shown} tells how old it is"))));
        };
        let revision = FeedRevision {
            name,
            source: shown,
            revision: meta.revision,
            records: meta.records,
            quarantined: meta.quarantined,
            as_of,
        };
        Ok(Ok(OpenFeed { index, path, revision }))
    }

    /// Opens crates.io's index, where it is asked and the inventory holds crates.
    async fn crates_index(&self, inventory: &Inventory) -> Result<Option<CratesIndex>, MatchingError> {
        let is_crate = |component: &&Component| component.ecosystem.as_ref().is_some_and(|e| e.base() == Ecosystem::CRATES);
        let mut crates = inventory.components.iter().filter(is_crate).peekable();
        let Some(place) = self.plan.crates_index.as_ref().filter(|_| crates.peek().is_some()) else {
            return Ok(None);
        };
        Ok(Some(match place {
            CratesIndexPlace::Cargo(registries) => CratesIndex::of_cargo(registries),
            CratesIndexPlace::Sparse(url) => {
                let names = crates.filter(|c| c.origin == Origin::Registry).map(|c| c.name.as_str()).collect();
                CratesIndex::of_sparse(url, &self.plan.cache, &names, &self.retriever, self.effects).await?
            }
        }))
    }

    /// Reads the catalogue of exploited vulnerabilities and the scores, as far as they are configured.
    async fn enrich(&self, feeds: &mut Feeds) -> Result<(), MatchingError> {
        for (kind, text) in [(Kind::Kev, &self.plan.kev), (Kind::Epss, &self.plan.epss)] {
            let Some(text) = text else { continue };
            let added = feeds
                .enrichment
                .add(kind, text, &self.plan.cache, &self.retriever, self.effects)
                .await?;
            let why = match added {
                Ok(()) => continue,
                Err(Absence::Missing(why)) => why,
                Err(Absence::Unreachable(error)) => format!("{error}, and nothing of it is cached"),
                Err(Absence::Uncovered) => continue,
            };
            feeds.gaps.push(Gap {
                kind: GapKind::MissingFeed,
                subject: kind.name().to_owned(),
                detail: why,
                location: None,
            });
        }
        let stale: Vec<Gap> = feeds
            .enrichment
            .revisions
            .iter()
            .filter_map(|revision| self.stale(revision))
            .collect();
        feeds.gaps.extend(stale);
        Ok(())
    }

    /// The gap of a feed that is older than it may be.
    pub(super) fn stale(&self, revision: &FeedRevision) -> Option<Gap> {
        let age = self.effects.clock.evaluation().duration_since(revision.as_of);
        let allowed = SignedDuration::try_from(self.plan.max_age).unwrap_or(SignedDuration::MAX);
        (age > allowed).then(|| Gap {
            kind: GapKind::StaleFeed,
            subject: revision.name.clone(),
            detail: format!(
                "its data is of {}, which is {} hours old; {} are allowed",
                revision.as_of,
                age.as_hours(),
                allowed.as_hours()
            ),
            location: None,
        })
    }
}

impl Feeds {
    /// True when a feed for an ecosystem is open.
    #[must_use]
    pub fn covers(&self, ecosystem: &Ecosystem) -> bool {
        self.feeds.iter().any(|feed| feed.index.meta().ecosystem == ecosystem.base())
    }
}
