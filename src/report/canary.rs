//! The steps of a canary as rows of a table, for every report.

use crate::model::canary::CanaryStep;
use crate::model::outcome::RolloutReport;
use crate::report::quantity::{elapsed, second_of_day};

/// The heads of the columns.
pub(super) const HEADS: [&str; 6] = ["Time (UTC)", "Share", "New version", "Old version", "Result", "Why"];

/// One step.
pub(super) struct Row {
    pub(super) cells: [String; 6],
    pub(super) step: CanaryStep,
}

/// Each step that came to its end.
pub(super) fn rows(report: &RolloutReport) -> Vec<Row> {
    let row = |step: &CanaryStep| Row {
        cells: [
            second_of_day(step.from),
            format!("{} % for {}", step.share, elapsed(step.elapsed_ms)),
            step.new.shown(),
            step.old.shown(),
            step.verdict.as_str().to_owned(),
            why(step),
        ],
        step: step.clone(),
    };
    report.canary.iter().map(row).collect()
}

fn why(step: &CanaryStep) -> String {
    let metric = step.metric.map(|value| format!("Prometheus: {value}"));
    metric.into_iter().chain(step.reason.clone()).collect::<Vec<_>>().join("; ")
}
