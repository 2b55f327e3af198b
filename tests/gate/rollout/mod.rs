//! Rollouts of a real service by the `process` target, with every process real.

mod load;
mod roles;
mod service;
mod world;

use portcullis::model::outcome::RolloutResult;

use service::Behaviour;
use world::{World, commit};

fn states(report: &portcullis::model::outcome::RolloutReport) -> Vec<&str> {
    report.steps.iter().map(|step| step.state.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_deploy_is_committed_and_answers_through_the_front_door() {
    let world = World::new();
    let release = world.good('a');
    let report = world.rollout(&release).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(
        states(&report),
        [
            "Locked",
            "Snapshotted",
            "Staging",
            "StagedHealthy",
            "Shifting",
            "Verifying",
            "Soaking",
            "Draining",
            "Retiring",
            "Committed"
        ]
    );
    assert_eq!(world.live().await, (Some(*release.digest()), 1));
    assert!(world.get("/version").await.unwrap().1.contains(&commit('a')));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_that_exits_at_once_is_rolled_back_and_the_old_one_serves() {
    let world = World::new();
    let old = world.good('a');
    world.rollout(&old).await;
    let report = world
        .rollout(&world.release(
            'b',
            Behaviour {
                exits: Some(3),
                ..Behaviour::default()
            },
        ))
        .await;
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    let reason = report.reason.unwrap();
    assert!(
        reason.contains("exit status: 3") && reason.contains("cannot read the configuration"),
        "{reason}"
    );
    assert_eq!(world.live().await, (Some(*old.digest()), 1));
}
