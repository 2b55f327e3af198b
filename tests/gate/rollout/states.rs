//! What a report says.

use portcullis::model::outcome::RolloutReport;

/// The states that a report went through.
pub(super) fn states(report: &RolloutReport) -> Vec<&str> {
    report.steps.iter().map(|step| step.state.as_str()).collect()
}

/// Asks for words in a reason, or in what is to be done next, and shows what is there instead.
#[track_caller]
pub(super) fn says(text: Option<String>, words: &str) {
    assert!(text.as_deref().is_some_and(|text| text.contains(words)), "{words}: {text:?}");
}
