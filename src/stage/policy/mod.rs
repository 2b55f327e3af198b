//! Takes matches, an inventory with its gaps, and what is known of the run. Gives a `Verdict`, and `Cleared` for an image whose verdict is
//! cleared. Never reads a broken policy or waiver file as an empty one.

pub mod clearance;
pub mod rules;

pub use clearance::Cleared;

use std::path::Path;

use jiff::Timestamp;

use crate::io::Effects;
use crate::model::context::Context;
use crate::model::fault::Fault;
use crate::model::inventory::Inventory;
use crate::model::matching::Matching;
use crate::model::verdict::Verdict;

/// A parsed policy document with its rules' settings.
pub struct Policy {}

/// A parsed waiver file.
pub struct Waivers {}

/// Why a policy or waiver file cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum PolicyError {}

impl PolicyError {
    /// How the run ends: a broken policy is a usage error (64), a broken waiver file makes the run undecidable (2).
    #[must_use]
    pub fn fault(&self) -> Fault {
        match *self {}
    }
}

impl Policy {
    /// Reads a policy document; `None` takes the embedded `policies/gate.toml`.
    ///
    /// # Errors
    /// [`PolicyError`] with the span.
    pub fn load(path: Option<&Path>, effects: &Effects) -> Result<Self, PolicyError> {
        let _ = (path, effects);
        todo!("policy")
    }
}

impl Waivers {
    /// Reads a waiver file; `None` is no waivers.
    ///
    /// # Errors
    /// [`PolicyError`] with the span.
    pub fn load(path: Option<&Path>, effects: &Effects) -> Result<Self, PolicyError> {
        let _ = (path, effects);
        todo!("policy")
    }

    /// The ids of all entries, for [`Matching::known_ids`].
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        todo!("policy")
    }
}

/// Everything that rules may look at.
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

/// Judges. Pure: the same inputs give the same bytes.
#[must_use]
pub fn judge(policy: &Policy, waivers: &Waivers, evidence: &Evidence<'_>) -> Verdict {
    let _ = (policy, waivers, evidence);
    todo!("policy")
}
