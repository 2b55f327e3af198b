//! What is said to have happened, happened; what cannot be seen is not taken for nothing; what cannot end well is not begun.

use std::time::Duration;

use portcullis::io::daemon;
use portcullis::model::error_chain::chain;
use portcullis::model::exit_kind::ExitKind;
use portcullis::model::health::Answered;
use portcullis::model::outcome::RolloutResult;
use portcullis::model::plan::ProbePlan;
use portcullis::stage::rollout;
use rustix::process::{Pid, Signal, kill_process};

use super::roles::{self, Death};
use super::service::Behaviour;
use super::states;
use super::world::{LONG, World, commit};

fn exits() -> Behaviour {
    Behaviour::exiting()
}

fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_rollback_the_answers_of_the_old_version_are_not_counted_as_the_new_ones() {
    let world = World::new();
    let report = world.rollout(&world.good('a')).await;
    let new = |samples: &[portcullis::model::health::Sample]| samples.iter().filter(|sample| sample.answered == Answered::New).count();
    // The control: a version that holds has answered, by its own address and through the front door.
    assert!(new(&report.samples) >= 6);
    let report = world.rollout(&world.release('b', exits())).await;
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    assert_eq!(new(&report.samples), 0, "{:?}", report.samples);
    assert!(report.samples.iter().filter(|sample| sample.answered == Answered::Old).count() >= 3);
    assert_eq!(report.live_commit, Some(commit('a')));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_that_was_rolled_back_here_is_refused_unless_forced_with_a_reason() {
    let mut world = World::new();
    let good = world.good('a');
    world.rollout(&good).await;
    let file = world.path().join("broken");
    std::fs::write(&file, "").unwrap();
    let behaviour = Behaviour {
        broken_when: Some(file.display().to_string()),
        ..Behaviour::default()
    };
    let bad = world.release('b', behaviour);
    assert_eq!(world.rollout(&bad).await.result, RolloutResult::RolledBack);
    let report = world.rollout(&bad).await;
    assert_eq!((report.result, report.result.code()), (RolloutResult::Refused, 12));
    let reason = report.reason.unwrap();
    assert!(
        reason.contains("was rolled back here") && reason.contains("cannot find the database"),
        "{reason}"
    );
    // The controls: another digest is not refused, and neither is this one with a reason; once it was committed it is forgiven.
    assert_eq!(world.rollout(&world.good('c')).await.result, RolloutResult::Committed);
    std::fs::remove_file(&file).unwrap();
    world.plan.again = Some("the database is back".to_owned());
    let report = world.rollout(&bad).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert!(report.steps[0].detail.contains("the database is back"), "{:?}", report.steps[0]);
    world.plan.again = None;
    assert_eq!(world.rollout(&good).await.result, RolloutResult::Committed);
    assert_eq!(world.rollout(&bad).await.result, RolloutResult::Committed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_health_check_that_no_version_passes_is_told_in_the_plan_and_when_the_way_back_fails_by_it() {
    let mut world = World::new();
    let report = world.rollout(&world.good('a')).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    let new = world.good('b');
    // The control: what passes the check is not told of.
    let planned = rollout::plan(&new, &world.plan, &world.effects()).await.unwrap();
    assert_eq!(planned.now_unhealthy, None);
    let right = world.plan.health.probe.clone();
    let ProbePlan::Http { url, .. } = &mut world.plan.health.probe else {
        panic!("asked by HTTP")
    };
    *url = format!("{}/nowhere?token=hidden", url.rsplit_once('/').unwrap().0);
    let planned = rollout::plan(&new, &world.plan, &world.effects()).await.unwrap();
    let told = planned.now_unhealthy.unwrap();
    assert!(
        told.contains("/nowhere: status 404 instead of 200") && !told.contains("hidden"),
        "{told}"
    );
    assert!(
        planned
            .notes
            .iter()
            .any(|note| note.contains(&told) && note.contains("[rollout.health]")),
        "{:?}",
        planned.notes
    );
    world.plan.waits.stage = Duration::from_secs(1);
    world.plan.health.deadline = Duration::from_secs(2);
    let report = world.rollout(&new).await;
    let reason = report.reason.unwrap();
    assert_eq!(report.result, RolloutResult::RollbackFailed, "{reason}");
    assert!(
        reason.contains("before this rollout did not pass the health check either"),
        "{reason}"
    );
    // It served all the while.
    world.plan.health.probe = right;
    world.plan.health.deadline = LONG;
    assert_eq!(world.rollout(&world.good('a')).await.result, RolloutResult::AlreadyDeployed);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_way_back_nothing_is_begun_unless_that_is_allowed() {
    let mut world = World::new();
    world.rollout(&world.good('a')).await;
    world.reboot();
    std::fs::remove_dir_all(world.state().join("releases")).unwrap();
    let new = world.good('b');
    // The control: its image is still where it came from, and is fetched again.
    assert_eq!(world.rollout(&new).await.result, RolloutResult::Committed);
    world.reboot();
    for gone in [world.state().join("releases"), world.path().join("image-b")] {
        std::fs::remove_dir_all(gone).unwrap();
    }
    let next = world.good('c');
    let report = world.rollout(&next).await;
    assert_eq!((report.result, report.result.code()), (RolloutResult::Refused, 12));
    let reason = report.reason.clone().unwrap();
    assert!(reason.contains("no way back") && reason.contains("--without-way-back"), "{reason}");
    assert!(!states(&report).contains(&"Staging"), "{:?}", states(&report));
    assert_eq!(world.live().await, (None, 0));
    world.plan.without_way_back = true;
    let report = world.rollout(&next).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_does_not_answer_is_not_taken_for_nothing_that_runs() {
    let world = World::new();
    let old = world.good('a');
    world.rollout(&old).await;
    // Without its journal, a failed deploy would take what serves for a first version of its own, and stop it.
    std::fs::remove_file(world.state().join("journal.jsonl")).unwrap();
    let bad = world.release('b', exits());
    let switch = world.switches()[0];
    signal(switch, Signal::STOP);
    let error = rollout::rollout(&bad, &world.plan, &world.effects()).await.unwrap_err();
    let status = world.status().await;
    signal(switch, Signal::CONT);
    assert_eq!(error.exit_kind(), ExitKind::Refused, "{error}");
    assert!(chain(&error).contains("does not answer"), "{error:?}");
    assert!(status.unseen.is_some(), "status says that nothing runs");
    assert_eq!(world.live().await, (Some(*old.digest()), 1));
    // The control: once it answers, the same deploy is carried out, fails, and what serves is what is brought back.
    let report = world.rollout(&bad).await;
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    assert_eq!(world.live().await, (Some(*old.digest()), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_answers_late_on_a_busy_machine_is_waited_for() {
    let world = World::new();
    world.rollout(&world.good('a')).await;
    let new = world.good('b');
    let switch = world.switches()[0];
    signal(switch, Signal::STOP);
    let goes_on = async {
        tokio::time::sleep(Duration::from_secs(7)).await;
        signal(switch, Signal::CONT);
    };
    let (report, ()) = tokio::join!(world.rollout(&new), goes_on);
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!((world.live().await, world.switches()), ((Some(*new.digest()), 1), vec![switch]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_does_not_answer_is_ended_by_stop_and_cut_requests_are_not_told_as_none() {
    let mut world = World::new();
    world.plan.waits.drain = Duration::from_secs(1);
    world.rollout(&world.good('a')).await;
    let switch = world.switches()[0];
    signal(switch, Signal::STOP);
    let stopped = rollout::stop(&world.plan, &world.effects()).await.unwrap();
    assert_eq!((stopped.stopped.len(), stopped.cut_requests), (1, None));
    assert!(world.switches().is_empty());
    assert!(
        daemon::find("PORTCULLIS_STATE", &world.state().display().to_string())
            .unwrap()
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_and_rollback_with_nothing_deployed_change_nothing() {
    let world = World::new();
    let before = || std::fs::read_dir(world.state()).map_or(0, Iterator::count);
    let stop = rollout::stop(&world.plan, &world.effects()).await.unwrap_err();
    let back = rollout::rollback(&world.plan, &world.effects()).await.unwrap_err();
    assert_eq!((stop.exit_kind().code(), back.exit_kind().code()), (12, 12), "{stop}, {back}");
    assert_eq!(before(), 0, "something was written");
    // The control: with something deployed, stop stops, once.
    world.rollout(&world.good('a')).await;
    assert_eq!(rollout::stop(&world.plan, &world.effects()).await.unwrap().stopped.len(), 1);
    assert_eq!(
        rollout::stop(&world.plan, &world.effects()).await.unwrap_err().exit_kind().code(),
        12
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployer_that_waits_for_the_lock_gets_it_when_the_other_is_done() {
    let mut world = World::new();
    world.good('a');
    let other = world.good('b');
    let mut first = roles::start_deployer(&world, 'a', Death::Never);
    world.until_journal_has(3).await;
    world.plan.waits.lock = Duration::from_secs(60);
    let report = world.rollout(&other).await;
    assert!(first.wait().unwrap().success());
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(world.live().await, (Some(*other.digest()), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_names_another_commit_is_told_with_what_was_expected() {
    let mut world = World::new();
    world.plan.waits.stage = Duration::from_secs(4);
    let behaviour = Behaviour {
        commit: Some("unknown".to_owned()),
        ..Behaviour::default()
    };
    let release = world.release('a', behaviour);
    let report = world.rollout(&release).await;
    assert_eq!((report.result, report.result.code()), (RolloutResult::FirstFailed, 11));
    let reason = report.reason.unwrap();
    for part in [
        "/version answered `{\"commit\":\"unknown\"}`",
        &commit('a'),
        &release.digest().to_string(),
    ] {
        assert!(reason.contains(part), "{part}: {reason}");
    }
}

#[test]
fn an_empty_reason_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let output = crate::support::portcullis()
            .args(["rollout", "oci:image"])
            .args(args)
            .current_dir(folder.path())
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for flag in ["--unverified", "--again"] {
        let (code, told) = run(&[flag, " "]);
        assert_eq!(code, Some(64), "{told}");
        assert!(told.contains(flag) && told.contains("needs a reason"), "{told}");
        // The control: with a reason it gets as far as the missing configuration.
        assert!(!run(&[flag, "a reason"]).1.contains("needs a reason"));
    }
}
