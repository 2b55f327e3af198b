//! Why something is in the image, and the smallest change that clears it.

use serde::Serialize;

use super::finding::Judgement;
use super::inventory::Location;
use super::purl::Purl;

/// What is known of one component.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The component, as the inventory names it.
    pub purl: Purl,
    /// From the service to it, each path from the outside in; empty where the inventory has no graph.
    pub paths: Vec<Vec<Purl>>,
    /// Where it is: file, layer, build step.
    pub locations: Vec<Location>,
    /// What the policy found in it.
    pub findings: Vec<Judgement>,
    /// What to do, the smallest change first.
    pub changes: Vec<Change>,
}

/// One way to clear findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What it is: `update`, `edit`, `update-parent`, `rebase`, `replace`, `waive`.
    pub kind: &'static str,
    /// The change in words, as a person would make it.
    pub text: String,
    /// The command, where one does it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}
