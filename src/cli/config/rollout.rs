//! `[rollout]`, with its health checks, waits and front door.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::canary::Canary;
use crate::model::human_duration::HumanDuration;

/// The rollout's target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Target {
    /// Local processes behind `portcullis switch`.
    Process,
    /// Commands of your own.
    Command,
    /// A service of a Compose file.
    Compose,
    /// A Deployment or StatefulSet of a cluster.
    Kubernetes,
    /// A service of a Docker Swarm.
    Swarm,
}

impl Target {
    /// Its name in the configuration.
    pub(in crate::cli) fn name(self) -> &'static str {
        self.into()
    }
}

/// What leads requests to the instances of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FrontKind {
    /// nginx, by an upstream file.
    Nginx,
    /// Caddy, by its admin address.
    Caddy,
    /// Traefik, by a file of its file provider.
    Traefik,
    /// `portcullis switch`.
    Switch,
}

/// `[rollout.front]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct Front {
    /// Which one.
    pub kind: FrontKind,
    /// nginx, traefik: the file with the upstream (nginx includes it, Traefik's file provider watches it), which is written from here alone.
    pub file: Option<PathBuf>,
    /// nginx, traefik: the upstream's name, Traefik's service of its file provider [default: the service's].
    pub upstream: Option<String>,
    /// nginx: tests the configuration; an argument vector [default: `nginx -t`].
    pub test: Option<Vec<String>>,
    /// nginx: makes it read the configuration anew [default: `nginx -s reload`].
    pub reload: Option<Vec<String>>,
    /// caddy, traefik: where its API answers [default: 127.0.0.1:2019, of Traefik 127.0.0.1:8080].
    pub admin: Option<SocketAddr>,
    /// caddy: the `@id` of the `reverse_proxy` handler.
    pub id: Option<String>,
    /// switch: how long a request waits at most while a version is stopped for the next one, which cannot run beside it (a `container_name`);
    /// `0s` for not at all [default: 30s].
    pub hold: Option<HumanDuration>,
}

/// `[rollout]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct Rollout {
    /// Which target.
    pub target: Target,
    /// process, and compose behind the switch: the public listener [default: host and port of the health URL].
    pub listen: Option<SocketAddr>,
    /// kubernetes: `deployment/NAME` or `statefulset/NAME`.
    pub workload: Option<String>,
    /// kubernetes: the workload's namespace [default: the context's].
    pub namespace: Option<String>,
    /// kubernetes: the kubeconfig's context [default: its current one].
    pub context: Option<String>,
    /// kubernetes: the kubeconfig, from the service's folder [default: `KUBECONFIG`, `~/.kube/config`, or the service account of the pod].
    pub kubeconfig: Option<PathBuf>,
    /// kubernetes: the container whose image is changed; needed where the pod has several.
    pub container: Option<String>,
    /// Folder of the service's state (default: `portcullis/<service>` in the user's state folder).
    pub state: Option<PathBuf>,
    /// process: environment of the service; command: further variables for the commands; compose: variables that the Compose file may name.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// command: brings the release in front that `PORTCULLIS_DIGEST` and `PORTCULLIS_IMAGE` name; an argument vector, no shell.
    pub deploy: Option<Vec<String>>,
    /// command: brings the last known good release back, named in the same way.
    pub rollback: Option<Vec<String>>,
    /// command: prints `sha256:…` of each instance that runs, a line each. Without it, `health.version` is needed.
    pub observe: Option<Vec<String>>,
    /// command: stops the service; for `rollout stop`, and for a first version that fails.
    pub stop: Option<Vec<String>>,
    /// command: unpack the image by its verified digests; `PORTCULLIS_ROOT` names the folder [default: false].
    #[serde(default)]
    pub unpack: bool,
    /// command: names of variables of the gate's environment that the commands get, beside the usual ones; compose: that the Compose file may name.
    #[serde(default)]
    pub pass_env: Vec<String>,
    /// compose: the Compose files [default: those that Compose finds].
    #[serde(default)]
    pub files: Vec<PathBuf>,
    /// compose: the project's name [default: as Compose has it].
    pub project: Option<String>,
    /// compose: the service in the file [default: the service's name].
    pub compose_service: Option<String>,
    /// compose: profiles that are on.
    #[serde(default)]
    pub profiles: Vec<String>,
    /// compose: files of variables that the Compose file may name [default: `.env`].
    #[serde(default)]
    pub env_files: Vec<PathBuf>,
    /// compose: how many instances [default: as the file says].
    pub replicas: Option<usize>,
    /// compose: where an instance listens [default: the one port of `expose` or `ports`].
    pub port: Option<u16>,
    /// compose: the network in which an instance is reached [default: its first one by name].
    pub network: Option<String>,
    /// compose: services of the file that run once, to their end, with the new image, before it is started: migrations.
    #[serde(default)]
    pub before: Vec<String>,
    /// compose: the same, once the front door leads to the new version: one that fails takes it back.
    #[serde(default)]
    pub after: Vec<String>,
    /// swarm: the service in the swarm, `shop_api` [default: the service's name].
    pub swarm_service: Option<String>,
    /// compose, and swarm (a manager's): the engine, `unix:///run/docker.sock` [default: `DOCKER_HOST`, then the current Docker context].
    pub docker_host: Option<String>,
    /// compose: what leads requests to the instances.
    pub front: Option<Front>,
    /// process, and compose behind the switch: where the switch writes a line of JSON for each request: a file, or "stdout", which is `switch.log` in the
    /// state folder [default: nowhere].
    pub access_log: Option<PathBuf>,
    /// How old the signed verdict may be that `portcullis rollout` goes by [default: 14d].
    pub max_verdict_age: Option<HumanDuration>,
    /// What "it serves" means.
    pub health: Health,
    /// Growing shares of the requests for the new version [default: all at once].
    pub canary: Option<Canary>,
    /// Deadlines of the steps.
    #[serde(default)]
    pub waits: Waits,
}

/// `[rollout.health]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct Health {
    /// HTTP: the front door's URL.
    pub url: Option<String>,
    /// HTTP: the healthy status [default: 200].
    pub status: Option<u16>,
    /// HTTP: a JSON pointer into the answer and the value it must have.
    pub json: Option<JsonEquals>,
    /// TCP: `host:port` that must accept.
    pub tcp: Option<String>,
    /// Command: argument vector that must exit with 0.
    pub command: Option<Vec<String>>,
    /// Where an answer names its version.
    pub version: Option<Version>,
    /// Between two probes [default: 2s].
    pub interval: Option<HumanDuration>,
    /// One probe's limit [default: 2s].
    pub timeout: Option<HumanDuration>,
    /// Successes in a row [default: 3].
    pub successes: Option<u32>,
    /// For all of them [default: 120s].
    pub deadline: Option<HumanDuration>,
    /// How long it must stay healthy [default: 60s].
    pub soak: Option<HumanDuration>,
    /// Share of failed samples that the soak allows, 0.0 to 1.0 [default: 0.0].
    pub max_error_rate: Option<f64>,
    /// Limit for the 95th percentile of latency, in milliseconds.
    pub max_p95_ms: Option<f64>,
}

/// A JSON pointer and its value.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JsonEquals {
    /// RFC 6901 pointer, such as `/status`.
    pub pointer: String,
    /// The text that must stand there.
    pub equals: String,
}

/// Where an answer names its version: one of the two.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Version {
    /// A header of the health URL's answer.
    Header(String),
    /// A path on the same host whose answer names the commit or the digest; after a `#`, the JSON pointer to the field that does.
    Json(String),
}

/// `[rollout.waits]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct Waits {
    /// For the new instance by its own address [default: 60s].
    pub stage: Option<HumanDuration>,
    /// For requests in flight on the old one [default: 30s].
    pub drain: Option<HumanDuration>,
    /// Between SIGTERM and SIGKILL [default: 10s].
    pub stop: Option<HumanDuration>,
    /// For another deployer's lock [default: 0s].
    pub lock: Option<HumanDuration>,
    /// command: for `deploy` to end; kubernetes and swarm: for the new pods or tasks to have taken over [default: 10m].
    pub deploy: Option<HumanDuration>,
    /// command: for `rollback` or `stop` to end; kubernetes and swarm: for the old pods or tasks to be back [default: 10m].
    pub rollback: Option<HumanDuration>,
    /// compose: for an image to be pulled [default: 10m].
    pub pull: Option<HumanDuration>,
    /// compose: for each of `before` and `after` to end [default: 10m].
    pub job: Option<HumanDuration>,
    /// command: for `observe` to end [default: 30s].
    pub observe: Option<HumanDuration>,
}
