//! What the tasks say: which digest each runs, and why one does not.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::service::{Service, deployed, run_of, seconds, time};
use crate::model::visible::shortened;
use crate::stage::rollout::target::Running;

/// States in which a task has ended, and not because it was told to.
const ENDED: [&str; 4] = ["failed", "rejected", "complete", "orphaned"];
/// How long no node may take a task, before that is told: one may be starting.
const PATIENCE: Duration = Duration::from_secs(20);
/// What the engine watches a task for where the service says nothing, in seconds.
const MONITOR: f64 = 5.0;
/// How often a task of a run may fail where the engine does not stop for it.
const FAILURES: usize = 3;

fn state(task: &Value) -> &str {
    task["Status"]["State"].as_str().unwrap_or("")
}

pub(super) fn id(task: &Value) -> &str {
    task["ID"].as_str().unwrap_or("a task without an id")
}

/// True for one that the engine means to keep, or to start.
pub(super) fn is_wanted(task: &Value) -> bool {
    matches!(task["DesiredState"].as_str(), Some("running" | "ready" | "accepted" | "assigned"))
}

pub(super) fn is_running(task: &Value) -> bool {
    state(task) == "running"
}

/// True for one whose container may still answer.
pub(super) fn may_answer(task: &Value) -> bool {
    matches!(state(task), "running" | "starting" | "ready" | "preparing")
}

/// What a task runs, where it does.
pub(super) fn running(task: &Value) -> Result<Option<Running>, String> {
    if !is_running(task) || !is_wanted(task) {
        return Ok(None);
    }
    Ok(Some(Running {
        deployed: deployed(&task["Spec"])?,
        address: None,
        pid: None,
    }))
}

fn of_run<'a>(tasks: &'a [Value], run: &'a str) -> impl Iterator<Item = &'a Value> {
    tasks.iter().filter(move |task| run_of(&task["Spec"]) == run)
}

/// The tasks of a service's new run that run.
pub(super) fn up(service: &Service, tasks: &[Value]) -> BTreeSet<String> {
    of_run(tasks, service.run())
        .filter(|task| is_running(task) && is_wanted(task))
        .map(|task| id(task).to_owned())
        .collect()
}

/// A task that was up and has ended since, where there is one.
pub(super) fn fell<'a>(tasks: &'a [Value], run: &'a str, up: &BTreeSet<String>) -> Option<&'a Value> {
    of_run(tasks, run).find(|task| up.contains(id(task)) && ENDED.contains(&state(task)))
}

/// Tasks of the new run that have failed since the service was written, the first one first: an old one may be here again, with a past.
fn failed<'a>(service: &'a Service, tasks: &'a [Value]) -> Vec<&'a Value> {
    let begun = time(&service.whole["UpdatedAt"]);
    let mut failed: Vec<&Value> = of_run(tasks, service.run())
        .filter(|task| ENDED.contains(&state(task)) && time(&task["Status"]["Timestamp"]) >= begun)
        .collect();
    failed.sort_by_key(|task| time(&task["Status"]["Timestamp"]));
    failed
}

/// Since when no node takes a task.
#[derive(Default)]
pub(super) struct Waiting(Option<Instant>);

impl Waiting {
    /// Why what the engine does will not end well, where it is known already.
    pub(super) fn hopeless<'a>(&mut self, service: &'a Service, tasks: &'a [Value]) -> Option<Hopeless<'a>> {
        let run = service.run();
        if let Some("paused" | "rollback_paused" | "rollback_started" | "rollback_completed") = service.update() {
            return Some(Hopeless::Stopped(failed(service, tasks).first().copied()));
        }
        let failed = failed(service, tasks);
        if failed.len() >= FAILURES {
            return Some(Hopeless::Stopped(failed.first().copied()));
        }
        let nowhere = of_run(tasks, run).find(|task| is_wanted(task) && state(task) == "pending" && !error(task).is_empty());
        match nowhere {
            None => self.0 = None,
            Some(task) => {
                let since = self.0.get_or_insert_with(Instant::now);
                if since.elapsed() >= PATIENCE {
                    return Some(Hopeless::Nowhere(error(task)));
                }
            }
        }
        None
    }
}

/// Since when every task is a new one and runs.
#[derive(Default)]
pub(super) struct Watched(Option<Instant>);

impl Watched {
    /// True when the engine has watched the last task for its `monitor` time. It forgets what it was at where somebody else writes the service (an
    /// autoscaler): then that time is waited for here.
    pub(super) fn is_done(&mut self, service: &Service) -> bool {
        let since = *self.0.get_or_insert_with(Instant::now);
        let monitor = seconds(&service.spec()["UpdateConfig"]["Monitor"]).unwrap_or(MONITOR);
        match service.update() {
            Some("completed") => true,
            None => since.elapsed().as_secs_f64() > monitor + MONITOR,
            Some(_) => false,
        }
    }
}

/// Why an update will not end well.
pub(super) enum Hopeless<'a> {
    /// The engine has stopped, or a task fails again and again.
    Stopped(Option<&'a Value>),
    /// No node takes a task, and why.
    Nowhere(String),
}

/// What the engine says of a task's end, for people.
pub(super) fn error(task: &Value) -> String {
    let said = task["Status"]["Err"].as_str().unwrap_or("");
    match (said, task["Status"]["ContainerStatus"]["ExitCode"].as_i64()) {
        ("", Some(code)) if ENDED.contains(&state(task)) => format!("it ended with {code}"),
        (said, _) => shortened(said, 300),
    }
}

/// True where a container was started: only then is there a log.
pub(super) fn has_container(task: &Value) -> bool {
    task["Status"]["ContainerStatus"]["ContainerID"]
        .as_str()
        .is_some_and(|id| !id.is_empty())
}
