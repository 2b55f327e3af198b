//! `[build]`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::native::{Cargo, Container, Files, Link, Linker};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
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
    pub fn as_str(self) -> &'static str {
        self.into()
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
    /// native: several binary targets, each as `/app/NAME`; the first one starts. `member/NAME` for one of another package of the workspace.
    #[serde(default)]
    pub bins: Vec<String>,
    /// native: cargo features.
    #[serde(default)]
    pub features: Vec<String>,
    /// native: leave the default features out.
    #[serde(default)]
    pub no_default_features: bool,
    /// native: `scratch`, or an image by digest.
    pub base: Option<String>,
    /// native: rustc's names of what is built for; several make an index [default: a static target of this machine].
    #[serde(default)]
    pub targets: Vec<String>,
    /// native: `static`, or `dynamic` upon a base that has the loader and the libraries [default: static].
    pub link: Option<Link>,
    /// native: `build`, or `zigbuild` to link for other platforms with zig [default: build].
    pub cargo: Option<Cargo>,
    /// native: the program that links, a name on the PATH or a path; or one for each target.
    pub linker: Option<Linker>,
    /// native: the cargo profile [default: release].
    pub profile: Option<String>,
    /// native: take symbols out of the programs [default: true].
    pub strip: Option<bool>,
    /// native: variables that the compilation sees. They are in the provenance: no place for a secret.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// native: names of variables of the gate's environment that the compilation sees, beside the usual ones; never a secret.
    #[serde(default)]
    pub pass_env: Vec<String>,
    /// native: files and folders of the checkout that lie in the image.
    #[serde(default)]
    pub files: Vec<Files>,
    /// native: how the image is run and what it says of itself.
    pub container: Option<Container>,
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
