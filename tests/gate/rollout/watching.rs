//! `rollout status --watch`: what another deployer does, until it ends.

use std::fs;
use std::process::Output;

use super::roles::{self, Death};
use super::world::World;
use crate::support::sample;

/// The program itself, in a world's folder.
fn asked(world: &World, args: &[&str]) -> Output {
    let listen = world.listen();
    let settings = format!(
        "[service]\nname = \"shop\"\n[rollout]\ntarget = \"process\"\nstate = \"state\"\n[rollout.health]\nurl = \"http://{listen}/readyz\"\n"
    );
    fs::write(world.path().join("portcullis.toml"), settings).unwrap();
    sample::run(world.path(), args)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_rollout_is_told_state_by_state_and_ends_with_what_serves() {
    let world = World::new();
    world.rollout(&world.good('a')).await;
    let new = world.good('b');
    let mut deployer = roles::start_deployer(&world, 'b', Death::Never);
    let lines = roles::lines(&world.state().join("journal.jsonl"));
    world.until_journal_has(lines + 3).await;
    let watched = asked(&world, &["rollout", "status", "--watch"]);
    assert!(deployer.wait().unwrap().success());
    let (told, answer) = (String::from_utf8_lossy(&watched.stderr), String::from_utf8_lossy(&watched.stdout));
    assert_eq!(watched.status.code(), Some(0), "{told}");
    // Its soak takes some seconds.
    assert!(told.contains(": Soaking"), "{told}");
    assert!(answer.contains(&format!("serves     {}", new.digest().short())), "{answer}");
    assert!(!answer.contains("unfinished"), "{answer}");
    // With nobody at work there is nothing to wait for.
    let again = asked(&world, &["rollout", "status", "--watch"]);
    assert_eq!(String::from_utf8_lossy(&again.stdout), answer);
}
