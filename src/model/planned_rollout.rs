//! What a rollout is going to do, said before anything is touched: what text and JSON are both written from.

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::rollout_state::RolloutState;

/// A version in a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedVersion {
    /// Digest of the image.
    pub digest: Digest,
    /// The full commit id, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Where the image is; empty where nobody knows.
    pub image: String,
    /// The run that started it; absent for what has not run yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

/// What is to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlannedChange {
    /// Nothing serves now, so nothing can be interrupted.
    First,
    /// What served before, and does not run any more, is started again.
    Return,
    /// One version takes the place of another.
    Replace,
    /// It serves already: it is verified, and nothing is changed.
    Verify,
}

/// A clock that limits a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedClock {
    /// Its name in the configuration: `rollout.waits.stage`.
    pub setting: String,
    /// How long, in milliseconds.
    pub limit_ms: u64,
    /// What it limits, for people.
    pub limits: String,
}

/// A step of the way forward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// The state that the rollout is in meanwhile.
    pub state: RolloutState,
    /// What is done, for people.
    pub what: String,
    /// What limits it, one after the other.
    pub clocks: Vec<PlannedClock>,
}

/// Whether users of the service will notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExpectedInterruption {
    /// Every request has somebody who answers it.
    None,
    /// For a moment nobody answers.
    Brief,
    /// For a moment nobody answers, and requests wait for it at the front door instead of failing.
    Held,
    /// Nothing serves now, so that there is nothing to interrupt.
    NothingServes,
    /// The target cannot say.
    Unknown,
}

/// Whether users of the service will notice, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedInterruption {
    /// Whether users will notice, as far as the target can know before.
    pub expected: ExpectedInterruption,
    /// Why, for people.
    pub why: String,
}

/// What happens when the new version fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedWayBack {
    /// The last known good version; `null` where there is none.
    pub to: Option<PlannedVersion>,
    /// How it is brought back, for people.
    pub how: String,
    /// What limits that, one after the other.
    pub clocks: Vec<PlannedClock>,
}

/// Why a rollout cannot work as it is planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Why it would not begin, in words.
    pub reason: String,
    /// The one next thing to do.
    pub next: String,
}

/// What a rollout is going to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRollout {
    /// `portcullis/rollout-plan/v1`.
    pub schema: String,
    /// The service's name.
    pub service: String,
    /// `process`, `command`, `compose`, `kubernetes` or `swarm`.
    pub target: String,
    /// Where it answers, for people.
    pub url: Option<String>,
    /// What serves now, as observed; `null` where nothing does.
    pub now: Option<PlannedVersion>,
    /// Why what serves now does not pass the health check, where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now_unhealthy: Option<String>,
    /// What will serve afterwards.
    pub next: PlannedVersion,
    /// What is to be changed.
    pub change: PlannedChange,
    /// What is done, in order.
    pub steps: Vec<PlannedStep>,
    /// The longest that the way forward can take, in milliseconds: the sum of its clocks.
    pub at_most_ms: u64,
    /// What users of the service will notice.
    pub interruption: PlannedInterruption,
    /// What happens when the new version fails.
    pub way_back: PlannedWayBack,
    /// What a person should know beside that.
    pub notes: Vec<String>,
    /// Why it cannot work, where it cannot; all of it.
    pub refused: Vec<Refusal>,
}

impl PlannedRollout {
    /// Everything that speaks against it in one line; `None` where nothing does.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        let told: Vec<String> = self.refused.iter().map(|one| format!("{}; {}", one.reason, one.next)).collect();
        (!told.is_empty()).then(|| told.join("; also: "))
    }

    /// What helps against the first of them.
    #[must_use]
    pub fn next_when_refused(&self) -> Option<String> {
        self.refused.first().map(|one| one.next.clone())
    }
}

impl PlannedVersion {
    /// For people: `4f2a9c1b0d3e (sha256:0123456789ab)`.
    #[must_use]
    pub fn shown(&self) -> String {
        match &self.commit {
            Some(commit) => format!("{} ({})", commit.get(..12).unwrap_or(commit), self.digest.short()),
            None => self.digest.short(),
        }
    }
}
