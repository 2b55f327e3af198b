//! Everything that rules may look at.

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
    /// The evaluation time, by which waivers and grace periods are counted.
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
