//! The states of a report.

use portcullis::model::outcome::RolloutReport;

/// The states that a report went through.
pub(super) fn states(report: &RolloutReport) -> Vec<&str> {
    report.steps.iter().map(|step| step.state.as_str()).collect()
}
