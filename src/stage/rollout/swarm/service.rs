//! What a service of a swarm says: its template, whose it is, and how far the engine is with it.

use serde_json::{Value, json};

use super::tasks;
use super::template::run_of;
use crate::stage::rollout::target::TargetError;

#[derive(Debug, Clone)]
pub(in crate::stage::rollout) struct Service {
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

    /// True where the template was written once since `before` was read, as far as the engine remembers: an update keeps the labels, so that the
    /// run in them does not say whose it is.
    pub(super) fn follows(&self, before: &Self) -> bool {
        self.whole["PreviousSpec"]["TaskTemplate"] == *before.template()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::rollout::swarm::template::RUN;

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
    fn of_two_updates_after_another_the_second_does_not_follow_what_was_before_the_first() {
        let before = service(1);
        let after = |previous: &Service| {
            let mut after = service(1);
            after.whole["PreviousSpec"] = previous.spec().clone();
            after
        };
        let mut ours = after(&before);
        assert!(ours.follows(&before));
        ours.whole["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] = "b@sha256:0".into();
        // Labels, and with them the run, are as we wrote them.
        let theirs = after(&ours);
        assert_eq!(theirs.run(), ours.run());
        assert!(!theirs.follows(&before) && !service(1).follows(&before));
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
