//! What goes well, and what changes nothing.

use portcullis::model::exit_kind::ExitKind;
use portcullis::model::health::Answered;
use portcullis::model::outcome::RolloutResult;
use portcullis::model::plan::TargetPlan;
use portcullis::stage::rollout;

use super::service::Behaviour;
use super::world::{World, commit};
use super::{says, states};

#[tokio::test(flavor = "multi_thread")]
async fn a_first_deploy_is_committed_and_answers_through_the_front_door() {
    let world = World::new();
    let release = world.good('a');
    let report = world.rollout(&release).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    let expected = [
        "Locked",
        "Snapshotted",
        "Staging",
        "StagedHealthy",
        "Shifting",
        "Verifying",
        "Soaking",
        "Draining",
        "Retiring",
        "Committed",
    ];
    assert_eq!(states(&report), expected);
    assert_eq!((report.live, report.previous), (Some(*release.digest()), None));
    assert_eq!(report.unverified.as_deref(), Some("a test"));
    assert_eq!(world.live().await, (Some(*release.digest()), 1));
    assert!(world.get("/version").await.unwrap().1.contains(&commit('a')));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_deploy_replaces_the_first_and_leaves_one_instance() {
    let world = World::new();
    let (old, new) = (world.good('a'), world.good('b'));
    world.rollout(&old).await;
    let report = world.rollout(&new).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(report.previous, Some(*old.digest()));
    assert_eq!(world.live().await, (Some(*new.digest()), 1));
    assert!(report.samples.iter().rev().take(3).all(|sample| sample.answered == Answered::New));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_release_again_is_verified_and_not_started_again() {
    let world = World::new();
    let release = world.good('a');
    world.rollout(&release).await;
    let before = world.status().await.live.unwrap();
    let report = world.rollout(&release).await;
    assert_eq!(report.result, RolloutResult::AlreadyDeployed);
    assert_eq!(report.samples.len(), 3);
    assert_eq!(world.status().await.live.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_release_with_another_environment_is_a_new_deploy() {
    let mut world = World::new();
    let release = world.good('a');
    world.rollout(&release).await;
    let before = world.status().await.live.unwrap();
    let TargetPlan::Process(plan) = &mut world.plan.target else {
        panic!()
    };
    plan.env.insert("COLOUR".to_owned(), "blue".to_owned());
    assert_eq!(world.rollout(&release).await.result, RolloutResult::Committed);
    let after = world.status().await;
    assert_ne!(after.live.unwrap().pid, before.pid);
    assert_eq!(after.instances.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_release_after_a_reboot_is_started_again() {
    let world = World::new();
    let release = world.good('a');
    world.rollout(&release).await;
    world.reboot();
    let report = world.rollout(&release).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(world.live().await, (Some(*release.digest()), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_version_that_is_sick_before_the_deploy_does_not_hinder_it() {
    let world = World::new();
    let file = world.path().join("sick");
    let sick_when = Some(file.display().to_string());
    world
        .rollout(&world.release(
            'a',
            Behaviour {
                sick_when,
                ..Behaviour::default()
            },
        ))
        .await;
    std::fs::write(file, "").unwrap();
    let new = world.good('b');
    assert_eq!(world.rollout(&new).await.result, RolloutResult::Committed);
    assert_eq!(world.live().await, (Some(*new.digest()), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_goes_to_the_last_good_one_before_and_a_second_one_further_back() {
    let world = World::new();
    let releases = ['a', 'b', 'c'].map(|letter| world.good(letter));
    for release in &releases {
        world.rollout(release).await;
    }
    for goal in [&releases[1], &releases[0]] {
        let report = rollout::rollback(&world.plan, &world.effects()).await.unwrap();
        assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
        assert_eq!(world.live().await, (Some(*goal.digest()), 1));
    }
    let report = rollout::rollback(&world.plan, &world.effects()).await.unwrap();
    assert_eq!((report.result, report.result.code()), (RolloutResult::Refused, 12));
    says(report.reason, "nothing to go back to");
    assert_eq!(world.live().await, (Some(*releases[0].digest()), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_it_would_do_and_does_nothing() {
    let mut world = World::new();
    let (old, new) = (world.good('a'), world.good('b'));
    world.rollout(&old).await;
    let journal = std::fs::read(world.state().join("journal.jsonl")).unwrap();
    world.plan.dry_run = true;
    let report = world.rollout(&new).await;
    assert_eq!(report.result, RolloutResult::Planned);
    assert!(report.steps[0].detail.contains("would replace"), "{:?}", report.steps);
    assert_eq!(std::fs::read(world.state().join("journal.jsonl")).unwrap(), journal);
    assert_eq!(world.live().await, (Some(*old.digest()), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_leaves_nothing_running_and_a_deploy_after_it_works() {
    let world = World::new();
    let release = world.good('a');
    world.rollout(&release).await;
    let stopped = rollout::stop(&world.plan, &world.effects()).await.unwrap();
    assert_eq!((stopped.stopped.len(), stopped.cut_requests), (1, Some(0)));
    let status = world.status().await;
    assert_eq!((status.instances.len(), status.switch, status.live), (0, false, None));
    assert!(world.get("/version").await.is_err());
    let report = world.rollout(&release).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(world.live().await, (Some(*release.digest()), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_whose_bytes_are_not_those_of_its_digest_is_refused_and_nothing_changes() {
    let world = World::new();
    let old = world.good('a');
    world.rollout(&old).await;
    let journal = std::fs::read(world.state().join("journal.jsonl")).unwrap();
    let new = world.good('b');
    for blob in std::fs::read_dir(world.path().join("image-b/blobs/sha256")).unwrap() {
        let path = blob.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        if bytes.len().is_multiple_of(512) {
            bytes[600] ^= 1;
            std::fs::write(path, bytes).unwrap();
        }
    }
    let error = rollout::rollout(&new, &world.plan, &world.effects()).await.unwrap_err();
    assert_eq!(error.exit_kind(), ExitKind::Refused, "{error}");
    assert_eq!(std::fs::read(world.state().join("journal.jsonl")).unwrap(), journal);
    assert_eq!(world.live().await, (Some(*old.digest()), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_front_door_that_somebody_else_owns_refuses_the_rollout() {
    let world = World::new();
    let _other = std::net::TcpListener::bind(world.listen()).unwrap();
    let error = rollout::rollout(&world.good('a'), &world.plan, &world.effects()).await.unwrap_err();
    assert_eq!(error.exit_kind(), ExitKind::Refused, "{error}");
    assert_eq!(world.live().await, (None, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn releases_beyond_the_kept_ones_are_removed() {
    let world = World::new();
    for letter in "abcdefg".chars() {
        assert_eq!(world.rollout(&world.good(letter)).await.result, RolloutResult::Committed);
    }
    let kept = std::fs::read_dir(world.state().join("releases")).unwrap().count();
    assert!((5..=6).contains(&kept), "{kept}");
}
