//! Jobs before and after: they run once, with the new image, and one that fails takes the new version back.

use std::fs;
use std::time::Duration;

use portcullis::model::outcome::RolloutResult;
use portcullis::stage::rollout;
use serde_json::{Value, json};

use super::rig::{Door, Rig};
use crate::rollout::roles::{self, Death};
use crate::rollout::says;
use crate::rollout::world::until;

/// What each run of a job has written: its name and the commit of the image that it ran with.
fn written(rig: &Rig) -> Vec<String> {
    let text = fs::read_to_string(rig.path().join("jobs/log")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn appends(name: &str) -> Value {
    json!({"command": ["append", "/jobs/log", name]})
}

fn fails() -> Value {
    json!({"environment": {"EXITS": "7"}})
}

/// A version `a` that serves, with jobs of these names from now on.
async fn serving(door: Door, before: &[(&str, Value)], after: &[(&str, Value)]) -> Option<Rig> {
    let mut rig = Rig::new(door, 1)?;
    if door == Door::None {
        rig.compose_file(&json!({"ports": [format!("{}:8080", rig.listen())]}));
    }
    let first = rig.opened('a');
    assert_eq!(rig.rollout(&first).await.result, RolloutResult::Committed);
    fs::create_dir_all(rig.path().join("jobs")).unwrap();
    rig.compose_jobs(before, after);
    Some(rig)
}

fn nothing_is_left(rig: &Rig) {
    let left = rig.engine_says(&["ps", "--all", "--quiet", "--filter", "label=portcullis.job-of"]);
    assert_eq!(left.trim(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_run_once_with_the_new_image_before_and_after_and_not_when_somebody_goes_back() {
    for door in [Door::Switch, Door::None] {
        let jobs = (
            [("migrate", appends("migrate")), ("warm", appends("warm"))],
            [("smoke", appends("smoke"))],
        );
        let Some(rig) = serving(door, &jobs.0, &jobs.1).await else { return };
        let new = rig.good('b');
        let planned = rollout::plan(&new, &rig.plan, &rig.effects()).await.unwrap();
        assert!(planned.steps[0].what.contains("`migrate`, then `warm`"), "{:?}", planned.steps[0]);
        assert!(planned.steps[1].what.contains("`smoke`"), "{:?}", planned.steps[1]);
        assert_eq!(written(&rig), [""; 0]);
        let report = rig.rollout(&new).await;
        assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
        assert_eq!(written(&rig), ["migrate b", "warm b", "smoke b"]);
        rig.runs_alone(&new, 1);
        nothing_is_left(&rig);
        let back = rollout::rollback(&rig.plan, &rig.effects()).await.unwrap();
        assert_eq!(back.result, RolloutResult::Committed, "{:?}", back.reason);
        assert_eq!(written(&rig).len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_takes_the_new_version_back_and_the_old_instance_was_never_stopped() {
    for after in [false, true] {
        let (first, second) = ([("migrate", appends("migrate"))], [("broken", fails())]);
        let (before, after): (&[_], &[_]) = if after { (&first, &second) } else { (&second, &first) };
        let Some(rig) = serving(Door::Switch, before, after).await else {
            return;
        };
        let old = rig.containers("api");
        let report = rig.rollout(&rig.good('b')).await;
        assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
        let reason = report.reason.unwrap();
        for part in ["the job `broken` failed", "ended with 7", "cannot read the configuration"] {
            assert!(reason.contains(part), "{part}: {reason}");
        }
        assert_eq!(rig.containers("api"), old);
        // What stands behind a job that fails is not run.
        let expected: &[&str] = if before[0].0 == "broken" { &[] } else { &["migrate b"] };
        assert_eq!(written(&rig), expected);
        nothing_is_left(&rig);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_does_not_end_is_stopped_and_the_clock_is_named() {
    let sleeps = json!({"command": ["append", "/jobs/log", "slow", "60000"]});
    let Some(mut rig) = serving(Door::Switch, &[("slow", sleeps)], &[]).await else {
        return;
    };
    rig.compose().job_limit = Duration::from_secs(1);
    let old = rig.containers("api");
    let report = rig.rollout(&rig.good('b')).await;
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    says(report.reason, "rollout.waits.job ran out");
    assert_eq!(rig.containers("api"), old);
    nothing_is_left(&rig);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployer_that_is_killed_in_a_job_is_resumed_by_waiting_for_it_and_not_by_a_second_one() {
    let sleeps = json!({"command": ["append", "/jobs/log", "migrate", "3000"]});
    let Some(rig) = serving(Door::Switch, &[("migrate", sleeps)], &[]).await else {
        return;
    };
    let new = rig.good('b');
    let mut deployer = roles::start_deployer(&rig, 'b', Death::Never);
    until("the job has begun", async || !written(&rig).is_empty()).await;
    deployer.kill().unwrap();
    deployer.wait().unwrap();
    let resumed = rollout::resume(&rig.plan, &rig.effects()).await.unwrap().expect("a report");
    assert_eq!(resumed.result, RolloutResult::Committed, "{:?}", resumed.reason);
    assert_eq!(written(&rig), ["migrate b"]);
    rig.runs_alone(&new, 1);
    nothing_is_left(&rig);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_another_image_and_one_that_is_not_there_are_refused_in_the_plan() {
    let other = json!({"image": "127.0.0.1:5000/other:1"});
    let Some(mut rig) = serving(Door::Switch, &[("other", other)], &[]).await else {
        return;
    };
    let new = rig.good('b');
    let report = rig.rollout(&new).await;
    assert_eq!((report.result, report.result.code()), (RolloutResult::Refused, 12));
    says(report.reason, "which nobody has judged");
    rig.compose().before = vec!["absent".to_owned()];
    let report = rig.rollout(&new).await;
    says(report.reason, "no service `absent`");
    rig.compose().before = vec!["api".to_owned()];
    assert_eq!(rig.rollout(&new).await.result, RolloutResult::Refused);
    // The control.
    rig.compose().before.clear();
    assert_eq!(rig.rollout(&new).await.result, RolloutResult::Committed);
}
