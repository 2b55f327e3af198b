//! What lies in a state folder is not believed: what is started is what was attested.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use portcullis::model::digest::Digest;
use portcullis::model::outcome::RolloutResult;
use portcullis::stage::publish::Attested;
use portcullis::stage::rollout;

use super::world::{World, commit, until};

fn folder(world: &World, release: &Attested) -> PathBuf {
    world.state().join("releases").join(release.digest().hex())
}

fn folders(world: &World, digest: &Digest) -> usize {
    let listed = fs::read_dir(world.state().join("releases")).unwrap();
    let names = listed.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(&digest.hex())).count()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_lies_unpacked_before_its_first_rollout_is_not_believed() {
    let elsewhere = World::new();
    let other = elsewhere.good('b');
    assert_eq!(elsewhere.rollout(&other).await.result, RolloutResult::Committed);
    let world = World::new();
    let release = world.good('a');
    fs::create_dir(world.state()).unwrap();
    fs::set_permissions(world.state(), fs::Permissions::from_mode(0o700)).unwrap();
    // Whole and sealed, and of another image.
    copy(&folder(&elsewhere, &other), &folder(&world, &release));
    fs::set_permissions(world.state().join("releases"), fs::Permissions::from_mode(0o700)).unwrap();
    let report = world.rollout(&release).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    let (_, version) = world.get("/version").await.unwrap();
    assert!(version.contains(&commit('a')), "{version}");
}

/// `a` was committed, then `b`; what lies here of `a` is sick now.
async fn with_a_changed_release() -> (World, [Attested; 2]) {
    let world = World::new();
    let releases = ['a', 'b'].map(|letter| world.good(letter));
    for release in &releases {
        assert_eq!(world.rollout(release).await.result, RolloutResult::Committed);
    }
    let behaviour = folder(&world, &releases[0]).join("root/behaviour.json");
    let text = fs::read_to_string(&behaviour).unwrap();
    assert!(text.contains("\"sick\":false"), "{text}");
    fs::write(behaviour, text.replace("\"sick\":false", "\"sick\":true")).unwrap();
    (world, releases)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_was_changed_since_it_was_unpacked_is_unpacked_again_for_a_rollback() {
    let (world, [old, _]) = with_a_changed_release().await;
    let report = rollout::rollback(&world.plan, &world.effects()).await.unwrap();
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(world.live().await, (Some(*old.digest()), 1));
    assert_eq!(folders(&world, old.digest()), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_release_whose_image_is_gone_is_refused_and_an_unchanged_one_is_used() {
    let (world, [_, new]) = with_a_changed_release().await;
    fs::remove_dir_all(world.path().join("image-a")).unwrap();
    let error = rollout::rollback(&world.plan, &world.effects()).await.unwrap_err();
    assert_eq!(error.exit_kind().code(), 12, "{error}");
    assert_eq!(world.live().await, (Some(*new.digest()), 1));

    let world = World::new();
    let releases = ['a', 'b'].map(|letter| world.good(letter));
    for release in &releases {
        assert_eq!(world.rollout(release).await.result, RolloutResult::Committed);
    }
    fs::remove_dir_all(world.path().join("image-a")).unwrap();
    let report = rollout::rollback(&world.plan, &world.effects()).await.unwrap();
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(folders(&world, releases[0].digest()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_was_changed_is_not_started_again_by_the_switch() {
    let world = World::new();
    let release = world.good('a');
    assert_eq!(world.rollout(&release).await.result, RolloutResult::Committed);
    // The control: as it is, it comes back.
    world.kill_instances();
    until("it answers", async || answers(&world).await).await;
    let program = folder(&world, &release).join("root/service");
    let mut text = fs::read_to_string(&program).unwrap();
    text.push_str("# one line more\n");
    fs::write(&program, text).unwrap();
    world.kill_instances();
    until("the log says so", async || {
        let log = fs::read_to_string(world.state().join("switch.log")).unwrap();
        log.contains("is not what was unpacked from the image any more")
    })
    .await;
    assert_eq!(world.live().await.1, 0);
    // Another rollout unpacks it anew.
    let report = world.rollout(&release).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
}

async fn answers(world: &World) -> bool {
    matches!(world.get("/version").await, Ok((200, _)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_folder_that_others_could_write_to_is_refused_by_every_order() {
    let world = World::new();
    let release = world.good('a');
    fs::create_dir(world.state()).unwrap();
    fs::set_permissions(world.state(), fs::Permissions::from_mode(0o777)).unwrap();
    let effects = world.effects();
    let told = [
        rollout::rollout(&release, &world.plan, &effects).await.unwrap_err(),
        rollout::rollback(&world.plan, &effects).await.unwrap_err(),
        rollout::resume(&world.plan, &effects).await.unwrap_err(),
        rollout::stop(&world.plan, &effects).await.unwrap_err(),
        rollout::status(&world.plan, &effects).await.unwrap_err(),
    ];
    for error in told {
        assert_eq!(error.exit_kind().code(), 12, "{error}");
    }
    assert_eq!(fs::read_dir(world.state()).unwrap().count(), 0);
    // The control.
    fs::set_permissions(world.state(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(world.rollout(&release).await.result, RolloutResult::Committed);
}
