//! A stage under way, told to whoever listens.

use std::time::Instant;

use super::GateError;
use crate::io::Effects;
use crate::model::event::{Event, Stage};

/// A stage under way: says that it started, and when it is finished, what it gave and how long it took.
pub(super) struct Step {
    stage: Stage,
    since: Instant,
}

impl Step {
    pub(super) fn start(stage: Stage, what: String, effects: &Effects) -> Result<Self, GateError> {
        if effects.is_cancelled() {
            return Err(GateError::Interrupted(stage));
        }
        effects.emit(&Event::Started { stage, what });
        Ok(Self {
            stage,
            since: Instant::now(),
        })
    }

    pub(super) fn finish(self, result: String, effects: &Effects) {
        effects.emit(&Event::Finished {
            stage: self.stage,
            result,
            elapsed_ms: u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
    }
}
