//! Others at work, wishes to stop, damaged records.

use std::sync::atomic::Ordering;
use std::time::Duration;

use portcullis::model::exit_kind::ExitKind;
use portcullis::model::outcome::RolloutResult;
use portcullis::stage::rollout;

use super::roles::{self, Death};
use super::service::Behaviour;
use super::states;
use super::world::{LONG, World};

#[tokio::test(flavor = "multi_thread")]
async fn of_two_deployers_one_is_told_who_the_other_is() {
    let world = World::new();
    world.good('a');
    let other = world.good('b');
    let mut first = roles::start_deployer(&world, 'a', Death::Never);
    world.until_journal_has(3).await;
    let report = world.rollout(&other).await;
    assert_eq!(report.result, RolloutResult::Locked);
    let reason = report.reason.unwrap();
    for part in [
        format!("process {}", first.id()),
        format!("`kill {}`", first.id()),
        "--wait-for-lock".to_owned(),
    ] {
        assert!(reason.contains(&part), "{part}: {reason}");
    }
    assert!(first.wait().unwrap().success());
    assert_eq!(world.live().await.1, 1);
}

/// Begins a rollout and asks it to stop as soon as it has reached a state.
async fn cancelled_at(world: &World, letter: char, behaviour: Behaviour, state: &'static str) -> rollout_report::Report {
    let release = world.release(letter, behaviour);
    let mut effects = world.effects();
    effects.observer = std::sync::Arc::new(rollout_report::CancelAt {
        state,
        cancelled: effects.cancelled.clone(),
    });
    rollout::rollout(&release, &world.plan, &effects).await.unwrap()
}

mod rollout_report {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use portcullis::model::event::{Event, Observer};

    pub(super) type Report = portcullis::model::outcome::RolloutReport;

    /// Asks to stop when a state is reached.
    pub(super) struct CancelAt {
        pub(super) state: &'static str,
        pub(super) cancelled: Arc<AtomicBool>,
    }

    impl Observer for CancelAt {
        fn on_event(&self, event: &Event) {
            if matches!(event, Event::State { state, .. } if state.as_str() == self.state) {
                self.cancelled.store(true, Ordering::SeqCst);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_rollout_is_interrupted_and_resume_commits_it() {
    for state in ["Staging", "Verifying", "Soaking", "Draining"] {
        let world = World::new();
        world.rollout(&world.good('a')).await;
        let report = cancelled_at(&world, 'b', Behaviour::default(), state).await;
        assert_eq!(report.result, RolloutResult::Interrupted, "{state}");
        assert!(world.status().await.interrupted.is_some());
        let resumed = rollout::resume(&world.plan, &world.effects()).await.unwrap().unwrap();
        assert_eq!(resumed.result, RolloutResult::Committed, "{state}: {:?}", resumed.reason);
        assert_eq!(world.live().await, (Some(resumed.digest), 1), "{state}");
        assert!(rollout::resume(&world.plan, &world.effects()).await.unwrap().is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_rollout_of_a_bad_version_is_rolled_back_by_resume() {
    let mut world = World::new();
    let old = world.good('a');
    world.rollout(&old).await;
    world.plan.waits.stage = Duration::from_millis(500);
    let sick = Behaviour {
        sick: true,
        ..Behaviour::default()
    };
    let report = cancelled_at(&world, 'b', sick, "Staging").await;
    assert_eq!(report.result, RolloutResult::Interrupted);
    let resumed = rollout::resume(&world.plan, &world.effects()).await.unwrap().unwrap();
    assert_eq!(resumed.result, RolloutResult::RolledBack, "{:?}", resumed.reason);
    assert_eq!(world.live().await, (Some(*old.digest()), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn resume_without_anything_to_resume_does_nothing() {
    let world = World::new();
    assert!(rollout::resume(&world.plan, &world.effects()).await.unwrap().is_none());
    world.rollout(&world.good('a')).await;
    assert!(rollout::resume(&world.plan, &world.effects()).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_rollout_gives_up_an_interrupted_one_and_leaves_one_instance() {
    let world = World::new();
    world.rollout(&world.good('a')).await;
    cancelled_at(&world, 'b', Behaviour::default(), "Soaking").await;
    let fix = world.good('c');
    let report = world.rollout(&fix).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(world.live().await, (Some(*fix.digest()), 1));
    assert!(world.status().await.interrupted.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_after_an_interrupted_rollout_restores_the_last_good_one_and_not_the_interrupted() {
    let world = World::new();
    let good = world.good('a');
    world.rollout(&good).await;
    cancelled_at(&world, 'b', Behaviour::default(), "Soaking").await;
    let behaviour = Behaviour::exiting();
    let report = world.rollout(&world.release('c', behaviour)).await;
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    assert_eq!(world.live().await, (Some(*good.digest()), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_change_of_the_front_door_in_the_soak_supersedes_and_restores_nothing() {
    let mut world = World::new();
    let old = world.good('a');
    world.rollout(&old).await;
    // It ends as soon as the other one is seen.
    world.plan.health.soak = LONG;
    let key = std::fs::read_to_string(world.state().join("control.key")).unwrap();
    let ask = |order| super::world::order(&world.state(), &key, order);
    let before = ask(serde_json::json!({"op": "status"}))["routes"]["front"].clone();
    let (plan, effects, new) = (world.plan.clone(), world.effects(), world.good('b'));
    let running = tokio::spawn(async move { rollout::rollout(&new, &plan, &effects).await.unwrap() });
    roles::soaking(&world, &running).await;
    let routes = serde_json::json!({"token": 1_000_000, "front": before, "standby": null});
    assert_eq!(ask(serde_json::json!({"op": "swap", "routes": routes}))["answer"], "done");
    let report = running.await.unwrap();
    assert_eq!(report.result, RolloutResult::Superseded, "{:?}", report.reason);
    assert!(!states(&report).contains(&"RollingBack"));
    assert_eq!(world.live().await.0, Some(*old.digest()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_last_line_of_the_journal_is_no_obstacle() {
    let world = World::new();
    let old = world.good('a');
    world.rollout(&old).await;
    let path = world.state().join("journal.jsonl");
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("{\"record\":{\"seq\":99,\"at\":\"20");
    std::fs::write(&path, text).unwrap();
    let new = world.good('b');
    let report = world.rollout(&new).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(world.status().await.good.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_torn_at_the_commit_is_finished_by_resume() {
    let world = World::new();
    let release = world.good('a');
    world.rollout(&release).await;
    let path = world.state().join("journal.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, &text[..text.len() - 40]).unwrap();
    let resumed = rollout::resume(&world.plan, &world.effects()).await.unwrap().unwrap();
    assert_eq!(resumed.result, RolloutResult::Committed, "{:?}", resumed.reason);
    assert_eq!(world.live().await, (Some(*release.digest()), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_damaged_before_its_end_refuses_the_rollout() {
    let world = World::new();
    let old = world.good('a');
    world.rollout(&old).await;
    let path = world.state().join("journal.jsonl");
    let text = std::fs::read_to_string(&path).unwrap().replacen("Staging", "Stagins", 1);
    std::fs::write(&path, text).unwrap();
    let error = rollout::rollout(&world.good('b'), &world.plan, &world.effects()).await.unwrap_err();
    assert_eq!(error.exit_kind(), ExitKind::Refused, "{error}");
    assert!(world.get("/version").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_to_stop_before_anything_changed_changes_nothing() {
    let world = World::new();
    let old = world.good('a');
    world.rollout(&old).await;
    let effects = world.effects();
    effects.cancelled.store(true, Ordering::SeqCst);
    let report = rollout::rollout(&world.good('b'), &world.plan, &effects).await.unwrap();
    assert_eq!(report.result, RolloutResult::Interrupted);
    let resumed = rollout::resume(&world.plan, &world.effects()).await.unwrap();
    if let Some(resumed) = resumed {
        assert_eq!(resumed.result, RolloutResult::Committed);
    }
}
