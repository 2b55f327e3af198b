//! Feeds that are open.

use std::path::PathBuf;

use jiff::Timestamp;

use super::available::Available;
use super::crates_index::CratesIndex;
use super::enrich::Enrichment;
use super::needs::FeedGap;
use super::release_times::RegistryTimes;
use crate::model::advisory::FeedRevision;
use crate::model::inventory::Ecosystem;
use crate::stage::matching::index::Index;

/// The feeds that an inventory needs, opened.
pub struct Feeds {
    pub(in crate::stage::matching) feeds: Vec<OpenFeed>,
    pub(in crate::stage::matching) enrichment: Enrichment,
    /// What they do not give.
    pub(in crate::stage::matching) gaps: Vec<FeedGap>,
    /// crates.io's index, where it is asked.
    pub(in crate::stage::matching) crates_index: Option<CratesIndex>,
    /// Registries that tell the times of releases.
    pub(in crate::stage::matching) times: Vec<RegistryTimes>,
    /// The evaluation time.
    pub(in crate::stage::matching) at: Timestamp,
}

/// One ecosystem's records from one feed.
pub(in crate::stage::matching) struct OpenFeed {
    pub(in crate::stage::matching) index: Index,
    pub(in crate::stage::matching) path: PathBuf,
    pub(in crate::stage::matching) revision: FeedRevision,
}

/// The name of RustSec's own database among the feeds.
pub(in crate::stage::matching) const RUSTSEC: &str = FeedRevision::RUSTSEC;

impl Feeds {
    /// True when a feed for an ecosystem is open.
    #[must_use]
    pub fn covers(&self, ecosystem: &Ecosystem) -> bool {
        self.feeds.iter().any(|feed| feed.index.meta().ecosystem == ecosystem.base())
    }
}

/// A feed that is open, or why it is not.
pub(in crate::stage::matching) type Opened = Available<Box<OpenFeed>>;
