//! The result of matching, and what the policy may ask of advisory data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::advisory::{FeedRevision, Match};
use super::coverage::Gap;
use super::linked::LinkedInput;
use super::release::Release;

/// What matching gave: every match, every gap, every feed's revision.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Matching {
    /// Sorted by component and advisory; one for each alias group and component.
    pub matches: Vec<Match>,
    /// What could not be decided.
    pub gaps: Vec<Gap>,
    /// Releases that their registry's index says were yanked: indexes into `Inventory::components`, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub yanked: Vec<usize>,
    /// When releases were published, as their registries tell; by component. Those that nobody knows the time of are not among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub releases: Vec<Release>,
    /// The feeds that were asked, sorted by name.
    pub feeds: Vec<FeedRevision>,
    /// That the line tables of programs were asked what was linked, and of which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked: Option<LinkedInput>,
    /// For each id that was asked for (the waivers' ids) and that some feed knows: its alias group, sorted.
    pub known_ids: BTreeMap<String, Vec<String>>,
}
