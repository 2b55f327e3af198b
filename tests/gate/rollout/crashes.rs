//! A deployer that is killed with SIGKILL after any line of its journal: resume ends it, nothing is doubled, nothing is lost.

use std::time::Duration;

use portcullis::model::outcome::RolloutResult;

use super::heavy;
use super::load::Load;
use super::roles::{self, Death};
use super::service::Behaviour;
use super::world::World;

/// Kills the deployer after some line and resumes. True where it came to that line.
async fn killed_and_resumed(death: Death, behaviour: Behaviour, wanted: RolloutResult) -> bool {
    let world = World::new();
    let old = world.good('a');
    assert_eq!(world.rollout(&old).await.result, RolloutResult::Committed);
    let new = world.release('b', behaviour);
    let load = Load::start(world.listen(), Duration::from_millis(20));
    let after = roles::killed_and_resumed(&world, 'b', death, wanted).await;
    let tally = load.end().await;
    let serves = if wanted == RolloutResult::Committed { new } else { old };
    assert_eq!(world.live().await, (Some(*serves.digest()), 1), "{death:?}");
    assert_eq!(tally.lost(), Vec::<String>::new(), "{death:?}: {}", tally.line());
    after.reached
}

async fn killed_after_every_line(how: fn(usize) -> Death, behaviour: Behaviour, wanted: RolloutResult) -> usize {
    let mut line = 1;
    while killed_and_resumed(how(line), behaviour.clone(), wanted).await {
        line += 1;
    }
    line - 1
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_every_line_of_a_good_deploy_resume_commits_it() {
    let lines = killed_after_every_line(Death::Soon, Behaviour::default(), RolloutResult::Committed).await;
    assert!(lines >= 18, "the deployer wrote {lines} lines");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_when_each_operation_of_a_good_deploy_is_done_resume_commits_it() {
    if !heavy() {
        println!("skipped: a kill after each operation (it takes long; PORTCULLIS_HEAVY=1 runs it)");
        return;
    }
    let lines = killed_after_every_line(Death::Late, Behaviour::default(), RolloutResult::Committed).await;
    assert!(lines >= 18, "the deployer wrote {lines} lines");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_every_line_of_a_rollback_resume_rolls_back() {
    if !heavy() {
        println!("skipped: a kill after every line of a rollback (it takes long; PORTCULLIS_HEAVY=1 runs it)");
        return;
    }
    let behaviour = Behaviour::exiting();
    for how in [Death::Soon, Death::Late] {
        let lines = killed_after_every_line(how, behaviour.clone(), RolloutResult::RolledBack).await;
        assert!(lines >= 7, "the deployer wrote {lines} lines");
    }
}
