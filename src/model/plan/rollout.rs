//! The rollout's part of a plan. Every wait has its own deadline.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::canary::CanaryPlan;

/// How a probe asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbePlan {
    /// HTTP GET: healthy on the status, and where given, on the JSON pointer's value.
    Http {
        /// URL of the front door.
        url: String,
        /// Status that is healthy.
        status: u16,
        /// JSON pointer and the value it must have.
        json: Option<(String, String)>,
    },
    /// A TCP connection that opens.
    Tcp {
        /// `host:port`.
        address: String,
    },
    /// A command that exits with 0.
    Command {
        /// Argument vector; no shell.
        argv: Vec<String>,
    },
}

/// Where an answer names the version that gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionAssertion {
    /// A response header of the health URL.
    Header(String),
    /// A path on the front door that answers JSON or text; the answer must hold the commit or the digest as a whole word. After a `#`, a JSON
    /// pointer to the field that does (RFC 6901).
    Path(String),
}

/// When the new version counts as serving.
#[derive(Debug, Clone, PartialEq)]
pub struct HealthPlan {
    /// What is asked, of which address.
    pub probe: ProbePlan,
    /// Where the version is named; none where nothing names it, which only targets that can count instances allow.
    pub version: Option<VersionAssertion>,
    /// From the end of one probe to the start of the next.
    pub interval: Duration,
    /// How long one probe may take.
    pub timeout: Duration,
    /// How many successes in a row.
    pub successes: u32,
    /// For all of them together.
    pub deadline: Duration,
    /// How long it must stay healthy.
    pub soak: Duration,
    /// Share of failed samples that the soak allows, 0.0 to 1.0.
    pub max_error_rate: f64,
    /// Limit for the 95th percentile of latency in milliseconds.
    pub max_p95_ms: Option<f64>,
}

/// Deadlines of the steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    /// For the new instance to be healthy by its own address.
    pub stage: Duration,
    /// For requests in flight on the old one.
    pub drain: Duration,
    /// Between SIGTERM and SIGKILL.
    pub stop: Duration,
    /// For the lock of another deployer.
    pub lock: Duration,
}

/// What the switch understands of the traffic that it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP/1.1: each request goes to the backend of its moment. HTTP/2 without TLS is refused.
    #[default]
    Http,
    /// Anything: each connection stays with the backend that it began with.
    Tcp,
}

/// Where the switch writes a line for each request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccessLog {
    /// Its standard output, which is `switch.log` in the state folder.
    Stdout,
    /// A file, which may be moved away and is begun again then.
    File(PathBuf),
}

/// Two processes on this machine behind our switch: the `process` target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessPlan {
    /// The `portcullis` program, which is started again as `portcullis switch …`.
    pub program: PathBuf,
    /// The public listener; port 0 is refused.
    pub listen: SocketAddr,
    /// What the switch understands of the traffic.
    pub protocol: Protocol,
    /// Environment of the service; `PORT` is set by the target.
    pub env: BTreeMap<String, String>,
    /// Folder of the service's state: journal, lock, instances, control socket.
    pub state: PathBuf,
    /// Where the switch writes a line for each request, if it does.
    pub access_log: Option<AccessLog>,
}

impl ProcessPlan {
    /// True where the switch sees what requests come to, so that it can share them out and count them.
    #[must_use]
    pub fn sees_answers(&self) -> bool {
        self.protocol == Protocol::Http
    }
}

/// Programs of the user's own that start, shift and stop: the `command` target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandPlan {
    /// The service's name, for the commands.
    pub service: String,
    /// The service's folder: commands run there.
    pub root: PathBuf,
    /// Brings a release in front; an argument vector, no shell.
    pub deploy: Vec<String>,
    /// Brings the last known good release back in front.
    pub rollback: Vec<String>,
    /// Prints the digest of each instance that runs, a line each.
    pub observe: Option<Vec<String>>,
    /// Stops the whole service, for `rollout stop`.
    pub stop: Option<Vec<String>>,
    /// True when the commands get the image's files, unpacked by their verified digests.
    pub unpack: bool,
    /// Further variables for the commands.
    pub env: BTreeMap<String, String>,
    /// Names of variables of this environment that the commands get.
    pub pass_env: Vec<String>,
    /// For `deploy` to end.
    pub deploy_limit: Duration,
    /// For `rollback` to end, and `stop`.
    pub rollback_limit: Duration,
    /// For `observe` to end.
    pub observe_limit: Duration,
    /// Folder of the state: journal, lock, what was deployed from here.
    pub state: PathBuf,
}

/// nginx as the front door: a file with one upstream, which is written from here alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NginxPlan {
    /// The file, which nginx's configuration includes.
    pub file: PathBuf,
    /// The name of the `upstream` block that our file defines.
    pub upstream: String,
    /// Tests nginx's configuration; an argument vector.
    pub test: Vec<String>,
    /// Makes nginx read it anew; an argument vector.
    pub reload: Vec<String>,
}

/// Caddy as the front door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaddyPlan {
    /// Where Caddy's admin API listens.
    pub admin: SocketAddr,
    /// The `@id` of the `reverse_proxy` handler.
    pub id: String,
}

/// Traefik as the front door: a file of its file provider with one service, which is written from here alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraefikPlan {
    /// The file, in YAML.
    pub file: PathBuf,
    /// The service's name, which a router of the same provider uses.
    pub service: String,
    /// Where Traefik's API answers.
    pub api: SocketAddr,
}

/// What leads requests to the instances of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrontPlan {
    /// nginx, by a file that it includes and a reload.
    Nginx(NginxPlan),
    /// Caddy, by its admin API.
    Caddy(CaddyPlan),
    /// Traefik, by a file of its file provider.
    Traefik(TraefikPlan),
    /// `portcullis switch`, as the `process` target has it.
    Switch(SwitchFrontPlan),
}

/// The switch in front of an instance that it did not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchFrontPlan {
    /// The switch itself.
    pub process: ProcessPlan,
    /// How long requests may wait at it while a version is stopped for the next one, which cannot run beside it; zero for not at all.
    pub hold: Duration,
}

/// A service of a Compose file on a Docker Engine: the `compose` target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComposePlan {
    /// The service's name in the Compose file.
    pub service: String,
    /// The service's folder, where Compose is started.
    pub root: PathBuf,
    /// Compose files; empty for those that Compose finds itself.
    pub files: Vec<PathBuf>,
    /// The project; none for the one that Compose takes.
    pub project: Option<String>,
    /// Profiles that are on.
    pub profiles: Vec<String>,
    /// Files of variables that the Compose file may name.
    pub env_files: Vec<PathBuf>,
    /// How many instances; none for what the file says.
    pub replicas: Option<usize>,
    /// Where an instance listens; none for what the file says.
    pub port: Option<u16>,
    /// The network in which an instance is reached; none for its first one.
    pub network: Option<String>,
    /// What leads requests to the instances; none where an instance publishes its port.
    pub front: Option<FrontPlan>,
    /// Services that run once, to their end, with the new image, before it is started.
    pub before: Vec<String>,
    /// The same, once the front door leads to it.
    pub after: Vec<String>,
    /// For each of those to end.
    pub job_limit: Duration,
    /// `unix://…` of the engine; none for the current Docker context's.
    pub host: Option<String>,
    /// Variables that the Compose file may name.
    pub env: BTreeMap<String, String>,
    /// Names of variables of this environment that the Compose file may name.
    pub pass_env: Vec<String>,
    /// For an image to be pulled.
    pub pull_limit: Duration,
    /// Folder of the state: journal, lock, specifications.
    pub state: PathBuf,
}

/// What controls the pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkloadKind {
    /// `kind: Deployment`, with its ReplicaSets.
    Deployment,
    /// `kind: StatefulSet`, one pod after the other.
    StatefulSet,
}

/// A Deployment or StatefulSet of a cluster: the `kubernetes` target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubernetesPlan {
    /// What kind of workload is changed.
    pub kind: WorkloadKind,
    /// `metadata.name` of the workload.
    pub workload: String,
    /// Its namespace; `None` for that of the context, or of the pod that this runs in.
    pub namespace: Option<String>,
    /// The kubeconfig's context; `None` for its current one.
    pub context: Option<String>,
    /// The kubeconfig; `None` for `KUBECONFIG`, `~/.kube/config`, or the pod's own service account.
    pub kubeconfig: Option<PathBuf>,
    /// The container whose image is changed; `None` where there is only one.
    pub container: Option<String>,
    /// For the new pods to have taken the place of the old ones.
    pub deploy_limit: Duration,
    /// For the old ones to be back.
    pub rollback_limit: Duration,
    /// Folder of the state: journal, lock, the pod templates that were there.
    pub state: PathBuf,
}

/// A service of a Docker Swarm: the `swarm` target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwarmPlan {
    /// The service's name in the swarm.
    pub service: String,
    /// `unix://…` of a manager's engine; none for the current Docker context's.
    pub host: Option<String>,
    /// For the new tasks to have taken the place of the old ones.
    pub deploy_limit: Duration,
    /// For the old ones to be back.
    pub rollback_limit: Duration,
    /// Folder of the state: journal, lock, the task templates that were there.
    pub state: PathBuf,
}

/// Where the instances run, with what only that target needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetPlan {
    /// Local processes behind `portcullis switch`.
    Process(ProcessPlan),
    /// The user's own commands.
    Command(CommandPlan),
    /// A service of a Compose file.
    Compose(Box<ComposePlan>),
    /// A Deployment or StatefulSet of a cluster.
    Kubernetes(KubernetesPlan),
    /// A service of a Docker Swarm.
    Swarm(SwarmPlan),
}

impl TargetPlan {
    /// Its name in configuration and reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Process(_) => "process",
            Self::Command(_) => "command",
            Self::Compose(_) => "compose",
            Self::Kubernetes(_) => "kubernetes",
            Self::Swarm(_) => "swarm",
        }
    }

    /// True where a share of the requests can be sent to a version, as far as the configuration says.
    #[must_use]
    pub fn may_weigh(&self) -> bool {
        match self {
            Self::Process(plan) => plan.sees_answers(),
            Self::Compose(plan) => matches!(&plan.front, Some(FrontPlan::Switch(front)) if front.process.sees_answers()),
            Self::Command(_) | Self::Kubernetes(_) | Self::Swarm(_) => false,
        }
    }

    /// Folder of the state on this machine.
    #[must_use]
    pub fn state(&self) -> &std::path::Path {
        match self {
            Self::Process(plan) => &plan.state,
            Self::Command(plan) => &plan.state,
            Self::Compose(plan) => &plan.state,
            Self::Kubernetes(plan) => &plan.state,
            Self::Swarm(plan) => &plan.state,
        }
    }
}

/// Everything the rollout stage needs to know.
#[derive(Debug, Clone, PartialEq)]
pub struct RolloutPlan {
    /// The service's name; locks, journals and releases go by it.
    pub service: String,
    /// Where the instances run.
    pub target: TargetPlan,
    /// What "it serves" means.
    pub health: HealthPlan,
    /// How long each wait may take.
    pub waits: Waits,
    /// The growing shares of the requests that the new version gets before all of them; none where it gets all at once.
    pub canary: Option<CanaryPlan>,
    /// The reason for a rollout without a verified attestation, where somebody gave one.
    pub unverified: Option<String>,
    /// The reason for rolling out a digest that was rolled back here before, where somebody gave one.
    pub again: Option<String>,
    /// True to go on although the last known good release is not to be had any more.
    pub without_way_back: bool,
    /// Changes nothing, says what it would do.
    pub dry_run: bool,
}
