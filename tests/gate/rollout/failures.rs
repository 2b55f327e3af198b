//! A new version that fails: back to the last known good, verified, once.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use portcullis::model::event::{Event, Observer};
use portcullis::model::health::Answered;
use portcullis::model::outcome::{RolloutReport, RolloutResult};
use portcullis::model::plan::VersionAssertion;
use portcullis::model::rollout_state::RolloutState;
use portcullis::stage::rollout;

use super::load::{Load, Tally};
use super::service::Behaviour;
use super::world::{World, commit, until};
use super::{says, states};

/// Deploys a good version, then one that behaves so, and expects the good one back.
async fn comes_back_from(world: &World, behaviour: Behaviour) -> RolloutReport {
    let old = world.good('a');
    let first = world.rollout(&old).await;
    assert_eq!(first.result, RolloutResult::Committed, "{:?}", first.reason);
    let report = world.rollout(&world.release('b', behaviour)).await;
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    assert_eq!(states(&report).last(), Some(&"RolledBack"));
    assert_eq!(report.live, Some(*old.digest()));
    assert_eq!(world.live().await, (Some(*old.digest()), 1));
    assert!(world.get("/version").await.unwrap().1.contains(&commit('a')));
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_that_exits_at_once_is_rolled_back_and_its_last_words_are_told() {
    let behaviour = Behaviour {
        exits: Some(3),
        ..Behaviour::default()
    };
    let reason = comes_back_from(&World::new(), behaviour).await.reason.unwrap();
    assert!(
        reason.contains("exit status: 3") && reason.contains("cannot read the configuration"),
        "{reason}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_that_exits_in_the_soak_is_rolled_back() {
    let mut world = World::new();
    let old = world.good('a');
    world.rollout(&old).await;
    world.plan.health.soak = SOAK;
    let (report, _) = dies_in_the_soak(&world).await;
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    assert!(states(&report).contains(&"Soaking"), "{:?}", states(&report));
    assert!(!states(&report).contains(&"Draining"));
    assert_eq!(world.live().await, (Some(*old.digest()), 1));
}

/// Long enough for a version to end in it on a busy machine; the one that is brought back soaks as long.
const SOAK: Duration = Duration::from_secs(8);

/// Rolls out a version that ends as soon as the soak begins, under load.
async fn dies_in_the_soak(world: &World) -> (RolloutReport, Arc<Tally>) {
    let file = world.path().join("end");
    let behaviour = Behaviour {
        exits_when: Some(file.display().to_string()),
        ..Behaviour::default()
    };
    let bad = world.release('b', behaviour);
    let mut effects = world.effects();
    effects.observer = Arc::new(TouchInSoak(file));
    let load = Load::start(world.listen(), Duration::from_millis(20));
    let report = rollout::rollout(&bad, &world.plan, &effects).await.unwrap();
    (report, load.end().await)
}

/// Makes a file when the soak begins.
struct TouchInSoak(PathBuf);

impl Observer for TouchInSoak {
    fn on_event(&self, event: &Event) {
        if matches!(event, Event::State { state, .. } if *state == RolloutState::Soaking) {
            std::fs::write(&self.0, "").unwrap();
        }
    }
}

/// For how long a new version is asked: on a busy machine it has begun to answer by then.
const STAGE: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread")]
async fn a_200_that_names_the_old_commit_is_never_committed() {
    let mut world = World::new();
    world.plan.waits.stage = STAGE;
    let behaviour = Behaviour {
        commit: Some(commit('a')),
        ..Behaviour::default()
    };
    let report = comes_back_from(&world, behaviour).await;
    let staged = report.samples.iter().filter(|sample| sample.via != "front door");
    assert!(
        staged.clone().any(|sample| sample.answered == Answered::Old),
        "{:?}",
        report.samples
    );
    assert!(
        staged
            .into_iter()
            .all(|sample| sample.healthy != (sample.answered == Answered::New) || !sample.healthy)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_200_that_names_no_version_is_never_committed() {
    let mut world = World::new();
    world.plan.waits.stage = STAGE;
    let behaviour = Behaviour {
        commit: Some("unknown".to_owned()),
        ..Behaviour::default()
    };
    comes_back_from(&world, behaviour).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_named_by_a_header_counts_as_one_named_by_a_path() {
    let mut world = World::new();
    world.plan.health.version = Some(VersionAssertion::Header("X-Revision".to_owned()));
    world.plan.waits.stage = STAGE;
    let behaviour = Behaviour {
        commit: Some(commit('a')),
        ..Behaviour::default()
    };
    comes_back_from(&world, behaviour).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flapping_version_is_rolled_back() {
    let mut world = World::new();
    world.plan.waits.stage = STAGE;
    let behaviour = Behaviour {
        flaps: true,
        ..Behaviour::default()
    };
    comes_back_from(&world, behaviour).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_too_slow_in_the_soak_is_rolled_back() {
    let mut world = World::new();
    let old = world.good('a');
    world.rollout(&old).await;
    // Too little for the new one; the old one has it too, in a soak of so many samples that some may be slow on a busy machine.
    world.plan.health.max_p95_ms = Some(1_000.0);
    world.plan.health.soak = Duration::from_secs(4);
    let behaviour = Behaviour {
        slow_ms: 1_100,
        ..Behaviour::default()
    };
    let report = world.rollout(&world.release('b', behaviour)).await;
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    says(report.reason, "95th percentile");
    assert_eq!(world.live().await, (Some(*old.digest()), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_deploy_that_fails_is_removed_and_there_is_nothing_to_restore() {
    let mut world = World::new();
    world.plan.waits.stage = Duration::from_millis(500);
    let behaviour = Behaviour {
        sick: true,
        ..Behaviour::default()
    };
    let report = world.rollout(&world.release('a', behaviour)).await;
    assert_eq!((report.result, report.result.code()), (RolloutResult::FirstFailed, 11));
    assert!(
        report
            .steps
            .last()
            .unwrap()
            .detail
            .contains("nothing ran before, and nothing runs now")
    );
    let status = world.status().await;
    assert_eq!((status.instances.len(), status.switch), (0, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_known_good_that_is_sick_too_fails_the_rollback_after_one_attempt() {
    let mut world = World::new();
    let file = world.path().join("sick");
    let behaviour = Behaviour {
        sick_when: Some(file.display().to_string()),
        ..Behaviour::default()
    };
    assert_eq!(world.rollout(&world.release('a', behaviour)).await.result, RolloutResult::Committed);
    std::fs::write(&file, "").unwrap();
    world.plan.health.deadline = Duration::from_millis(600);
    let behaviour = Behaviour::exiting();
    let report = world.rollout(&world.release('b', behaviour)).await;
    assert_eq!(report.result, RolloutResult::RollbackFailed);
    assert_eq!(states(&report).iter().filter(|state| **state == "RollingBack").count(), 1);
    assert_eq!(world.status().await.instances.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_known_good_that_died_and_cannot_start_again_fails_the_rollback() {
    let world = World::new();
    let file = world.path().join("broken");
    let behaviour = Behaviour {
        broken_when: Some(file.display().to_string()),
        ..Behaviour::default()
    };
    assert_eq!(world.rollout(&world.release('a', behaviour)).await.result, RolloutResult::Committed);
    std::fs::write(&file, "").unwrap();
    world.reboot();
    let behaviour = Behaviour::exiting();
    let report = world.rollout(&world.release('b', behaviour)).await;
    assert_eq!(report.result, RolloutResult::RollbackFailed);
    let reason = report.reason.unwrap();
    assert!(reason.contains("cannot find the database"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_known_good_that_died_is_started_again_by_a_rollback() {
    let world = World::new();
    let old = world.good('a');
    world.rollout(&old).await;
    world.reboot();
    let behaviour = Behaviour::exiting();
    let report = world.rollout(&world.release('b', behaviour)).await;
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    assert_eq!(world.live().await, (Some(*old.digest()), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_version_is_never_what_a_later_rollback_restores() {
    let world = World::new();
    let good = world.good('a');
    world.rollout(&good).await;
    for letter in ['b', 'c'] {
        let behaviour = Behaviour::exiting();
        let report = world.rollout(&world.release(letter, behaviour)).await;
        assert_eq!(report.result, RolloutResult::RolledBack);
        assert_eq!(report.live, Some(*good.digest()));
    }
    let status = world.status().await;
    assert_eq!(status.good.len(), 1);
    assert_eq!(status.good[0].release.digest, *good.digest());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_journal_a_rollback_restores_what_was_seen_to_serve() {
    let world = World::new();
    let old = world.good('a');
    world.rollout(&old).await;
    std::fs::remove_file(world.state().join("journal.jsonl")).unwrap();
    let behaviour = Behaviour::exiting();
    let report = world.rollout(&world.release('b', behaviour)).await;
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    assert_eq!(world.live().await, (Some(*old.digest()), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_outlives_drain_and_sigterm_is_counted_as_cut() {
    let mut world = World::new();
    world.plan.waits.drain = Duration::from_millis(200);
    world.plan.waits.stop = Duration::from_millis(200);
    let behaviour = Behaviour {
        ignores_term: true,
        ..Behaviour::default()
    };
    world.rollout(&world.release('a', behaviour)).await;
    let address = world.listen();
    let long = tokio::spawn(async move { super::load::plain_get(address, "/slow?600000").await });
    world.until_in_flight(1).await;
    let report = world.rollout(&world.good('b')).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(report.cut_requests, Some(1));
    let step = report.steps.iter().find(|step| step.state == RolloutState::Retiring).unwrap();
    assert!(step.detail.contains("1 request still in flight"), "{}", step.detail);
    assert_eq!(long.await.unwrap().unwrap().0, 502);
    assert_eq!(world.status().await.instances.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_cut_on_the_way_back_is_told_there() {
    let mut world = World::new();
    world.plan.waits.drain = Duration::from_millis(200);
    world.plan.waits.stop = Duration::from_millis(200);
    world.rollout(&world.good('a')).await;
    world.plan.health.soak = SOAK;
    let sick = world.path().join("sick");
    let behaviour = Behaviour {
        ignores_term: true,
        sick_when: Some(sick.display().to_string()),
        ..Behaviour::default()
    };
    let b = world.release('b', behaviour);
    let address = world.listen();
    let digest = *b.digest();
    let asks = async {
        until("the new version is in front", async || world.live().await.0 == Some(digest)).await;
        let falls_sick = async {
            world.until_in_flight(1).await;
            std::fs::write(&sick, "").unwrap();
        };
        let (answer, ()) = tokio::join!(super::load::plain_get(address, "/slow?600000"), falls_sick);
        answer.unwrap().0
    };
    let (report, status) = tokio::join!(world.rollout(&b), asks);
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    assert_eq!(report.cut_requests, Some(1));
    let step = report
        .steps
        .iter()
        .find(|step| step.state == RolloutState::VerifyingRollback)
        .unwrap();
    assert!(step.detail.ends_with("is in front again; 1 request was cut"), "{}", step.detail);
    assert_eq!(status, 502);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_request_that_ends_within_the_drain_is_not_cut() {
    let world = World::new();
    world.rollout(&world.good('a')).await;
    let address = world.listen();
    let long = tokio::spawn(async move { super::load::plain_get(address, "/slow?2000").await });
    world.until_in_flight(1).await;
    let report = world.rollout(&world.good('b')).await;
    assert_eq!(
        (report.result, report.cut_requests),
        (RolloutResult::Committed, Some(0)),
        "{:?}",
        report.reason
    );
    assert_eq!(long.await.unwrap().unwrap(), (200, "slow".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_new_version_dies_in_front_the_standby_answers_until_the_rollback() {
    let mut world = World::new();
    world.rollout(&world.good('a')).await;
    world.plan.health.soak = SOAK;
    let (report, tally) = dies_in_the_soak(&world).await;
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    // A POST that the dying process had already taken is lost with it; nothing that came after is. On a busy machine it has taken more.
    assert!(tally.lost().len() <= 30, "{}: {:?}", tally.line(), tally.lost());
}
