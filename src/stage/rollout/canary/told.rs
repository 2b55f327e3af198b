//! A canary in words: what is planned, and what a step came to.

use std::fmt::Write as _;

use crate::model::canary::{CanaryStep, StepVerdict};
use crate::model::excused::Excused as _;
use crate::model::plan::{CanaryPlan, Sticky};
use crate::model::planned_rollout::{PlannedStep, Refusal};
use crate::model::rollout_state::RolloutState;
use crate::stage::rollout::outline::clock;
use crate::stage::rollout::target::RolloutTarget;

/// Said where nothing serves.
pub(super) const ALONE: &str =
    "nothing serves that the rest of the requests could stay with: the new version gets all of them at once, without [rollout.canary]";

/// A canary's part of a plan.
#[derive(Default)]
pub(in crate::stage::rollout) struct Outlook {
    pub(in crate::stage::rollout) steps: Vec<PlannedStep>,
    /// Why it cannot be had here.
    pub(in crate::stage::rollout) refused: Option<Refusal>,
    /// Why there is none this time.
    pub(in crate::stage::rollout) note: Option<String>,
}

impl Outlook {
    /// `serves` where there is a version that keeps the rest of the requests.
    pub(in crate::stage::rollout) fn of(plan: &CanaryPlan, target: &impl RolloutTarget, serves: bool) -> Self {
        match (target.capabilities().weighs, serves) {
            (false, _) => Self {
                refused: Some(refusal(target)),
                ..Self::default()
            },
            (true, false) => Self {
                note: Some(ALONE.to_owned()),
                ..Self::default()
            },
            (true, true) => Self {
                steps: planned(plan),
                ..Self::default()
            },
        }
    }
}

fn planned(plan: &CanaryPlan) -> Vec<PlannedStep> {
    let count = plan.steps.len();
    let step = |(at, share): (usize, &u8)| PlannedStep {
        state: RolloutState::Canary,
        what: format!(
            "step {} of {count}: {share} % of {} meet the new version, which {}",
            at + 1,
            match &plan.sticky {
                Sticky::None => "the requests".to_owned(),
                Sticky::Cookie(name) => format!("the clients (by the cookie `{name}`)"),
                Sticky::Header(name) => format!("the clients (by the header `{name}`)"),
            },
            budgets(plan)
        ),
        clocks: vec![clock(
            "canary.time",
            plan.time,
            "of the step, then the next one; what is not known by then means the way back",
        )],
    };
    plan.steps.iter().enumerate().map(step).collect()
}

fn refusal(target: &impl RolloutTarget) -> Refusal {
    Refusal {
        reason: format!(
            "[rollout.canary] is asked of the target `{}`, which cannot send a share of the requests to a version here",
            target.name()
        ),
        next: "take [rollout.canary] out, or let our own switch be the front door and ask by HTTP: `process`, or `compose` with [rollout.front] \
               kind = \"switch\" and two versions side by side"
            .to_owned(),
    }
}

fn budgets(plan: &CanaryPlan) -> String {
    let mut text = format!(
        "must have had {} requests, of which {} % may fail, and none of its instances may end",
        plan.requests,
        plan.errors * 100.0
    );
    if let Some(p95) = plan.p95 {
        write!(text, "; 95 % must be answered within {} ms", p95.as_secs_f64() * 1000.0).dismissed("a string takes everything");
    }
    if let Some(factor) = plan.p95_of_old {
        write!(text, "; its 95th percentile of latency may be {factor} times the old version's").dismissed("a string takes everything");
    }
    if let Some(metric) = &plan.metric {
        let limits = [("at least", metric.min), ("at most", metric.max)];
        let limits: Vec<String> = limits
            .iter()
            .filter_map(|(word, limit)| Some(format!("{word} {}", (*limit)?)))
            .collect();
        write!(text, "; Prometheus must say {}", limits.join(" and ")).dismissed("a string takes everything");
    }
    text
}

/// `25 %: new 240 requests, 0 failed, p95 12 ms; old 720 requests, 0 failed, p95 11 ms: passed`.
pub(super) fn step(step: &CanaryStep) -> String {
    let mut text = format!("{} %: new {}; old {}", step.share, step.new.shown(), step.old.shown());
    if let Some(value) = step.metric {
        write!(text, "; Prometheus {value}").dismissed("a string takes everything");
    }
    write!(text, ": {}", step.verdict.as_str()).dismissed("a string takes everything");
    text
}

/// Why a step that was not passed ends the rollout.
pub(super) fn failed(step: &CanaryStep) -> String {
    let reason = step.reason.as_deref().unwrap_or("no reason was recorded");
    let how = match step.verdict {
        StepVerdict::Unknown => "not known to be well, which is no pass",
        StepVerdict::Failed | StepVerdict::Passed => "not passed",
    };
    format!("the canary's step of {} % was {how}: {reason}", step.share)
}
