//! A rollout's plan as lines: at the start of each rollout, and as the answer of `rollout --plan`.

use super::quantity::elapsed;
use super::text::{pad, prose};
use crate::model::planned_rollout::{ExpectedInterruption, PlannedChange, PlannedClock, PlannedRollout, PlannedVersion};

/// Columns of a line's name.
const NAME: usize = 14;

/// The plan, a line for each thing; nothing foreign in it can move a cursor.
#[must_use]
pub fn lines(plan: &PlannedRollout) -> Vec<String> {
    let mut lines = vec![head(plan)];
    let mut add = |name: &str, text: &str| lines.push(format!("{} {}", pad(name, NAME), prose(text)));
    add("now", &plan.now.as_ref().map_or_else(|| "nothing".to_owned(), version));
    add("next", &version(&plan.next));
    for (at, step) in plan.steps.iter().enumerate() {
        add(&format!("{}. {}", at + 1, step.state), &with_clocks(&step.what, &step.clocks));
    }
    add("at most", &format!("{} in all", elapsed(plan.at_most_ms)));
    let expected = match plan.interruption.expected {
        ExpectedInterruption::None => "none expected",
        ExpectedInterruption::Brief => "brief interruption expected",
        ExpectedInterruption::Held => "requests wait for a moment",
        ExpectedInterruption::NothingServes => "none: nothing serves now",
        ExpectedInterruption::Unknown => "not known",
    };
    add("interruption", &format!("{expected}: {}", plan.interruption.why));
    let to = plan
        .way_back
        .to
        .as_ref()
        .map_or_else(|| "none".to_owned(), |to| format!("to {}", version(to)));
    add(
        "way back",
        &format!("{to}: {}", with_clocks(&plan.way_back.how, &plan.way_back.clocks)),
    );
    for note in &plan.notes {
        add("note", note);
    }
    for refusal in &plan.refused {
        add("refused", &refusal.reason);
        add("", &refusal.next);
    }
    lines
}

fn head(plan: &PlannedRollout) -> String {
    let what = match plan.change {
        PlannedChange::First => "deploys where nothing serves now",
        PlannedChange::Return => "starts what served before again",
        PlannedChange::Replace => "replaces what serves",
        PlannedChange::Verify => "verifies what serves already, and changes nothing",
    };
    let at = plan.url.as_ref().map_or_else(String::new, |url| format!(" at {}", prose(url)));
    format!("{} ({}){at}: {what}", prose(&plan.service), plan.target)
}

fn version(version: &PlannedVersion) -> String {
    match &version.run {
        Some(run) => format!("{}, run {run}", version.shown()),
        None => version.shown(),
    }
}

/// `starts it beside the old one [rollout.waits.stage 60 s: until it is healthy]`.
fn with_clocks(what: &str, clocks: &[PlannedClock]) -> String {
    let told: Vec<String> = clocks
        .iter()
        .map(|clock| format!("{} {}: {}", clock.setting, elapsed(clock.limit_ms), clock.limits))
        .collect();
    match told.is_empty() {
        true => what.to_owned(),
        false => format!("{what} [{}]", told.join("; ")),
    }
}
