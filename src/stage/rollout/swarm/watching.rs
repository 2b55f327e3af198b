//! How an update goes, by its tasks: whether it is done, why it will not end well, and what ended after it was.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::service::Service;
use super::tasks::{error, has_ended, id, is_pending, is_running, is_wanted};
use super::template::{run_of, seconds, time};

/// How long no node may take a task, before that is told: one may be starting.
const PATIENCE: Duration = Duration::from_secs(20);
/// What the engine watches a task for where the service says nothing, in seconds.
const MONITOR: f64 = 5.0;
/// How often a task of a run may fail where the engine does not stop for it.
const FAILURES: usize = 3;

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
    of_run(tasks, run).find(|task| up.contains(id(task)) && has_ended(task))
}

/// Tasks of the new run that have failed since its update began, the first one first: an old one may be here again, with a past.
fn failed<'a>(service: &'a Service, tasks: &'a [Value]) -> Vec<&'a Value> {
    // The engine writes the service itself when it stops an update.
    let begun = time(&service.whole["UpdateStatus"]["StartedAt"]).or_else(|| time(&service.whole["UpdatedAt"]));
    let mut failed: Vec<&Value> = of_run(tasks, service.run())
        .filter(|task| has_ended(task) && time(&task["Status"]["Timestamp"]) >= begun)
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
        let nowhere = of_run(tasks, run).find(|task| is_wanted(task) && is_pending(task) && !error(task).is_empty());
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
