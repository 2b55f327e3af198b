//! What every rule fulfils, and what it says.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::RuleText;
use crate::model::advisory::Match;
use crate::model::coverage::Gap;
use crate::model::finding::{Finding, Level};
use crate::model::inventory::Component;
use crate::model::release::ReleaseTimes;
use crate::stage::policy::Evidence;
use crate::stage::policy::waivers::Standing;

/// What a rule objects to.
#[derive(Debug, Default)]
pub struct Objections {
    /// What the rule objects to.
    pub findings: Vec<Finding>,
    /// What could not be decided.
    pub gaps: Vec<Gap>,
    /// What was known of the times of releases, where a rule asked.
    pub release_times: Option<ReleaseTimes>,
}

/// Whether some rule denies what an advisory says of a component, waivers aside.
pub type Denies<'a> = &'a dyn Fn(&Component, &Match) -> bool;

/// A rule with its settings. Every method is pure.
pub trait Rule: Send + Sync + std::fmt::Debug {
    /// Looks at the evidence.
    fn check(&self, evidence: &Evidence<'_>, objections: &mut Objections) {
        let _ = (evidence, objections);
    }

    /// Looks at the evidence beside what the other rules would deny.
    fn check_beside(&self, evidence: &Evidence<'_>, denies: Denies<'_>, objections: &mut Objections) {
        _ = (evidence, denies, objections);
    }

    /// Whether it denies what an advisory says of a component at the evaluation time, waivers aside.
    fn denies(&self, component: &Component, matched: &Match, at: Timestamp) -> bool {
        let _ = (component, matched, at);
        false
    }

    /// Looks at what the waivers came to.
    fn check_waivers(&self, standings: &[Standing<'_>], objections: &mut Objections) {
        let _ = (standings, objections);
    }

    /// How hard it weighs a gap; none for gaps that are not its own.
    fn weigh(&self, gap: &Gap) -> Option<Level> {
        let _ = gap;
        None
    }

    /// True when it denies an image of a tree with changes that are not committed.
    fn denies_dirty_trees(&self) -> bool {
        false
    }

    /// True when it denies that a waiver has ended, whatever the waiver covered.
    fn denies_ended_waivers(&self) -> bool {
        false
    }

    /// True when it looks at licences, which of crates are not to be had for nothing.
    fn asks_for_licenses(&self) -> bool {
        false
    }
}

/// A rule's settings as its table gives them: the rule itself.
pub(crate) trait Settings: Rule + Default + DeserializeOwned + JsonSchema + 'static {
    /// What people read about it.
    const ABOUT: RuleText;
}
