//! How each feed of a plan comes to be open.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::io::Effects;
use crate::model::advisory::FeedRevision;
use crate::model::age::length;
use crate::model::coverage::{Gap, GapKind};
use crate::model::error_chain::chain;
use crate::model::excused::Excused as _;
use crate::model::inventory::Ecosystem;
use crate::model::plan::{CratesIndexSource, FeedsPlan, NpmRegistrySource};

use super::available::{Absence, Available};
use super::crates_index::CratesIndex;
use super::enrich::Kind;
use super::feed_source::{FeedSource, Retrieval, is_plain};
use super::needs::{FeedGap, Needs};
use super::open_feeds::{Feeds, OpenFeed, Opened, RUSTSEC};
use super::records::{Source, SourceError};
use super::release_times::{RegistryTimes, Told};
use super::retrieve::{Retriever, cache_error};
use super::rustsec::{Database, RustSecSource};
use super::store::{Store, StoreError};
use crate::stage::matching::error::MatchingError;

/// So much may two machines' clocks differ.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(10);

/// Opens feeds as a plan says.
pub(in crate::stage::matching) struct Opener<'a> {
    plan: &'a FeedsPlan,
    pub(in crate::stage::matching) effects: &'a Effects,
    pub(in crate::stage::matching) osv: FeedSource,
    pub(in crate::stage::matching) retriever: Retriever<'a>,
    /// True where some feed of the plan is behind an address.
    pub(in crate::stage::matching) needs_network: bool,
}

impl<'a> Opener<'a> {
    pub(in crate::stage::matching) fn new(plan: &'a FeedsPlan, effects: &'a Effects) -> Result<Self, MatchingError> {
        let osv = FeedSource::parse(&plan.osv);
        let sparse = match &plan.crates_index {
            Some(CratesIndexSource::Sparse(url)) => Some(url.trim_start_matches("sparse+").to_owned()),
            _ => None,
        };
        let npm = match &plan.npm_registry {
            Some(NpmRegistrySource::Url(url)) => Some(url.clone()),
            _ => None,
        };
        let others = [&plan.rustsec, &plan.kev, &plan.epss, &sparse, &npm, &plan.pypi_index]
            .into_iter()
            .flatten();
        let remote = |text: &str| matches!(FeedSource::parse(text), FeedSource::Url(_));
        let needs_network = matches!(osv, FeedSource::Url(_)) || others.into_iter().any(|text| remote(text));
        Ok(Self {
            plan,
            effects,
            osv,
            retriever: Retriever::new(plan, effects, needs_network)?,
            needs_network,
        })
    }

    /// Where the indexes of the OSV feed are kept.
    pub(in crate::stage::matching) fn store(&self) -> Store {
        Store::new(&self.plan.cache, &self.osv.key())
    }

    /// Opens one ecosystem of the OSV feed.
    pub(in crate::stage::matching) async fn open(&self, base: &str) -> Result<Opened, MatchingError> {
        if !is_plain(base) {
            return Ok(Opened::Absent(Absence::Uncovered));
        }
        if let FeedSource::Folder(root) = &self.osv
            && !root.is_dir()
        {
            return Ok(Opened::Absent(Absence::Missing(format!("{} is not a folder", root.display()))));
        }
        let folder = self.osv.folder(base, &self.plan.cache);
        let store = self.store();
        let (mut as_of, mut copy) = (None, Retrieval::default());
        if let FeedSource::Url(url) = &self.osv {
            let index = store.open_cached(base).or_none("without a usable index all records are fetched");
            match self.retriever.ecosystem(url, base, &folder, index).await? {
                Available::Present(retrieved) => (as_of, copy) = (retrieved, Retrieval::load(&folder)),
                Available::Absent(absence) => return Ok(Opened::Absent(absence)),
            }
        }
        let names = (format!("osv:{base}"), self.osv.shown());
        let find = {
            let folder = folder.clone();
            move || Source::find(&folder)
        };
        let answer = self.index(find, store, base, names, (as_of, copy)).await?;
        if let (Opened::Absent(Absence::Missing(_)), FeedSource::Url(_)) = (&answer, &self.osv) {
            // A damaged download is fetched anew by the next run, whatever the server says of its age.
            Retrieval::default().save(&folder).map_err(cache_error)?;
        }
        Ok(answer)
    }

    /// Opens RustSec's own database, where one is configured and the inventory holds crates.
    pub(in crate::stage::matching) async fn rustsec(&self, wanted: bool) -> Option<Result<Opened, MatchingError>> {
        let place = RustSecSource::parse(self.plan.rustsec.as_deref().filter(|_| wanted)?);
        Some(self.open_rustsec(&place).await)
    }

    /// Opens RustSec's own database.
    pub(in crate::stage::matching) async fn open_rustsec(&self, place: &RustSecSource) -> Result<Opened, MatchingError> {
        let (path, retrieved) = match place.bring(&self.plan.cache, &self.retriever, self.effects).await? {
            Available::Present(found) => found,
            Available::Absent(Absence::Uncovered) => {
                return Ok(Opened::Absent(Absence::Missing(format!("{} is not there", place.shown()))));
            }
            Available::Absent(absence) => return Ok(Opened::Absent(absence)),
        };
        let store = Store::new(&self.plan.cache, &format!("{RUSTSEC} {}", place.shown()));
        let names = (RUSTSEC.to_owned(), place.shown());
        let find = move || Ok(Database::find(&path)?.map(Source::RustSec));
        let answer = self
            .index(find, store, Ecosystem::CRATES, names, (retrieved, place.copy(&self.plan.cache)))
            .await?;
        Ok(match answer {
            Opened::Absent(Absence::Uncovered) => {
                Opened::Absent(Absence::Missing(format!("{} holds no advisories under crates/", place.shown())))
            }
            other => other,
        })
    }

    /// Finds the records and opens their index, which is built where it does not fit them.
    async fn index(
        &self,
        find: impl FnOnce() -> Result<Option<Source>, SourceError> + Send + 'static,
        store: Store,
        base: &str,
        (name, shown): (String, String),
        (retrieved, copy): (Option<Timestamp>, Retrieval),
    ) -> Result<Opened, MatchingError> {
        let path = store.path(base);
        let (effects, ecosystem) = (self.effects.clone(), base.to_owned());
        let work = move || match find()? {
            Some(source) => store.open(&source, &ecosystem, &effects).map(Some),
            None => Ok(None),
        };
        let built = match tokio::task::spawn_blocking(work).await {
            Ok(built) => built,
            Err(error) => return Ok(Opened::Absent(Absence::Missing(format!("the index could not be built: {error}")))),
        };
        let index = match built {
            Ok(Some(index)) => index,
            Ok(None) => return Ok(Opened::Absent(Absence::Uncovered)),
            Err(StoreError::Source(SourceError::Cancelled)) => return Err(MatchingError::Interrupted),
            Err(StoreError::Write(error)) => return Err(cache_error(error)),
            Err(error) => return Ok(Opened::Absent(Absence::Missing(chain(&error)))),
        };
        let meta = index.meta();
        if meta.records == 0 {
            return Ok(Opened::Absent(Absence::Missing(format!("{shown} holds no records for it"))));
        }
        let Some(as_of) = retrieved.or(meta.newest) else {
            return Ok(Opened::Absent(Absence::Missing(format!("nothing in {shown} tells how old it is"))));
        };
        let revision = FeedRevision {
            name,
            source: shown,
            revision: meta.revision,
            records: meta.records,
            quarantined: meta.quarantined,
            as_of,
            bundle: copy.bundle,
            served_by: copy.served_by,
        };
        Ok(Opened::Present(Box::new(OpenFeed { index, path, revision })))
    }

    /// Opens crates.io's index, where it is asked and crates are among what is needed.
    pub(in crate::stage::matching) async fn crates_index(&self, needs: &Needs) -> Result<Option<CratesIndex>, MatchingError> {
        let Some(place) = self.plan.crates_index.as_ref().filter(|_| needs.holds_crates()) else {
            return Ok(None);
        };
        Ok(Some(match place {
            CratesIndexSource::Cargo(registries) => CratesIndex::of_cargo(registries),
            CratesIndexSource::Sparse(url) => {
                CratesIndex::of_sparse(url, &self.plan.cache, &needs.crates, &self.retriever, self.effects).await?
            }
        }))
    }

    /// Asks the registries that tell the times of releases, for the packages at hand.
    pub(in crate::stage::matching) async fn times(&self, needs: &Needs) -> Vec<RegistryTimes> {
        let (plan, none) = (self.plan, BTreeMap::new());
        let needed = |told: Told| needs.releases.get(told.feed()).unwrap_or(&none);
        let mut all = Vec::new();
        let mut urls = Vec::new();
        match &plan.npm_registry {
            Some(NpmRegistrySource::Cache(folder)) => all.push(RegistryTimes::of_npm_cache(folder, &plan.cache, needed(Told::Npm))),
            Some(NpmRegistrySource::Url(url)) => urls.push((Told::Npm, url)),
            None => {}
        }
        urls.extend(plan.pypi_index.iter().map(|url| (Told::Python, url)));
        for (told, url) in urls {
            all.push(RegistryTimes::of_url(told, url, &plan.cache, needed(told), &self.retriever, self.effects).await);
        }
        all
    }

    /// Reads the catalogue of exploited vulnerabilities and the scores, as far as they are configured.
    pub(in crate::stage::matching) async fn enrich(&self, feeds: &mut Feeds) -> Result<(), MatchingError> {
        for (kind, text) in [(Kind::Kev, &self.plan.kev), (Kind::Epss, &self.plan.epss)] {
            let Some(text) = text else { continue };
            let added = feeds
                .enrichment
                .add(kind, text, &self.plan.cache, &self.retriever, self.effects)
                .await?;
            let why = match added {
                Available::Present(()) => continue,
                Available::Absent(Absence::Missing(why)) => why,
                Available::Absent(Absence::Unreachable(error)) => format!("{error}, and nothing of it is cached"),
                Available::Absent(Absence::Uncovered) => continue,
            };
            let gap = Gap {
                kind: GapKind::MissingFeed,
                subject: kind.name().to_owned(),
                detail: why,
                location: None,
            };
            feeds.gaps.push(FeedGap::of(None, gap));
        }
        let stale = feeds.enrichment.revisions.iter().filter_map(|revision| self.stale(revision));
        feeds.gaps.extend(stale.map(|gap| FeedGap::of(None, gap)));
        Ok(())
    }

    /// The gap of a feed that is older than it may be.
    pub(in crate::stage::matching) fn stale(&self, revision: &FeedRevision) -> Option<Gap> {
        // A clock that goes a little wrong is no lie.
        if revision.as_of > self.effects.clock.now() + CLOCKS_DIFFER {
            return Some(Gap {
                kind: GapKind::StaleFeed,
                subject: revision.name.clone(),
                detail: format!(
                    "its data says that it is of {}, which is still to come: nobody knows how old it is",
                    revision.as_of
                ),
                location: None,
            });
        }
        let age = self.effects.clock.evaluation().duration_since(revision.as_of);
        let allowed = SignedDuration::try_from(self.plan.max_age).unwrap_or(SignedDuration::MAX);
        (age > allowed).then(|| Gap {
            kind: GapKind::StaleFeed,
            subject: revision.name.clone(),
            detail: format!(
                "its data is of {}, {} ago; at most {} are allowed",
                revision.as_of,
                length(age.as_secs()),
                length(allowed.as_secs())
            ),
            location: None,
        })
    }
}
