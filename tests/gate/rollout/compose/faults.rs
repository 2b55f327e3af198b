//! What users of other deployers ran into: each test has its right end in its name.

use std::fs;
use std::time::Duration;

use portcullis::model::error_chain::chain;
use portcullis::model::outcome::RolloutResult;
use portcullis::model::plan::{FrontPlan, TargetPlan, VersionAssertion};
use portcullis::stage::rollout;
use serde_json::json;

use super::rig::{Door, Rig};
use crate::rollout::says;
use crate::rollout::world::LONG;

#[tokio::test(flavor = "multi_thread")]
async fn instances_of_a_plain_compose_up_are_the_old_version_and_serve_again_when_the_new_one_fails() {
    let Some(rig) = Rig::new(Door::Nginx, 2) else { return };
    rig.engine_says(&["compose", "up", "--detach", "--scale", "api=2", "api"]);
    let bad = rig.image('b', &json!({"Env": ["SICK=1"]}));
    let planned = rollout::plan(&bad, &rig.plan, &rig.effects()).await.unwrap();
    assert_eq!(planned.way_back.to.as_ref().map(|to| to.digest), Some(*rig.opened('a').digest()));
    assert!(
        planned.notes.iter().any(|note| note.contains("not started from here")),
        "{:?}",
        planned.notes
    );
    let mut quick = rig.plan.clone();
    quick.waits.stage = Duration::from_secs(1);
    let before = rig.containers("api");
    let report = rollout::rollout(&bad, &quick, &rig.effects()).await.unwrap();
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    assert_eq!(rig.containers("api"), before, "the same two, and nothing else");
    assert_eq!(rig.get("/version").await.unwrap().0, 200);
    // The control: a good one takes their place.
    let good = rig.good('c');
    let report = rig.rollout(&good).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    rig.runs_alone(&good, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_has_the_entry_point_environment_and_mounts_that_it_had() {
    let Some(rig) = Rig::new(Door::Switch, 1) else { return };
    fs::write(rig.path().join("old"), "old file").unwrap();
    fs::write(rig.path().join("new"), "new file").unwrap();
    let service = |colour: &str, args: &str| json!({"environment": {"COLOUR": colour}, "command": [args], "volumes": [format!("./{args}:/mounted:ro")]});
    rig.compose_file(&service("blue $$1", "old"));
    let a = rig.opened('a');
    let report = rig.rollout(&a).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    rig.compose_file(&service("red", "new"));
    let b = rig.good('b');
    let report = rig.rollout(&b).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(rig.get("/env?COLOUR").await.unwrap().1, "red");
    assert_eq!(rig.get("/file?/mounted").await.unwrap().1, "new file");
    let report = rollout::rollback(&rig.plan, &rig.effects()).await.unwrap();
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    rig.runs_alone(&a, 1);
    assert_eq!(rig.get("/env?COLOUR").await.unwrap().1, "blue $1");
    assert_eq!(rig.get("/args").await.unwrap().1, "old");
    assert_eq!(rig.get("/file?/mounted").await.unwrap().1, "old file");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_health_check_whose_program_is_not_in_the_image_is_told_as_such() {
    let Some(mut rig) = Rig::new(Door::Switch, 1) else { return };
    // Less than what the check itself may take.
    rig.plan.waits.stage = Duration::from_secs(10);
    rig.rollout(&rig.opened('a')).await;
    rig.compose_file(&json!({"healthcheck": {"test": ["CMD", "/curl", "x"], "interval": "200ms", "timeout": "1s", "retries": 50}}));
    let b = rig.good('b');
    let planned = rollout::plan(&b, &rig.plan, &rig.effects()).await.unwrap();
    assert!(
        planned.notes.iter().any(|note| note.contains("60 s by its own clock")),
        "{:?}",
        planned.notes
    );
    let report = rig.rollout(&b).await;
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    let reason = report.reason.unwrap();
    assert!(reason.contains("the health check cannot run in this image"), "{reason}");
    rig.runs_alone(&rig.opened('a'), 1);
    // The control: one that can run.
    rig.compose_file(&json!({"healthcheck": {"test": ["CMD", "/service", "check"], "interval": "200ms", "timeout": "10s"}}));
    rig.plan.waits.stage = LONG;
    let c = rig.good('c');
    let report = rig.rollout(&c).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_work_is_refused_before_anything_is_touched() {
    let Some(mut rig) = Rig::new(Door::Nginx, 1) else { return };
    let a = rig.opened('a');
    let refused = async |rig: &Rig, words: &str| {
        let report = rig.rollout(&a).await;
        let reason = report.reason.unwrap_or_default();
        assert!(
            report.result == RolloutResult::Refused && reason.contains(words),
            "{words}: {:?} {reason}",
            report.result
        );
        assert_eq!(rig.containers("api"), Vec::<String>::new());
    };
    rig.engine_says(&["compose", "stop", "--timeout", "0", "cache"]);
    refused(&rig, "`cache`, which it depends on, does not run").await;
    rig.compose_file(&json!({"depends_on": {"cache": {"condition": "service_healthy"}}}));
    rig.engine_says(&["compose", "start", "cache"]);
    refused(&rig, "`cache`, which it depends on, is not healthy").await;
    rig.compose_file(&json!({"expose": []}));
    refused(&rig, "where an instance of `api` listens is not known").await;
    rig.compose_file(&json!({"network_mode": "host"}));
    refused(&rig, "`network_mode: host`").await;
    rig.compose_file(&json!({}));
    let front = rig.compose().front.take();
    refused(&rig, "nothing says what leads requests").await;
    rig.compose().front = front;
    rig.plan.health.version = None;
    refused(&rig, "no answer names the version").await;
    rig.plan.health.version = Some(VersionAssertion::Path("/version".to_owned()));
    rig.compose().service = "web".to_owned();
    let error = rollout::rollout(&a, &rig.plan, &rig.effects()).await.unwrap_err();
    assert!(chain(&error).contains("no service `web` (there are: api, cache)"), "{error}");
    rig.compose().service = "api".to_owned();
    let host = rig.compose().host.replace("tcp://127.0.0.1:2375".to_owned());
    let error = rollout::rollout(&a, &rig.plan, &rig.effects()).await.unwrap_err();
    assert!(chain(&error).contains("only one behind a Unix socket"), "{error}");
    // The control.
    rig.compose().host = host;
    let report = rig.rollout(&a).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_nginx_refuses_is_put_back_and_one_that_it_does_not_read_never_commits() {
    let Some(mut rig) = Rig::new(Door::Nginx, 1) else { return };
    let a = rig.opened('a');
    let report = rig.rollout(&a).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    let file = rig.path().join("door/shop.conf");
    let good = fs::read_to_string(&file).unwrap();
    // nginx does not take the new file: the old one stays, and the old version serves on.
    if let Some(FrontPlan::Nginx(nginx)) = &mut rig.compose().front {
        nginx.test = vec!["false".to_owned()];
    }
    let b = rig.good('b');
    let report = rig.rollout(&b).await;
    assert_ne!(report.result, RolloutResult::Committed);
    says(report.reason, "failed (exit status: 1)");
    assert_eq!(fs::read_to_string(&file).unwrap(), good);
    assert!(rig.get("/version").await.unwrap().1.contains("aaaa"));
    let mut plan = rig.plan.clone();
    let TargetPlan::Compose(compose) = &mut plan.target else { panic!() };
    if let Some(FrontPlan::Nginx(nginx)) = &mut compose.front {
        nginx.test = vec!["true".to_owned()];
        nginx.reload = vec!["true".to_owned()];
    }
    plan.again = Some("a test".to_owned());
    plan.health.deadline = Duration::from_secs(6);
    // nginx never reads the new file, so that the old address goes on answering.
    let report = rollout::rollout(&b, &plan, &rig.effects()).await.unwrap();
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    rig.runs_alone(&a, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_of_one_service_goes_back_to_nothing_in_another_one_of_its_name() {
    let Some(rig) = Rig::new(Door::Nginx, 1) else { return };
    let a = rig.opened('a');
    assert_eq!(rig.rollout(&a).await.result, RolloutResult::Committed);
    let b = rig.good('b');
    assert_eq!(rig.rollout(&b).await.result, RolloutResult::Committed);
    let path = rig.path().join("compose.yaml");
    let ours = fs::read_to_string(&path).unwrap();
    fs::write(&path, ours.replace(r#""name":"shop""#, r#""name":"blog""#)).unwrap();
    rig.engine_says(&["compose", "up", "--detach", "cache"]);
    let c = rig.good('c');
    for refusal in [
        rollout::plan(&c, &rig.plan, &rig.effects()).await.unwrap_err(),
        rollout::rollout(&c, &rig.plan, &rig.effects()).await.unwrap_err(),
        rollout::rollback(&rig.plan, &rig.effects()).await.unwrap_err(),
        rollout::stop(&rig.plan, &rig.effects()).await.unwrap_err(),
    ] {
        assert!(
            refusal.to_string().contains("compose shop/api, and this is compose blog/api"),
            "{refusal}"
        );
    }
    rig.runs_alone(&b, 1);
    // Its own project goes on, and when it has ended the folder is free.
    fs::write(&path, &ours).unwrap();
    assert_eq!(rig.rollout(&c).await.result, RolloutResult::Committed);
    rollout::stop(&rig.plan, &rig.effects()).await.unwrap();
    fs::write(&path, ours.replace(r#""name":"shop""#, r#""name":"blog""#)).unwrap();
    let planned = rollout::plan(&a, &rig.plan, &rig.effects()).await.unwrap();
    assert_eq!(planned.refusal(), None);
}
