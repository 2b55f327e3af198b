//! What is said before, and where there is no canary.

use std::fs;
use std::time::Duration;

use portcullis::model::outcome::RolloutResult;
use portcullis::model::plan::{CanaryPlan, Sticky};
use portcullis::model::rollout_state::RolloutState;
use portcullis::stage::rollout;

use super::rig::{EVERY, quick, world};
use crate::rollout::load::Load;
use crate::rollout::states;
use crate::rollout::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_shows_each_step_with_its_budgets_and_touches_nothing() {
    let world = world(CanaryPlan {
        steps: vec![5, 100],
        p95: Some(Duration::from_millis(250)),
        p95_of_old: Some(1.5),
        sticky: Sticky::Cookie("lot".to_owned()),
        ..quick()
    })
    .await;
    let journal = fs::read(world.state().join("journal.jsonl")).unwrap();
    let planned = rollout::plan(&world.good('b'), &world.plan, &world.effects()).await.unwrap();
    assert_eq!(planned.refused, []);
    let steps: Vec<_> = planned.steps.iter().filter(|step| step.state == RolloutState::Canary).collect();
    assert_eq!(steps.len(), 2);
    for part in [
        "step 1 of 2",
        "5 % of the clients",
        "cookie `lot`",
        "3 requests",
        "250 ms",
        "1.5 times",
    ] {
        assert!(steps[0].what.contains(part), "{part}: {}", steps[0].what);
    }
    assert_eq!(steps[1].clocks[0].setting, "rollout.canary.time");
    assert_eq!(steps[1].clocks[0].limit_ms, 1_200);
    assert_eq!(fs::read(world.state().join("journal.jsonl")).unwrap(), journal);
    assert_eq!(world.status().await.instances.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_of_a_protocol_whose_answers_nobody_sees_is_refused_before_anything_is_touched() {
    let mut world = World::new();
    world.speaks_tcp();
    world.rollout(&world.good('a')).await;
    world.plan.canary = Some(quick());
    let new = world.good('b');
    let report = world.rollout(&new).await;
    assert_eq!((report.result, report.result.code()), (RolloutResult::Refused, 12));
    let reason = report.reason.unwrap();
    assert!(
        reason.contains("[rollout.canary]") && reason.contains("take [rollout.canary] out"),
        "{reason}"
    );
    assert_eq!(world.live().await, (Some(*world.opened('a').digest()), 1));
    // A way back is not barred by it.
    world.plan.canary = None;
    world.rollout(&new).await;
    world.plan.canary = Some(quick());
    let report = rollout::rollback(&world.plan, &world.effects()).await.unwrap();
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
}
#[tokio::test(flavor = "multi_thread")]
async fn the_first_version_and_a_way_back_get_all_requests_at_once() {
    let mut world = World::new();
    world.plan.canary = Some(quick());
    let report = world.rollout(&world.good('a')).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert!(report.canary.is_empty() && !states(&report).contains(&"Canary"));
    let load = Load::start(world.listen(), EVERY);
    let report = world.rollout(&world.good('b')).await;
    load.end().await;
    assert_eq!(
        (report.result, report.canary.len()),
        (RolloutResult::Committed, 2),
        "{:?}",
        report.reason
    );
    // A person who goes back waits for no share.
    let report = rollout::rollback(&world.plan, &world.effects()).await.unwrap();
    assert_eq!(
        (report.result, report.canary.len()),
        (RolloutResult::Committed, 0),
        "{:?}",
        report.reason
    );
}
