//! What holds after a person went back, after a stop, and after everything was killed.

use portcullis::model::outcome::RolloutResult;
use portcullis::model::planned_rollout::PlannedChange;
use portcullis::stage::rollout;

use super::roles::{self, Death};
use super::says;
use super::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_a_person_went_back_from_is_refused_like_one_that_failed() {
    let mut world = World::new();
    let releases = ['a', 'b'].map(|letter| world.good(letter));
    for release in &releases {
        world.rollout(release).await;
    }
    let [old, new] = releases;
    let back = rollout::rollback(&world.plan, &world.effects()).await.unwrap();
    assert_eq!(back.result, RolloutResult::Committed, "{:?}", back.reason);
    let report = world.rollout(&new).await;
    assert_eq!((report.result, report.result.code()), (RolloutResult::Refused, 12));
    says(report.reason, "went back from it");
    says(report.next, "--again");
    // It is told what serves, though nothing was done.
    assert_eq!(report.live, Some(*old.digest()));
    assert_eq!(world.live().await, (Some(*old.digest()), 1));
    // The control: with a reason, and from then on without one.
    world.plan.again = Some("it was not the version".to_owned());
    assert_eq!(world.rollout(&new).await.result, RolloutResult::Committed);
    world.plan.again = None;
    assert_eq!(world.rollout(&old).await.result, RolloutResult::Committed);
    assert_eq!(world.rollout(&new).await.result, RolloutResult::Committed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_after_a_rollback_names_what_served_and_that_comes_back() {
    let world = World::new();
    let releases = ['a', 'b'].map(|letter| world.good(letter));
    for release in &releases {
        world.rollout(release).await;
    }
    let [old, new] = releases;
    rollout::rollback(&world.plan, &world.effects()).await.unwrap();
    let stopped = rollout::stop(&world.plan, &world.effects()).await.unwrap();
    assert_eq!((stopped.served, stopped.needs_reason), (Some(old.image().to_string()), false));
    // The control: what was gone back from is refused.
    assert_eq!(world.rollout(&new).await.result, RolloutResult::Refused);
    assert_eq!(world.rollout(&old).await.result, RolloutResult::Committed);
    assert_eq!(world.live().await, (Some(*old.digest()), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_stop_neither_rollback_nor_resume_starts_anything() {
    let world = World::new();
    let release = world.good('a');
    world.rollout(&release).await;
    rollout::stop(&world.plan, &world.effects()).await.unwrap();
    let back = rollout::rollback(&world.plan, &world.effects()).await.unwrap_err();
    assert_eq!(back.exit_kind().code(), 12, "{back}");
    assert!(back.to_string().contains("was stopped at"), "{back}");
    assert_eq!(rollout::resume(&world.plan, &world.effects()).await.unwrap(), None);
    let status = world.status().await;
    assert_eq!((world.live().await, status.fallen), ((None, 0), None));
    // The control.
    assert_eq!(world.rollout(&release).await.result, RolloutResult::Committed);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_reboot_resume_starts_what_served_and_status_says_so() {
    let world = World::new();
    let release = world.good('a');
    world.rollout(&release).await;
    assert_eq!(world.status().await.fallen, None);
    world.reboot();
    let fallen = world.status().await.fallen.expect("it served, and nobody stopped it");
    assert_eq!(fallen.release.digest, *release.digest());
    let report = rollout::resume(&world.plan, &world.effects()).await.unwrap().expect("a report");
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(report.plan.unwrap().change, PlannedChange::Return);
    assert_eq!(world.live().await, (Some(*release.digest()), 1));
    // Once is enough.
    assert_eq!(rollout::resume(&world.plan, &world.effects()).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_alone_that_was_killed_is_brought_back_by_resume_to_the_instance_that_runs() {
    let world = World::new();
    let release = world.good('a');
    world.rollout(&release).await;
    let before = world.status().await.instances;
    world.kill_switch();
    let report = rollout::resume(&world.plan, &world.effects()).await.unwrap().expect("a report");
    assert_eq!(report.result, RolloutResult::AlreadyDeployed, "{:?}", report.reason);
    let after = world.status().await.instances;
    assert_eq!(before[0].pid, after[0].pid);
    assert_eq!((world.live().await, after.len()), ((Some(*release.digest()), 1), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_another_deployer_is_told_what_serves_meanwhile() {
    let world = World::new();
    let old = world.good('a');
    world.rollout(&old).await;
    world.good('b');
    let third = world.good('c');
    let before = roles::lines(&world.state().join("journal.jsonl"));
    let mut other = roles::start_deployer(&world, 'b', Death::Never);
    world.until_journal_has(before + 3).await;
    let report = world.rollout(&third).await;
    assert!(other.wait().unwrap().success());
    assert_eq!(report.result, RolloutResult::Locked);
    assert!(report.live.is_some(), "nothing is told of what serves");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_that_waited_for_another_deployer_does_not_take_away_what_that_one_committed() {
    let mut world = World::new();
    for letter in ['a', 'b'] {
        let release = world.good(letter);
        world.rollout(&release).await;
    }
    let third = world.good('c');
    let before = roles::lines(&world.state().join("journal.jsonl"));
    let mut other = roles::start_deployer(&world, 'c', Death::Never);
    world.until_journal_has(before + 1).await;
    world.plan.waits.lock = std::time::Duration::from_secs(60);
    let report = rollout::rollback(&world.plan, &world.effects()).await.unwrap();
    assert!(other.wait().unwrap().success());
    assert_eq!(
        (report.result, report.result.code()),
        (RolloutResult::Superseded, 13),
        "{:?}",
        report.reason
    );
    assert_eq!(world.live().await, (Some(*third.digest()), 1));
    // The control: asked again, of what serves now.
    let report = rollout::rollback(&world.plan, &world.effects()).await.unwrap();
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_failed_is_what_status_still_tells() {
    let world = World::new();
    world.rollout(&world.good('a')).await;
    let bad = world.release(
        'b',
        super::service::Behaviour {
            exits: Some(1),
            ..Default::default()
        },
    );
    world.rollout(&bad).await;
    let last = world.status().await.last_run.expect("a run ended");
    assert_eq!(
        (last.result, last.deployed.release.digest),
        (RolloutResult::RolledBack, *bad.digest())
    );
    assert!(last.reason.is_some());
}
