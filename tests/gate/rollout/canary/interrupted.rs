//! Killed, cancelled, changed by somebody else in the middle of a step.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use portcullis::model::outcome::RolloutResult;
use portcullis::model::plan::CanaryPlan;
use portcullis::stage::rollout;

use super::rig::{EVERY, MARK, quick, share, use_canary, world};
use crate::rollout::load::Load;
use crate::rollout::roles::{self, Death};
use crate::rollout::service::Behaviour;
use crate::rollout::world::World;
use crate::rollout::{heavy, states};

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_a_line_of_its_canary_resume_commits_it_and_walks_no_passed_step_again() {
    // The lines of the canary: from its first state to the last step's end. Every one of the way forward with PORTCULLIS_HEAVY.
    let lines = if heavy() { 1..=30 } else { 8..=16 };
    let mut killed = 0;
    for line in lines {
        let mut world = World::new();
        fs::write(world.path().join(MARK), "").unwrap();
        use_canary(&mut world);
        world.rollout(&world.good('a')).await;
        let new = world.good('b');
        let load = Load::start(world.listen(), EVERY);
        let after = roles::killed_and_resumed(&world, 'b', Death::Soon(line), RolloutResult::Committed).await;
        let tally = load.end().await;
        assert_eq!(tally.lost(), Vec::<String>::new(), "line {line}: {}", tally.line());
        assert_eq!(world.live().await, (Some(*new.digest()), 1), "line {line}");
        let journal = fs::read_to_string(world.state().join("journal.jsonl")).unwrap();
        assert_eq!(journal.matches("\"entry\":\"canary\"").count(), 2, "line {line}: {journal}");
        if !after.reached {
            break;
        }
        killed += 1;
    }
    assert!(killed >= 8, "{killed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_when_a_step_has_failed_resume_goes_back_and_does_not_walk_it_again() {
    for line in 9..=12 {
        let mut world = World::new();
        fs::write(world.path().join(MARK), "").unwrap();
        use_canary(&mut world);
        let old = world.good('a');
        world.rollout(&old).await;
        let failing = Behaviour {
            errors_of_10: 10,
            ..Behaviour::default()
        };
        world.release('b', failing);
        let load = Load::start(world.listen(), EVERY);
        let after = roles::killed_and_resumed(&world, 'b', Death::Soon(line), RolloutResult::RolledBack).await;
        load.end().await;
        assert!(after.killed && after.resumed, "line {line}: {after:?}");
        assert_eq!(world.live().await, (Some(*old.digest()), 1), "line {line}");
        let journal = fs::read_to_string(world.state().join("journal.jsonl")).unwrap();
        assert_eq!(journal.matches("\"entry\":\"canary\"").count(), 1, "line {line}: {journal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_canary_keeps_its_share_and_a_new_rollout_takes_it_away() {
    let mut world = world(CanaryPlan {
        time: Duration::from_secs(60),
        ..quick()
    })
    .await;
    let effects = world.effects();
    let cancelled = Arc::clone(&effects.cancelled);
    let (plan, new) = (world.plan.clone(), world.good('b'));
    let running = tokio::spawn(async move { rollout::rollout(&new, &plan, &effects).await.unwrap() });
    roles::come_to("\"operation\":\"weigh\",\"detail\"", &world, &running).await;
    cancelled.store(true, std::sync::atomic::Ordering::SeqCst);
    let report = running.await.unwrap();
    assert_eq!(report.result, RolloutResult::Interrupted, "{:?}", report.reason);
    let status = world.status().await;
    assert_eq!(status.canary.map(|canary| canary.share.percent), Some(50));
    assert_eq!(status.instances.len(), 2);
    world.plan.canary = None;
    let fix = world.good('c');
    let report = world.rollout(&fix).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(world.live().await, (Some(*fix.digest()), 1));
    assert!(world.status().await.canary.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn going_back_from_an_interrupted_canary_goes_to_what_kept_the_rest_of_the_requests() {
    let mut world = world(CanaryPlan {
        time: Duration::from_secs(60),
        ..quick()
    })
    .await;
    let canary = world.plan.canary.take();
    let serving = world.good('b');
    world.rollout(&serving).await;
    world.plan.canary = canary;
    let effects = world.effects();
    let cancelled = Arc::clone(&effects.cancelled);
    let (plan, new) = (world.plan.clone(), world.good('c'));
    let running = tokio::spawn(async move { rollout::rollout(&new, &plan, &effects).await.unwrap() });
    roles::come_to("\"operation\":\"weigh\",\"detail\"", &world, &running).await;
    cancelled.store(true, std::sync::atomic::Ordering::SeqCst);
    running.await.unwrap();
    let report = rollout::rollback(&world.plan, &world.effects()).await.unwrap();
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(world.live().await, (Some(*serving.digest()), 1));
    assert!(world.status().await.canary.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_is_killed_in_a_step_is_brought_back_with_its_shares() {
    let world = world(CanaryPlan {
        time: Duration::from_secs(8),
        ..quick()
    })
    .await;
    let (plan, effects, new) = (world.plan.clone(), world.effects(), world.good('b'));
    let load = Load::start(world.listen(), EVERY);
    let running = tokio::spawn(async move { rollout::rollout(&new, &plan, &effects).await.unwrap() });
    roles::come_to("\"operation\":\"weigh\",\"detail\"", &world, &running).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    let served = world.served(&world.opened('b')).await;
    world.kill_switch();
    let report = running.await.unwrap();
    load.end().await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    // In the two seconds that are left, the second switch alone has seen a third of what the first one has.
    let step = &report.canary[0];
    let both = step.new.requests > served * 3 / 4;
    assert!((share(step) - 50.0).abs() <= 5.0 && both, "{served} and then: {step:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_else_who_changes_the_shares_is_left_alone() {
    let world = world(CanaryPlan {
        time: Duration::from_secs(60),
        ..quick()
    })
    .await;
    let (plan, effects, new) = (world.plan.clone(), world.effects(), world.good('b'));
    let running = tokio::spawn(async move { rollout::rollout(&new, &plan, &effects).await.unwrap() });
    roles::come_to("\"operation\":\"weigh\",\"detail\"", &world, &running).await;
    let key = fs::read_to_string(world.state().join("control.key")).unwrap();
    let ask = |order| crate::rollout::world::order(&world.state(), &key, order);
    let mut routes = ask(serde_json::json!({"op": "status"}))["routes"].clone();
    routes["token"] = 1_000_000.into();
    routes["canary"]["percent"] = 7.into();
    assert_eq!(ask(serde_json::json!({"op": "swap", "routes": routes}))["answer"], "done");
    let report = running.await.unwrap();
    assert_eq!(report.result, RolloutResult::Superseded, "{:?}", report.reason);
    assert!(!states(&report).contains(&"RollingBack"));
    assert_eq!(world.status().await.canary.map(|canary| canary.share.percent), Some(7));
}
