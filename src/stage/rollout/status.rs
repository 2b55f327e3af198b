//! What `portcullis rollout status` and `stop` tell.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Serialize;

use super::history::EndedRun;
use super::holder::Holder;
use super::release::Deployed;
use super::switch::message::{Canary, Traffic};
use crate::model::canary::VersionFigures;

/// What there is of a service, seen and remembered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RolloutStatus {
    /// `portcullis/rollout-status/v1`.
    pub schema: String,
    /// The service's name.
    pub service: String,
    /// `process`, `command`, `compose`, `kubernetes` or `swarm`.
    pub target: String,
    /// Where it answers, for people.
    pub url: Option<String>,
    /// What the front door leads to and runs.
    pub live: Option<InstanceStatus>,
    /// Every instance that runs, as it was seen.
    pub instances: Vec<InstanceStatus>,
    /// Why what runs cannot be seen, where it cannot: `live` and `instances` say nothing then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unseen: Option<String>,
    /// True when the switch answers.
    pub switch: bool,
    /// How often the switch has started an instance again that had died.
    pub restarts: u64,
    /// Requests that waited at the switch while a version was changed, and were passed on then.
    pub waited: u64,
    /// The share of the requests that a version gets beside the one that serves, while a canary is under way or was interrupted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryStatus>,
    /// Counters of every instance that the switch knows.
    pub traffic: Vec<Traffic>,
    /// Releases that were committed, the last known good one last.
    pub good: Vec<Deployed>,
    /// The run that was interrupted, with the state that it had reached.
    pub interrupted: Option<Interrupted>,
    /// The last run that ended, where the journal still has it.
    pub last_run: Option<EndedRun>,
    /// What was proven to serve and stopped by nobody, and does not run any more: `rollout resume` starts it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallen: Option<Deployed>,
    /// Who is at work.
    pub locked_by: Option<Holder>,
    /// The folder with lock, journals and releases.
    pub state: PathBuf,
}

/// A version that gets a share of the requests.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CanaryStatus {
    /// Who gets it, and how much.
    #[serde(flatten)]
    pub share: Canary,
    /// What its requests came to since the switch knows it.
    pub figures: VersionFigures,
}

/// An instance that runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InstanceStatus {
    /// The run that started it, and what it runs.
    #[serde(flatten)]
    pub deployed: Deployed,
    /// Its process id, where it is a process of this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Its own address, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<SocketAddr>,
    /// What it writes, where that is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<PathBuf>,
}

/// A run without an end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Interrupted {
    /// The run, and what it was to roll out.
    #[serde(flatten)]
    pub deployed: Deployed,
    /// The last state it reached.
    pub state: String,
}

/// What `rollout stop` stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StopReport {
    /// The service's name.
    pub service: String,
    /// Runs whose instances were stopped.
    pub stopped: Vec<String>,
    /// Requests that were still in flight then; `null` when they could not be counted.
    pub cut_requests: Option<u64>,
    /// The image that served last, by digest: what brings it back; `null` where nothing was ever committed here.
    pub served: Option<String>,
    /// True where it was rolled back here since, so that nothing but a reason (`--again`) brings it back.
    pub needs_reason: bool,
}
