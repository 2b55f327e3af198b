//! `portcullis.toml`: what it may say. Parsed strictly; `wiring` turns it into plans.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::human_duration::HumanDuration;
use crate::model::passed_over::Exclusion;

/// The whole file.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "portcullis.toml")]
pub struct Config {
    /// The service.
    #[serde(default)]
    pub service: Service,
    /// How its image is built.
    #[serde(default)]
    pub build: Build,
    /// Where its image goes.
    #[serde(default)]
    pub image: Image,
    /// Advisory data.
    #[serde(default)]
    pub feeds: Feeds,
    /// Policy and waivers.
    #[serde(default)]
    pub policy: PolicyFiles,
    /// What of the source tree is looked into.
    #[serde(default)]
    pub inventory: Inventory,
    /// Signing.
    #[serde(default)]
    pub sign: Sign,
    /// What holds on GitHub only.
    #[serde(default)]
    pub github: GitHub,
    /// Rolling out; without this table the gate ends after publishing.
    pub rollout: Option<Rollout>,
}

/// `[service]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Name of the service [default: the folder's name].
    pub name: Option<String>,
}

/// How the image is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Using {
    /// Cargo, layered by the gate.
    Native,
    /// A Dockerfile, by a Docker Engine.
    Buildkit,
    /// A Dockerfile, by buildah, without a daemon.
    Buildah,
    /// An image that exists.
    Image,
}

/// The network of a Dockerfile's steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// The builder's own.
    Default,
    /// None.
    None,
    /// The machine's.
    Host,
}

impl Network {
    /// As builders spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::None => "none",
            Self::Host => "host",
        }
    }
}

/// `[build]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct Build {
    /// Which builder [default: `native` beside a Cargo.toml; else, beside a Dockerfile, `buildkit` where an engine answers, or `buildah`].
    #[serde(alias = "builder")]
    pub using: Option<Using>,
    /// native: the cargo package [default: the service's name].
    pub package: Option<String>,
    /// native: the binary target, where the package has several.
    pub bin: Option<String>,
    /// native: cargo features.
    #[serde(default)]
    pub features: Vec<String>,
    /// native: leave the default features out.
    #[serde(default)]
    pub no_default_features: bool,
    /// native: `scratch`, or an image by digest.
    pub base: Option<String>,
    /// TCP port that the service listens on.
    pub port: Option<u16>,
    /// buildkit, buildah: the Dockerfile [default: `Dockerfile`, or `Containerfile`].
    #[serde(alias = "file")]
    pub dockerfile: Option<PathBuf>,
    /// buildkit, buildah: the folder that is sent to the builder [default: `.`].
    pub context: Option<PathBuf>,
    /// buildkit, buildah: the stage to build [default: the last].
    pub target: Option<String>,
    /// buildkit, buildah: values of `ARG`s. They stay in the image's history: no place for a secret.
    #[serde(default)]
    pub args: BTreeMap<String, String>,
    /// buildkit, buildah: secrets of `RUN --mount=type=secret`, by id: `env:NAME`, or a file.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    /// buildkit, buildah: SSH agents or keys of `RUN --mount=type=ssh`: `default`, `id=path`.
    #[serde(default)]
    pub ssh: Vec<String>,
    /// buildkit, buildah: caches to read, such as `type=gha`, `type=registry,ref=HOST/NAME`, `type=local,src=DIR`.
    #[serde(default)]
    pub cache_from: Vec<String>,
    /// buildkit, buildah: caches to write.
    #[serde(default)]
    pub cache_to: Vec<String>,
    /// buildkit, buildah: platforms, such as `linux/amd64`; several make an index [default: the builder's own].
    #[serde(default)]
    pub platforms: Vec<String>,
    /// buildkit, buildah: the network of `RUN` steps: `default`, `none` or `host`.
    pub network: Option<Network>,
    /// image: which one: `oci:DIR`, `oci-archive:FILE`, `docker-archive:FILE`, `docker-daemon:REF`, `registry:REF@sha256:…`.
    pub image: Option<String>,
}

/// `[image]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct Image {
    /// `host/path`, or `oci:DIR` [default: `oci:` and the image folder in the output folder].
    pub repository: Option<String>,
    /// Further places that get the same, each `host/path` or `oci:DIR`: no tag is set anywhere before all of them have image and verdict.
    #[serde(default)]
    pub also: Vec<String>,
    /// Tag templates: `{sha}`, `sha-{short}`, `{semver}` and `{git-tag}` (of annotated git tags at the commit; none without one), and
    /// `{branch}-{sha}` where the policy allows it [default: `{sha}`].
    pub tags: Option<Vec<String>>,
    /// Allow plain HTTP beyond loopback.
    #[serde(default)]
    pub plain_http: bool,
}

/// `[feeds]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct Feeds {
    /// OSV export: URL or folder.
    pub osv: Option<String>,
    /// RustSec's own database: folder, tarball or git URL.
    pub rustsec: Option<String>,
    /// CISA KEV JSON: URL or file.
    pub kev: Option<String>,
    /// EPSS CSV: URL or file.
    pub epss: Option<String>,
    /// crates.io's index, for yanked releases and what releases need: `cargo` (its own copy on this machine), `off`, or a sparse index's URL
    /// such as `sparse+https://HOST/index/` [default: cargo].
    pub crates_index: Option<String>,
    /// Oldest data that counts [default: 24h].
    pub max_age: Option<HumanDuration>,
}

/// `[policy]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct PolicyFiles {
    /// Policy document [default: the embedded one].
    pub document: Option<PathBuf>,
    /// Waiver file [default: `policies/waivers.toml` where it exists].
    pub waivers: Option<PathBuf>,
    /// VEX documents (OpenVEX or CycloneDX VEX); they count where the policy trusts their author.
    #[serde(default)]
    pub vex: Vec<PathBuf>,
}

/// `[inventory]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct Inventory {
    /// What `check`, `scan` and `sbom` leave out of a source tree. A policy may forbid it: `[require] exclusions = false`.
    #[serde(default)]
    pub exclude: Vec<Exclusion>,
}

/// `[sign]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct Sign {
    /// `env:NAME`, a PEM file, or `local:FILE` for a key pair that is made on first use.
    pub key: Option<String>,
    /// Also write cosign's `.sig` and `.att` tags, for admission controllers that look for them.
    #[serde(default)]
    pub legacy: bool,
}

/// Events behind which there may be a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PullEvent {
    /// `pull_request`
    PullRequest,
    /// `pull_request_target`
    PullRequestTarget,
    /// `pull_request_review`
    PullRequestReview,
    /// `pull_request_review_comment`
    PullRequestReviewComment,
    /// `workflow_run` after one of these.
    WorkflowRun,
    /// `issue_comment` on a pull request.
    IssueComment,
}

impl PullEvent {
    /// GitHub's name of it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PullRequest => "pull_request",
            Self::PullRequestTarget => "pull_request_target",
            Self::PullRequestReview => "pull_request_review",
            Self::PullRequestReviewComment => "pull_request_review_comment",
            Self::WorkflowRun => "workflow_run",
            Self::IssueComment => "issue_comment",
        }
    }
}

/// `[github]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct GitHub {
    /// Events of pull requests for which images are published and rolled out all the same [default: none].
    #[serde(default)]
    pub publish_on: Vec<PullEvent>,
}

/// The rollout's target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// Local processes behind `portcullis switch`.
    Process,
    /// Commands of your own.
    Command,
    /// A service of a Compose file.
    Compose,
    /// A Deployment or StatefulSet of a cluster.
    Kubernetes,
}

impl Target {
    /// Its name in the configuration.
    pub(in crate::cli) const fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Command => "command",
            Self::Compose => "compose",
            Self::Kubernetes => "kubernetes",
        }
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
    /// `portcullis switch`.
    Switch,
}

/// `[rollout.front]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct Front {
    /// Which one.
    pub kind: FrontKind,
    /// nginx: the file with the upstream, which its configuration includes and which is written from here alone.
    pub file: Option<PathBuf>,
    /// nginx: the upstream's name [default: the service's].
    pub upstream: Option<String>,
    /// nginx: tests the configuration; an argument vector [default: `nginx -t`].
    pub test: Option<Vec<String>>,
    /// nginx: makes it read the configuration anew [default: `nginx -s reload`].
    pub reload: Option<Vec<String>>,
    /// caddy: the admin address [default: 127.0.0.1:2019].
    pub admin: Option<SocketAddr>,
    /// caddy: the `@id` of the `reverse_proxy` handler.
    pub id: Option<String>,
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
    /// compose: the engine, `unix:///run/docker.sock` [default: `DOCKER_HOST`, then the current Docker context].
    pub docker_host: Option<String>,
    /// compose: what leads requests to the instances.
    pub front: Option<Front>,
    /// How old the signed verdict may be that `portcullis rollout` goes by [default: 14d].
    pub max_verdict_age: Option<HumanDuration>,
    /// What "it serves" means.
    pub health: Health,
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
    /// command: for `deploy` to end; kubernetes: for the new pods to have taken over [default: 10m].
    pub deploy: Option<HumanDuration>,
    /// command: for `rollback` or `stop` to end; kubernetes: for the old pods to be back [default: 10m].
    pub rollback: Option<HumanDuration>,
    /// compose: for an image to be pulled [default: 10m].
    pub pull: Option<HumanDuration>,
    /// command: for `observe` to end [default: 30s].
    pub observe: Option<HumanDuration>,
}
