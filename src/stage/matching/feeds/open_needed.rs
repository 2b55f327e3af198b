//! Opening the feeds that are needed.

pub use super::open_feeds::Feeds;
pub(in crate::stage::matching) use super::open_feeds::{OpenFeed, RUSTSEC};
use futures_util::future::join_all;

use crate::io::Effects;
#[cfg(doc)]
use crate::model::coverage::GapKind;
use crate::model::inventory::{Ecosystem, Inventory};
use crate::model::plan::FeedsPlan;

use super::available::Absence;
use super::enrich::Enrichment;
use super::needs::{FeedGap, Needs};
use super::open_feeds::Opened;
use super::opener::Opener;
use crate::stage::matching::error::MatchingError;

/// Opens the feeds that an inventory needs: fetches what is not fresh, builds what has no index.
///
/// A copy that was retrieved less than an hour ago (less than half of `max_age`, where that is shorter) is used without asking. A server that
/// cannot be reached is no error while there is a copy: it ages, and [`GapKind::StaleFeed`] says so once it is older than `max_age`.
///
/// # Errors
/// [`MatchingError::Unreachable`] when no feed could be reached and the cache has no copy of any; [`MatchingError::Cache`] for a cache that cannot be
/// written. Everything else that is wrong with a feed is a gap.
pub async fn open(plan: &FeedsPlan, inventory: &Inventory, effects: &Effects) -> Result<Feeds, MatchingError> {
    open_needed(plan, &Needs::of(inventory), effects).await
}

/// Opens the feeds of some ecosystems, for inventories that are not at hand yet. Of a sparse index only the copies that are there are asked.
///
/// # Errors
/// As [`open`].
pub async fn open_ecosystems<'a>(
    plan: &FeedsPlan,
    ecosystems: impl IntoIterator<Item = &'a Ecosystem>,
    effects: &Effects,
) -> Result<Feeds, MatchingError> {
    open_needed(plan, &Needs::of_ecosystems(ecosystems), effects).await
}

async fn open_needed(plan: &FeedsPlan, needs: &Needs, effects: &Effects) -> Result<Feeds, MatchingError> {
    let opener = Opener::new(plan, effects)?;
    let (answers, rustsec) = tokio::join!(
        join_all(needs.bases.iter().map(|base| opener.open(base))),
        opener.rustsec(needs.holds_crates())
    );
    let mut feeds = Feeds {
        feeds: Vec::new(),
        enrichment: Enrichment::default(),
        gaps: Vec::new(),
        crates_index: opener.crates_index(needs).await?,
        times: opener.times(needs).await,
        at: effects.clock.evaluation(),
    };
    let mut unreachable = None;
    let mut take = |feeds: &mut Feeds, answer: Result<Opened, MatchingError>, name: &str, base: &str| -> Result<(), MatchingError> {
        match answer? {
            Opened::Present(feed) => {
                let stale = opener.stale(&feed.revision);
                feeds.gaps.extend(stale.map(|gap| FeedGap::of(Some(base.to_owned()), gap)));
                feeds.feeds.push(*feed);
            }
            Opened::Absent(Absence::Uncovered) if feeds.covers(&Ecosystem::new(base)) => {}
            Opened::Absent(absence) => {
                feeds.gaps.push(FeedGap::absent(&absence, name, base, &opener.osv));
                if let Absence::Unreachable(error) = absence {
                    unreachable = Some(error);
                }
            }
        }
        Ok(())
    };
    if let Some(answer) = rustsec {
        take(&mut feeds, answer, RUSTSEC, Ecosystem::CRATES)?;
    }
    for (answer, base) in answers.into_iter().zip(&needs.bases) {
        take(&mut feeds, answer, &format!("osv:{base}"), base)?;
    }
    if let Some(source) = unreachable.filter(|_| feeds.feeds.is_empty()) {
        return Err(MatchingError::Unreachable {
            url: opener.osv.shown(),
            source,
        });
    }
    opener.enrich(&mut feeds).await?;
    Ok(feeds)
}
