//! What people do with feeds: bring them up to date, look at them, carry them over an air gap.

use crate::model::error_chain::chain;
use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;

use crate::io::Effects;
use crate::io::files::FileError;
use crate::io::folder;
use crate::model::advisory::FeedRevision;
use crate::model::excused::Excused as _;
use crate::model::inventory::Ecosystem;
use crate::model::plan::FeedsPlan;

use super::available::Absence;
use super::crates_index::CRATES_INDEX;
use super::enrich::{Enrichment, Kind};
use super::feed_source::{FeedSource, is_plain, redacted_file};
use super::needs::Needs;
use super::open_feeds::{Opened, RUSTSEC};
use super::opener::Opener;
use super::records::Source;
use super::retrieve::cache_error;
use super::rustsec::RustSecSource;
use crate::stage::matching::error::MatchingError;
use crate::stage::matching::index::{Index, IndexError};

/// One ecosystem of a feed, as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeedStatus {
    /// `osv:Debian`, `rustsec`.
    pub name: String,
    /// Where from: a URL without credentials, or a path.
    pub source: String,
    /// What it holds and how old it is; none where it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<FeedRevision>,
    /// Older than the plan allows.
    pub stale: bool,
    /// Bytes of its index on disk.
    pub index_bytes: u64,
    /// The records that could not be read and were set aside.
    pub quarantine: Vec<Quarantined>,
    /// Why its server gave nothing to an update: what is here is as old as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreached: Option<String>,
    /// Why it cannot be used, where it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl FeedStatus {
    /// True for one that tells of advisories, and not of what is known beside them (exploited ones, scores, yanked crates, times).
    #[must_use]
    pub fn is_advisories(&self) -> bool {
        self.name == RUSTSEC || self.name.starts_with("osv:")
    }

    /// True for a folder or a file of this machine, which whoever owns it brings up to date: no update of ours does.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.name != CRATES_INDEX && matches!(RustSecSource::parse(&self.source), RustSecSource::Local(_))
    }
}

/// A record that was set aside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Quarantined {
    /// Its id, or its file's name where the id could not be read.
    pub id: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Asks the servers for what is new, however fresh the copies are, and builds the indexes. No ecosystems means those that are there already.
///
/// # Errors
/// [`MatchingError`] as [`open`](super::open_needed::open()); [`MatchingError::Offline`] where no network is to be used and some feed is behind an
/// address. A feed that cannot be used is a [`FeedStatus::problem`], one whose server gave nothing says so in [`FeedStatus::unreached`].
pub async fn update(plan: &FeedsPlan, ecosystems: &[Ecosystem], effects: &Effects) -> Result<Vec<FeedStatus>, MatchingError> {
    let mut opener = Opener::new(plan, effects)?;
    if opener.needs_network && opener.retriever.is_offline() {
        return Err(MatchingError::Offline);
    }
    opener.retriever.always = true;
    report(&opener, plan, &chosen(plan, ecosystems)?).await
}

/// How the feeds stand, without asking any server.
///
/// # Errors
/// [`MatchingError::Cache`] for a cache that cannot be written (an index may have to be built).
pub async fn status(plan: &FeedsPlan, ecosystems: &[Ecosystem], effects: &Effects) -> Result<Vec<FeedStatus>, MatchingError> {
    let offline = FeedsPlan {
        offline: true,
        ..plan.clone()
    };
    let opener = Opener::new(&offline, effects)?;
    report(&opener, &offline, &chosen(plan, ecosystems)?).await
}

fn chosen(plan: &FeedsPlan, ecosystems: &[Ecosystem]) -> Result<BTreeSet<String>, MatchingError> {
    if ecosystems.is_empty() {
        return present(&FeedSource::parse(&plan.osv), &plan.cache);
    }
    Ok(ecosystems.iter().map(|ecosystem| ecosystem.base().to_owned()).collect())
}

/// The ecosystems that a place holds records of.
pub(in crate::stage::matching) fn present(place: &FeedSource, cache: &Path) -> Result<BTreeSet<String>, MatchingError> {
    let root = match place {
        FeedSource::Folder(root) => root.clone(),
        FeedSource::Url(url) => cache.join("osv").join(redacted_file(url)),
    };
    let entries = folder::entries(&root).map_err(|source| cache_error(FileError::Read { path: root, source }))?;
    let found = entries
        .into_iter()
        // A mirror's own files (OSV's `ecosystems.txt`) lie beside its ecosystems.
        .filter(|entry| entry.path().is_dir())
        // One that is damaged is there, and whoever opens it says what is wrong.
        .filter(|entry| !matches!(Source::find(&entry.path()), Ok(None)))
        .filter_map(|entry| ecosystem_of(&entry.file_name().into_string().or_none("no text: not an ecosystem's name")?));
    Ok(found.collect())
}

/// The ecosystem of a folder's name: `Rocky Linux` of `Rocky%20Linux`.
pub(in crate::stage::matching) fn ecosystem_of(name: &str) -> Option<String> {
    let plain = name.replace("%20", " ");
    is_plain(&plain).then_some(plain)
}

async fn report(opener: &Opener<'_>, plan: &FeedsPlan, bases: &BTreeSet<String>) -> Result<Vec<FeedStatus>, MatchingError> {
    let mut all = Vec::new();
    for base in bases {
        let answer = opener.open(base).await?;
        all.push(status_of(opener, format!("osv:{base}"), opener.osv.shown(), answer));
    }
    if let Some(text) = &plan.rustsec {
        let place = RustSecSource::parse(text);
        let answer = opener.open_rustsec(&place).await?;
        all.push(status_of(opener, RUSTSEC.to_owned(), place.shown(), answer));
    }
    for (kind, text) in [(Kind::Kev, &plan.kev), (Kind::Epss, &plan.epss)] {
        if let Some(text) = text {
            all.push(document_status(opener, kind, text, plan).await?);
        }
    }
    all.extend(index_status(opener, plan, bases.contains(Ecosystem::CRATES)).await?);
    Ok(all)
}

fn status_of(opener: &Opener<'_>, name: String, source: String, answer: Opened) -> FeedStatus {
    let mut status = FeedStatus {
        name,
        source,
        revision: None,
        stale: false,
        index_bytes: 0,
        quarantine: Vec::new(),
        unreached: None,
        problem: None,
    };
    status.unreached = opener.retriever.unreached(&status.name);
    match answer {
        Opened::Present(feed) => {
            status.stale = opener.stale(&feed.revision).is_some();
            status.index_bytes = std::fs::metadata(&feed.path).map_or(0, |found| found.len());
            match quarantine(&feed.index) {
                Ok(list) => status.quarantine = list,
                Err(error) => status.problem = Some(chain(&error)),
            }
            status.revision = Some(feed.revision);
        }
        Opened::Absent(absence) => status.problem = Some(problem_of(absence)),
    }
    status
}

/// How a single document stands.
async fn document_status(opener: &Opener<'_>, kind: Kind, text: &str, plan: &FeedsPlan) -> Result<FeedStatus, MatchingError> {
    let mut read = Enrichment::default();
    let added = read.add(kind, text, &plan.cache, &opener.retriever, opener.effects).await?;
    let revision = read.revisions.pop();
    Ok(FeedStatus {
        name: kind.name().to_owned(),
        source: FeedSource::parse(text).shown(),
        stale: revision.as_ref().is_some_and(|revision| opener.stale(revision).is_some()),
        revision,
        index_bytes: 0,
        quarantine: Vec::new(),
        unreached: opener.retriever.unreached(kind.name()),
        problem: added.absence().map(problem_of),
    })
}

/// How the copy of the crates index stands; none where crates are not what is asked about and no copy is here. A sparse one is brought up to date,
/// crate by crate, as far as it is here: runs fetch the rest when they need it. Cargo's own is cargo's to fetch.
async fn index_status(opener: &Opener<'_>, plan: &FeedsPlan, wanted: bool) -> Result<Option<FeedStatus>, MatchingError> {
    let needs = |crates: BTreeSet<String>| Needs {
        bases: BTreeSet::from([Ecosystem::CRATES.to_owned()]),
        crates,
        ..Needs::default()
    };
    let failed = |source| MatchingError::Cache {
        path: plan.cache.join(CRATES_INDEX),
        source,
    };
    let Some(index) = opener.crates_index(&needs(BTreeSet::new())).await? else {
        return Ok(None);
    };
    let known = index.held().map_err(failed)?;
    let brought = opener.crates_index(&needs(known.crates.into_keys().collect())).await?;
    let index = brought.unwrap_or(index);
    let held = index.held().map_err(failed)?;
    let revision = held.revision(&index.shown);
    let status = FeedStatus {
        name: CRATES_INDEX.to_owned(),
        source: index.shown.clone(),
        stale: false,
        index_bytes: held.bytes,
        quarantine: Vec::new(),
        unreached: opener.retriever.unreached(CRATES_INDEX),
        problem: None,
        revision,
    };
    Ok((wanted || status.revision.is_some()).then_some(status))
}

fn problem_of(absence: Absence) -> String {
    match absence {
        Absence::Uncovered => "the feed has no data for it".to_owned(),
        Absence::Missing(why) => why,
        Absence::Unreachable(error) => chain(&error),
    }
}

/// The records of an index that were set aside.
fn quarantine(index: &Index) -> Result<Vec<Quarantined>, IndexError> {
    let mut list = Vec::new();
    for number in 0..index.advisories() {
        let record = index.advisory(number)?;
        if record.is_broken() {
            list.push(Quarantined {
                id: record.id()?.to_owned(),
                reason: record.summary()?.to_owned(),
            });
        }
    }
    list.sort();
    Ok(list)
}
