//! What lines and terminal say alike: the sign of a stage's end, and a probe.

use crate::model::event::Stage;
use crate::model::health::{Answered, Sample};
use crate::model::outcome::RolloutResult;
use crate::model::verdict::Decision;
use crate::report::style::{Paint, Style};
use crate::report::text::prose;

/// The sign before what a stage ended with: a verdict that is none of clearance, or a rollout that did not hold, ends in no tick.
pub(super) fn sign(stage: Stage, result: &str, style: &Style) -> (Paint, &'static str) {
    let signs = style.signs();
    let is_well = match stage {
        Stage::Policy => result == Decision::Cleared.as_str(),
        Stage::Rollout => [RolloutResult::Committed, RolloutResult::AlreadyDeployed, RolloutResult::Planned]
            .iter()
            .any(|well| result == format!("{well:?}")),
        _ => true,
    };
    if is_well {
        (Paint::Good, signs.good)
    } else {
        (Paint::Bad, signs.bad)
    }
}

/// One probe as a line: `healthy, new version, 200, 4.1 ms via front door`.
pub(super) fn probe(sample: &Sample) -> String {
    let answered = match sample.answered {
        Answered::New => "new version",
        Answered::Old => "old version",
        Answered::Unknown => "version not named",
    };
    let mut text = if sample.healthy {
        "healthy, ".to_owned()
    } else {
        "not healthy, ".to_owned()
    };
    if sample.status.is_some() || sample.healthy {
        text.push_str(answered);
        text.push_str(", ");
    }
    if let Some(status) = sample.status {
        text.push_str(&format!("{status}, "));
    }
    text.push_str(&format!("{:.1} ms via {}", sample.latency_ms, prose(&sample.via)));
    if let Some(error) = &sample.error {
        text.push_str(&format!(": {}", prose(error)));
    }
    text
}
