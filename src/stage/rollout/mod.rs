//! Takes `Attested`. Gives a `RolloutReport` of what was observed. Never calls a version live that it did not see answer.

use crate::io::Effects;
use crate::model::fault::Fault;
use crate::model::outcome::RolloutReport;
use crate::model::plan::RolloutPlan;
use crate::stage::publish::Attested;

/// Why a rollout could not be carried out (a rollout that failed and was rolled back is a report, not an error).
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RolloutError {}

impl RolloutError {
    /// How the run ends.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match *self {}
    }
}

/// Rolls an attested digest out and proves that it serves, or brings the old one back and proves that.
///
/// # Errors
/// [`RolloutError`] when the target cannot be worked with at all.
pub async fn rollout(attested: &Attested, plan: &RolloutPlan, effects: &Effects) -> Result<RolloutReport, RolloutError> {
    let _ = (attested, plan, effects);
    todo!("rollout")
}
