//! A version that serves, a canary for the next one, and load.

use std::sync::Arc;
use std::time::Duration;

use portcullis::model::canary::{CanaryStep, StepVerdict};
use portcullis::model::outcome::{RolloutReport, RolloutResult};
use portcullis::model::plan::{CanaryPlan, Sticky};

use crate::rollout::load::{Load, Tally};
use crate::rollout::service::Behaviour;
use crate::rollout::states;
use crate::rollout::world::World;

/// Says that deployers in other processes walk a canary too.
pub(in crate::rollout) const MARK: &str = "canary";
/// 200 requests a second, the most that a test may send.
pub(in crate::rollout) const EVERY: Duration = Duration::from_millis(5);

/// Two steps, as quick as a loaded machine allows.
pub(in crate::rollout) fn quick() -> CanaryPlan {
    CanaryPlan {
        steps: vec![50, 100],
        time: Duration::from_millis(1_200),
        requests: 3,
        errors: 0.0,
        p95: None,
        p95_of_old: None,
        sticky: Sticky::None,
        metric: None,
    }
}

/// Where a world is marked.
pub(in crate::rollout) fn use_canary(world: &mut World) {
    if world.path().join(MARK).exists() {
        world.plan.canary = Some(quick());
    }
}

/// A world with a version that serves, and a canary for the next one.
pub(in crate::rollout) async fn world(plan: CanaryPlan) -> World {
    let mut world = World::new();
    let report = world.rollout(&world.good('a')).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    world.plan.canary = Some(plan);
    world
}

/// Rolls a version out under load.
pub(in crate::rollout) async fn under_load(world: &World, behaviour: Behaviour) -> (RolloutReport, Arc<Tally>) {
    let load = Load::start(world.listen(), EVERY);
    let report = world.rollout(&world.release('b', behaviour)).await;
    (report, load.end().await)
}

pub(in crate::rollout) async fn came_back(world: &World, report: &RolloutReport, verdict: StepVerdict) -> CanaryStep {
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    assert_eq!(report.canary.len(), 1, "{:?}: {:?}", report.reason, report.canary);
    let step = report.canary[0].clone();
    assert_eq!(step.verdict, verdict, "{step:?}");
    assert!(!states(report).contains(&"Shifting"), "{:?}", states(report));
    assert_eq!(world.live().await, (Some(*world.opened('a').digest()), 1));
    assert!(world.status().await.canary.is_none());
    step
}

pub(in crate::rollout) fn share(step: &CanaryStep) -> f64 {
    100.0 * step.new.requests as f64 / (step.new.requests + step.old.requests) as f64
}
