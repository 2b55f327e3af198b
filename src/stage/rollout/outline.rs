//! A target's part of a plan.

use std::time::Duration;

use crate::model::planned_rollout::{PlannedClock, PlannedInterruption, Refusal};

/// What is done in a step, and the clocks that limit it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Act {
    pub(super) what: String,
    pub(super) clocks: Vec<PlannedClock>,
}

/// What each step does at a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outline {
    /// `None` where nothing is started before the shift.
    pub(super) stage: Option<Act>,
    pub(super) shift: Act,
    pub(super) drain: Act,
    pub(super) retire: Act,
    pub(super) restore: Act,
    /// What becomes of a first version that fails.
    pub(super) remove: Act,
    pub(super) interruption: PlannedInterruption,
    pub(super) notes: Vec<String>,
    /// What cannot work here.
    pub(super) refused: Vec<Refusal>,
}

impl Act {
    pub(super) fn new(what: impl Into<String>, clocks: Vec<PlannedClock>) -> Self {
        Self { what: what.into(), clocks }
    }
}

/// A clock by its name under `[rollout]`.
pub(super) fn clock(setting: &str, limit: Duration, limits: impl Into<String>) -> PlannedClock {
    PlannedClock {
        setting: format!("rollout.{setting}"),
        limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
        limits: limits.into(),
    }
}
