//! Tables and lists of `[build]` that are the native builder's alone.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::human_duration::HumanDuration;

/// How programs are linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// They need nothing but the kernel.
    Static,
    /// They find a loader and libraries in the base.
    Dynamic,
}

/// The cargo command that compiles and links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cargo {
    /// `cargo build`.
    Build,
    /// `cargo zigbuild`.
    Zigbuild,
}

/// The program that links: of every target, or of each by its name.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected the name or path of a program, or a table of one for each target")]
pub enum Linker {
    /// A name on the PATH, or a path.
    Every(String),
    /// The same, by rustc's name of the target.
    Each(BTreeMap<String, String>),
}

/// `files = [{ from = "assets", to = "/app/assets" }]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// A file or a folder of the checkout, relative to portcullis.toml.
    pub from: String,
    /// Where it lies in the image: an absolute path; for a folder, that of its content.
    pub to: String,
    /// Mode of each file, such as "0644" [default: 0755 where the owner may execute it, else 0644].
    pub mode: Option<String>,
    /// What git ignores (built assets) is put in as well [default: false].
    #[serde(default)]
    pub ignored: bool,
}

/// `[build.container]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// The program that starts, one of `bins` [default: the first].
    pub entrypoint: Option<String>,
    /// Its arguments.
    #[serde(default)]
    pub cmd: Vec<String>,
    /// Variables of the service. They are in the image for everybody to read: no place for a secret.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Labels beside the builder's own.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// `uid:gid`, or a name of the base [default: 65532:65532, or the base's where that is not root].
    pub user: Option<String>,
    /// The folder that it starts in: an absolute path [default: /].
    pub workdir: Option<String>,
    /// How an engine sees that it works.
    pub healthcheck: Option<HealthCheck>,
}

/// `[build.container] healthcheck`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthCheck {
    /// A program of the image and its arguments; there is no shell.
    pub test: Vec<String>,
    /// Between two checks [default: the engine's].
    pub interval: Option<HumanDuration>,
    /// How long one may take [default: the engine's].
    pub timeout: Option<HumanDuration>,
    /// How long after the start failures do not count [default: the engine's].
    pub start_period: Option<HumanDuration>,
    /// How many failures in a row are one [default: the engine's].
    pub retries: Option<u32>,
}
