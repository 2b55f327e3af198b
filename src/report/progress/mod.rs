//! The story of a run while it happens, on stderr: live on a terminal, plain lines elsewhere, `events.ndjson` for programs.

mod lines;
mod log;
mod terminal;

pub use lines::Lines;
pub use log::Log;
pub use terminal::Terminal;

use std::sync::Arc;

use crate::model::event::{Event, Observer, Stage};
use crate::model::health::{Answered, Sample};
use crate::model::outcome::RolloutResult;
use crate::model::verdict::Decision;
use crate::report::style::{Paint, Style};
use crate::report::text::prose;

/// How much of the story is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Warnings only.
    Quiet,
    /// Stages, notes, warnings.
    Normal,
    /// The output of the programs that stages run, and every probe, too.
    Verbose,
}

/// Hands each event to several observers, in order.
pub struct Fanout(pub Vec<Arc<dyn Observer>>);

impl Observer for Fanout {
    fn on_event(&self, event: &Event) {
        for observer in &self.0 {
            observer.on_event(event);
        }
    }
}

/// The sign before what a stage ended with: a verdict that is none of clearance, or a rollout that did not hold, ends in no tick.
fn sign(stage: Stage, result: &str, style: &Style) -> (Paint, &'static str) {
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
fn probe(sample: &Sample) -> String {
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
