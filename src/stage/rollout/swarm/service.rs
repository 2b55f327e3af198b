//! What a service of a swarm says: its template, whose it is, and how far the engine is with it.

use serde_json::{Value, json};

use super::tasks;
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::stage::rollout::release::{Deployed, FOREIGN, Release};
use crate::stage::rollout::target::TargetError;

pub(super) const RUN: &str = "portcullis.run";
pub(super) const COMMIT: &str = "portcullis.commit";
pub(super) const TOKEN: &str = "portcullis.token";

#[derive(Debug, Clone)]
pub(super) struct Service {
    id: String,
    version: u64,
    pub(super) whole: Value,
}

impl Service {
    /// # Errors
    /// For one without id, version or template: what it says is not known.
    pub(super) fn of(whole: Value) -> Result<Self, TargetError> {
        let id = whole["ID"]
            .as_str()
            .filter(|id| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric()));
        match (
            id,
            whole["Version"]["Index"].as_u64(),
            &whole["Spec"]["TaskTemplate"]["ContainerSpec"],
        ) {
            (Some(id), Some(version), Value::Object(_)) => Ok(Self {
                id: id.to_owned(),
                version,
                whole,
            }),
            _ => Err(TargetError::Failed(
                "the swarm's service has no id, no version or no containers".to_owned(),
            )),
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) const fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn spec(&self) -> &Value {
        &self.whole["Spec"]
    }

    /// What tasks are made from.
    pub(super) fn template(&self) -> &Value {
        &self.spec()["TaskTemplate"]
    }

    /// Whose tasks are the new ones.
    pub(super) fn run(&self) -> &str {
        run_of(self.template())
    }

    /// How many tasks there are to be; for a global service, as many as there are nodes for it.
    pub(super) fn wanted(&self) -> u64 {
        match self.spec()["Mode"]["Replicated"]["Replicas"].as_u64() {
            Some(replicas) => replicas,
            None => self.whole["ServiceStatus"]["DesiredTasks"].as_u64().unwrap_or(0),
        }
    }

    /// `updating`, `paused`, `completed`, …; `None` before the engine has begun with what the specification says now.
    pub(super) fn update(&self) -> Option<&str> {
        self.whole["UpdateStatus"]["State"].as_str().filter(|state| !state.is_empty())
    }

    /// True where the engine starts a task before it stops the one whose place it takes.
    pub(super) fn starts_first(&self) -> bool {
        self.spec()["UpdateConfig"]["Order"] == "start-first"
    }

    /// What the engine has not done yet of what the specification says now; `None` when every task is one of it and runs.
    pub(super) fn pending(&self, tasks: &[Value]) -> Option<String> {
        let wanted = self.wanted();
        let staying: Vec<&Value> = tasks.iter().filter(|task| tasks::is_wanted(task)).collect();
        let new = staying
            .iter()
            .filter(|task| run_of(&task["Spec"]) == self.run() && tasks::is_running(task))
            .count() as u64;
        let others = staying.iter().filter(|task| run_of(&task["Spec"]) != self.run()).count();
        if new < wanted {
            return Some(format!("{new} of {wanted} tasks are new and run"));
        }
        (others > 0).then(|| format!("{others} old tasks are still there"))
    }

    /// The specification with another template, made so that the engine stops where a task fails.
    pub(super) fn with_template(&self, template: &Value) -> Value {
        let mut spec = self.spec().clone();
        spec["TaskTemplate"] = template.clone();
        if !spec["UpdateConfig"].is_object() {
            // What the engine takes where there is none.
            spec["UpdateConfig"] = json!({"Parallelism": 1, "Monitor": 5_000_000_000_u64, "Order": "stop-first"});
        }
        spec["UpdateConfig"]["FailureAction"] = "pause".into();
        spec["UpdateConfig"]["MaxFailureRatio"] = 0.into();
        spec
    }
}

/// The run that a template or a task's specification names.
pub(super) fn run_of(template: &Value) -> &str {
    template["ContainerSpec"]["Labels"][RUN].as_str().unwrap_or(FOREIGN)
}

/// What a template or a task's specification runs.
///
/// # Errors
/// For a reference without a digest: which image a node takes for a tag is not known.
pub(super) fn deployed(template: &Value) -> Result<Deployed, String> {
    let image = template["ContainerSpec"]["Image"].as_str().unwrap_or("");
    let (name, digest) = image
        .split_once('@')
        .ok_or_else(|| format!("what runs is named by a tag alone, `{image}`: which image that is now nobody can tell; `docker service update --image` with its digest"))?;
    let digest: Digest = digest.parse().map_err(|_| format!("`{image}` has a digest that is none"))?;
    let commit = template["ContainerSpec"]["Labels"][COMMIT]
        .as_str()
        .filter(|commit| !commit.is_empty());
    Ok(Deployed {
        run: run_of(template).to_owned(),
        release: Release {
            digest,
            commit: commit.map(ToOwned::to_owned),
            image: format!("registry:{}@{digest}", without_tag(name)),
        },
    })
}

/// `host:5000/name:tag` without its tag.
fn without_tag(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((before, tag)) if !tag.contains('/') => before,
        _ => name,
    }
}

/// A template with another image, and whose it is.
pub(super) fn with_release(template: &Value, deployed: &Deployed, token: u64) -> Value {
    let mut template = template.clone();
    let release = &deployed.release;
    let container = &mut template["ContainerSpec"];
    container["Image"] = release.image.strip_prefix("registry:").unwrap_or(&release.image).into();
    if !container["Labels"].is_object() {
        container["Labels"] = json!({});
    }
    let labels = &mut container["Labels"];
    labels[RUN] = deployed.run.clone().into();
    labels[TOKEN] = token.to_string().into();
    labels[COMMIT] = release.commit.clone().unwrap_or_default().into();
    template
}

/// A length in nanoseconds, as the engine has it, in seconds.
pub(super) fn seconds(value: &Value) -> Option<f64> {
    value
        .as_u64()
        .map(|nanoseconds| std::time::Duration::from_nanos(nanoseconds).as_secs_f64())
}

/// The time of an update or a task, for what came after it.
pub(super) fn time(value: &Value) -> Option<jiff::Timestamp> {
    value.as_str()?.parse().or_none("a time that is none is no time")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(replicas: u64) -> Service {
        Service::of(json!({"ID": "s1", "Version": {"Index": 7}, "Spec": {
            "TaskTemplate": {"ContainerSpec": {"Image": "a@sha256:0", "Labels": {RUN: "new"}}},
            "Mode": {"Replicated": {"Replicas": replicas}},
        }}))
        .expect("a service")
    }

    fn task(run: &str, desired: &str, state: &str) -> Value {
        json!({"Spec": {"ContainerSpec": {"Labels": {RUN: run}}}, "DesiredState": desired, "Status": {"State": state}})
    }

    #[test]
    fn every_wanted_task_is_a_new_one_and_runs_or_it_is_not_done() {
        let done = [task("new", "running", "running"), task("old", "shutdown", "running")];
        assert_eq!(service(1).pending(&done), None);
        for more in [task("old", "running", "running"), task("old", "ready", "ready")] {
            let tasks = [&done[..], &[more]].concat();
            assert!(service(1).pending(&tasks).is_some(), "{tasks:?}");
        }
        for state in ["preparing", "starting", "failed", "pending"] {
            assert!(service(1).pending(&[task("new", "running", state)]).is_some(), "{state}");
        }
        assert!(service(2).pending(&done).is_some());
    }

    #[test]
    fn a_tag_alone_names_no_image() {
        let named = |image: &str| deployed(&json!({"ContainerSpec": {"Image": image}}));
        let digest = format!("sha256:{}", "a".repeat(64));
        assert!(named("shop:1").expect_err("a tag").contains("by a tag alone"));
        assert!(named("shop@sha256:1").is_err());
        for image in ["127.0.0.1:5000/shop", "127.0.0.1:5000/shop:1.2"] {
            let found = named(&format!("{image}@{digest}")).expect("a digest");
            assert_eq!(found.release.image, format!("registry:127.0.0.1:5000/shop@{digest}"));
            assert_eq!(found.run, FOREIGN);
        }
    }

    #[test]
    fn a_failing_task_stops_an_update_whatever_the_service_says() {
        let mut own = service(1);
        own.whole["Spec"]["UpdateConfig"] =
            json!({"FailureAction": "rollback", "MaxFailureRatio": 0.5, "Order": "start-first", "Parallelism": 3});
        let config = own.with_template(&json!({}))["UpdateConfig"].clone();
        assert_eq!(
            config,
            json!({"FailureAction": "pause", "MaxFailureRatio": 0, "Order": "start-first", "Parallelism": 3})
        );
        assert_eq!(service(1).with_template(&json!({}))["UpdateConfig"]["FailureAction"], "pause");
    }
}
