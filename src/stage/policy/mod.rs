//! Takes matches, an inventory with its gaps, and what is known of the run. Gives a `Verdict`, and `Cleared` for an image whose verdict is
//! cleared. Never reads a broken policy or waiver file as an empty one.

pub mod baseline;
pub mod clearance;
mod custom;
mod docs;
pub mod document;
mod error;
pub mod evidence_file;
pub mod explain;
pub mod import;
mod judge;
pub mod pattern;
pub mod recheck;
mod remedy;
pub mod repository;
pub mod rules;
pub mod schema;
pub mod waive;
pub mod waivers;

pub use clearance::Cleared;
pub use docs::rules_page;
pub use document::Policy;
pub use error::PolicyError;
pub use judge::judge;
pub use waivers::Waivers;

use jiff::Timestamp;

use crate::model::context::Context;
use crate::model::inventory::Inventory;
use crate::model::matching::Matching;

/// Everything that rules may look at.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// What is in the subject, and what could not be seen.
    pub inventory: &'a Inventory,
    /// What advisories say of it.
    pub matching: &'a Matching,
    /// The repository and the plan.
    pub context: &'a Context,
    /// The evaluation time.
    pub at: Timestamp,
}

impl Evidence<'_> {
    /// Whether a component's release was yanked: the registry's index says so today, or did when the inventory was taken.
    #[must_use]
    pub fn is_yanked(&self, component: usize) -> bool {
        let then = self.inventory.components.get(component).is_some_and(|component| component.yanked);
        then || self.matching.yanked.binary_search(&component).is_ok()
    }
}
