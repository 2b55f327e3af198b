//! Which feeds an inventory needs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use futures_util::future::join_all;

use crate::io::Effects;
use crate::model::advisory::FeedRevision;
use crate::model::coverage::{Gap, GapKind};
use crate::model::inventory::{Ecosystem, Inventory};
use crate::model::plan::FeedsPlan;

use super::MatchingError;
use super::crates_index::CratesIndex;
use super::enrich::Enrichment;
use super::evaluate::normal_release;
use super::index::Index;
use super::opener::{Answer, Opener};
use super::place::Place;
use super::retrieve::Absence;

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

impl Feeds {
    /// True when a feed for an ecosystem is open.
    #[must_use]
    pub fn covers(&self, ecosystem: &Ecosystem) -> bool {
        self.feeds.iter().any(|feed| feed.index.meta().ecosystem == ecosystem.base())
    }
}
