//! Inline configs, and secrets that are a variable's value: Compose copies them into its containers, and so is it done here.

use std::fs;

use portcullis::model::outcome::RolloutResult;
use portcullis::stage::rollout;
use serde_json::{Value, json};

use super::rig::{Door, Rig};
use crate::support::engines::output;

/// The Compose file with a config and a secret, which the service and a job have.
fn with_copied(rig: &mut Rig, more: &Value) {
    let mut api = json!({"configs": [{"source": "motd", "target": "/etc/motd"}], "secrets": ["token"]});
    for (name, value) in more.as_object().unwrap() {
        api[name] = value.clone();
    }
    rig.compose_file(&api);
    let job = json!({"command": ["append", "/jobs/log", "migrate"], "secrets": [{"source": "token", "target": "/jobs/token"}]});
    fs::create_dir_all(rig.path().join("jobs")).unwrap();
    rig.compose_jobs(&[("migrate", job)], &[]);
    let path = rig.path().join("compose.yaml");
    let mut file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    file["configs"] = json!({"motd": {"content": "costs $$5\n"}});
    file["secrets"] = json!({"token": {"environment": "TOKEN"}});
    fs::write(path, file.to_string()).unwrap();
}

fn token(rig: &mut Rig, value: &str) {
    rig.compose().env.insert("TOKEN".to_owned(), value.to_owned());
}

/// What the one instance has.
fn has(rig: &Rig, config: &str, secret: &str) {
    let containers = rig.containers("api");
    assert_eq!(containers.len(), 1, "{containers:?}");
    let id = containers[0].split(' ').next().unwrap();
    for (file, content) in [("/etc/motd", config), ("/run/secrets/token", secret)] {
        let archive = rig.engine_says(&["cp", &format!("{id}:{file}"), "-"]);
        assert!(archive.contains(content), "{content} in {file}: {archive:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn inline_configs_and_secrets_of_variables_are_in_every_instance_and_come_back_as_they_were() {
    let Some(mut rig) = Rig::new(Door::Switch, 1) else { return };
    with_copied(&mut rig, &json!({}));
    // Compose's own instance, which is the old version.
    let mut up = rig.engine.docker(&["compose", "up", "--detach", "api"]);
    output(up.current_dir(rig.path()).env("TOKEN", "zero"));
    has(&rig, "costs $5\n", "zero");
    token(&mut rig, "one $HOME");
    let b = rig.good('b');
    let report = rig.rollout(&b).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    rig.runs_alone(&b, 1);
    has(&rig, "costs $5\n", "one $HOME");
    // What Compose's own had is kept with how it was made: base64 of `zero`.
    let specs = fs::read_dir(rig.state().join("specs")).unwrap();
    let texts: Vec<String> = specs.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
    assert!(texts.iter().any(|text| text.contains("emVybw==")), "{texts:?}");
    assert_eq!(fs::read_to_string(rig.path().join("jobs/token")).unwrap(), "one $HOME");
    let report = rig.rollout(&b).await;
    assert_eq!(report.result, RolloutResult::AlreadyDeployed, "{:?}", report.reason);
    // Another value is another instance of the same image.
    token(&mut rig, "two");
    let report = rig.rollout(&b).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    has(&rig, "costs $5\n", "two");
    let c = rig.good('c');
    token(&mut rig, "three");
    let report = rig.rollout(&c).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    has(&rig, "costs $5\n", "three");
    let report = rollout::rollback(&rig.plan, &rig.effects()).await.unwrap();
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    rig.runs_alone(&b, 1);
    has(&rig, "costs $5\n", "two");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_whose_variable_is_not_set_or_that_cannot_be_copied_is_refused_in_the_plan() {
    let Some(mut rig) = Rig::new(Door::Switch, 1) else { return };
    with_copied(&mut rig, &json!({}));
    let new = rig.good('b');
    let report = rig.rollout(&new).await;
    assert_eq!((report.result, report.result.code()), (RolloutResult::Refused, 12));
    let reason = report.reason.unwrap();
    assert!(reason.contains("TOKEN") && reason.contains("it is not set"), "{reason}");
    // Whoever only looks needs no secret.
    assert_eq!(rig.status().await.instances.len(), 0);
    token(&mut rig, "one");
    with_copied(&mut rig, &json!({"read_only": true}));
    let report = rig.rollout(&new).await;
    assert_eq!(report.result, RolloutResult::Refused);
    let reason = report.reason.unwrap();
    assert!(reason.contains("read_only") && reason.contains("/etc/motd"), "{reason}");
    assert_eq!(rig.containers("api"), Vec::<String>::new());
    // The control.
    with_copied(&mut rig, &json!({}));
    let report = rig.rollout(&new).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
}
