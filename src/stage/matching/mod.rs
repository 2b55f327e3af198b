//! Takes an `Inventory` and feeds. Gives a `Matching`: claims with their evidence, gaps, feed revisions. Never reads "no data" as "no findings".

use crate::io::Effects;
use crate::model::fault::Fault;
use crate::model::inventory::Inventory;
use crate::model::matching::Matching;
use crate::model::plan::FeedsPlan;

/// Why matching could not be done at all (a feed that is only missing or stale is a gap, not an error).
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum MatchingError {}

impl MatchingError {
    /// How the run ends.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match *self {}
    }
}

/// The feeds that an inventory needs, opened.
pub struct Feeds {}

/// Fetches what is needed for the inventory's ecosystems and is not fresh, builds what has no index, opens all.
///
/// # Errors
/// [`MatchingError`] for a plan that cannot be carried out (a cache that cannot be written).
pub async fn open(plan: &FeedsPlan, inventory: &Inventory, effects: &Effects) -> Result<Feeds, MatchingError> {
    let _ = (plan, inventory, effects);
    todo!("matching")
}

impl Feeds {
    /// Matches every component; `ids` are the waivers' ids, asked for `known_ids`. Blocking; uses rayon.
    #[must_use]
    pub fn match_inventory(&self, inventory: &Inventory, ids: &[String]) -> Matching {
        let _ = (inventory, ids);
        todo!("matching")
    }
}
