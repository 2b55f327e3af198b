//! A deployer that is killed after any line of its journal: resume ends it, the count is exact, nothing is lost.

use std::time::Duration;

use portcullis::model::outcome::RolloutResult;
use portcullis::stage::rollout;
use serde_json::json;

use super::rig::{Door, Rig, lost};
use crate::rollout::heavy;
use crate::rollout::load::Load;
use crate::rollout::roles::{self, Death};

/// Kills after each of these lines of a run, resumes, and looks. Gives how many runs were killed.
async fn killed_and_resumed(door: Door, replicas: usize, at: impl Iterator<Item = usize>, bad: bool) -> Option<usize> {
    let mut rig = Rig::new(door, replicas)?;
    rig.plan.without_way_back = false;
    let first = rig.opened('a');
    let report = rig.rollout(&first).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    let (mut old, mut killed) = (first, 0);
    for line in at {
        // Each run has a release of its own.
        let letter = char::from(b'b' + u8::try_from(line % 20).unwrap());
        let salt = format!("SALT={line}");
        let new = match bad {
            true => rig.image(letter, &json!({"Env": ["EXITS=1", salt]})),
            false => rig.image(letter, &json!({"Env": [salt]})),
        };
        let load = Load::start(rig.listen(), Duration::from_millis(20));
        let wanted = if bad { RolloutResult::RolledBack } else { RolloutResult::Committed };
        let after = roles::killed_and_resumed(&rig, letter, Death::Soon(line), wanted).await;
        let tally = load.end().await;
        if !bad {
            old = new;
        }
        rig.runs_alone(&old, replicas);
        assert_eq!(lost(door, &tally), Vec::<String>::new(), "line {line}: {}", tally.line());
        if !after.reached {
            break;
        }
        killed += 1;
    }
    Some(killed)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_staging_and_shifting_resume_commits_with_the_exact_count() {
    // The intent to stage, its end, and the intent to shift.
    let killed = killed_and_resumed(Door::Nginx, 2, [5, 6, 9].into_iter(), false).await;
    assert!(killed.is_none_or(|killed| killed == 3), "{killed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_every_line_resume_commits_with_the_exact_count() {
    if !heavy() {
        println!("skipped: a kill after every line with Compose (it takes long; PORTCULLIS_HEAVY=1 runs it)");
        return;
    }
    let killed = killed_and_resumed(Door::Nginx, 2, 1..40, false).await;
    assert!(killed.is_none_or(|killed| killed >= 18), "{killed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_every_line_of_a_failing_deploy_resume_rolls_back_with_the_exact_count() {
    if !heavy() {
        println!("skipped: a kill after every line of a rollback with Compose (it takes long; PORTCULLIS_HEAVY=1 runs it)");
        return;
    }
    let killed = killed_and_resumed(Door::Switch, 1, 1..40, true).await;
    assert!(killed.is_none_or(|killed| killed >= 6), "{killed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_requests_wait_at_the_switch_resume_commits_and_none_is_lost() {
    let Some(mut rig) = Rig::new(Door::Switch, 1) else { return };
    rig.compose_file(&json!({"container_name": "the-shop"}));
    rig.plan.without_way_back = false;
    let report = rig.rollout(&rig.opened('a')).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    let b = rig.good('b');
    let load = Load::start(rig.listen(), Duration::from_millis(20));
    let mut deployer = roles::start_deployer(&rig, 'b', Death::Never);
    let routes = rig.state().join("switch.json");
    while !std::fs::read_to_string(&routes).unwrap().contains("held_until") {
        assert_eq!(deployer.try_wait().unwrap(), None, "it ended before requests waited");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    deployer.kill().unwrap();
    deployer.wait().unwrap();
    let resumed = rollout::resume(&rig.plan, &rig.effects()).await.unwrap().unwrap();
    assert_eq!(resumed.result, RolloutResult::Committed, "{:?}", resumed.reason);
    rig.runs_alone(&b, 1);
    let tally = load.end().await;
    assert_eq!(lost(Door::Switch, &tally), Vec::<String>::new(), "{}", tally.line());
}
