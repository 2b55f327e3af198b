//! The build's part of a plan.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::model::commit::Commit;
use crate::model::image::Platform;
use crate::model::image_ref::ImageRef;

use super::native::NativeBuild;

/// How the image comes to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Builder {
    /// `cargo build`, layered by the gate itself.
    Native(Box<NativeBuild>),
    /// A Dockerfile, built by somebody else's program.
    Dockerfile {
        /// Which program; `None` for the first that is here.
        with: Option<DockerfileBuilder>,
        /// What it is asked for.
        build: DockerfileBuild,
    },
    /// No build: an image that exists.
    Image(ImageRef),
}

/// Who builds a Dockerfile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum DockerfileBuilder {
    /// A Docker Engine: `docker buildx build`, or `docker build` where there is no buildx.
    Buildkit,
    /// `buildah build`, without a daemon.
    Buildah,
}

impl DockerfileBuilder {
    /// As the configuration spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What is asked of the builder of a Dockerfile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DockerfileBuild {
    /// The Dockerfile, relative to the root.
    pub dockerfile: PathBuf,
    /// The build context, relative to the root.
    pub context: PathBuf,
    /// The stage to build; `None` for the last.
    pub target: Option<String>,
    /// Values of `ARG`s. They end up in the image's history.
    pub args: BTreeMap<String, String>,
    /// Secrets of `RUN --mount=type=secret`, by id.
    pub secrets: BTreeMap<String, BuildSecret>,
    /// SSH agents or keys of `RUN --mount=type=ssh`: `default`, `id=path`.
    pub ssh: Vec<String>,
    /// Caches to read: `type=registry,ref=…`.
    pub cache_from: Vec<String>,
    /// Caches to write (`type=registry,ref=…`), in the builder's own words.
    pub cache_to: Vec<String>,
    /// What to build for; empty for the builder's own platform.
    pub platforms: Vec<Platform>,
    /// The network that `RUN` has: `default`, `none`, `host`.
    pub network: Option<String>,
}

/// Where a build's secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildSecret {
    /// A variable of our environment.
    Variable(String),
    /// A file, relative to the root.
    File(PathBuf),
}

impl Builder {
    /// The Dockerfiles that it builds from, relative to the root.
    #[must_use]
    pub fn dockerfiles(&self) -> Vec<PathBuf> {
        match self {
            Self::Dockerfile { build, .. } => vec![build.dockerfile.clone()],
            Self::Native(_) | Self::Image(_) => Vec::new(),
        }
    }
}

/// Everything the build stage needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildPlan {
    /// The service's name: the binary of a native build, the name in provenance.
    pub service: String,
    /// Folder of `portcullis.toml`: the source tree.
    pub root: PathBuf,
    /// Which builder makes the image, or where a finished one is.
    pub builder: Builder,
    /// TCP port that the service listens on, written as `EXPOSE` and `PORT`.
    pub port: Option<u16>,
    /// The commit; none where the tree is no git checkout.
    pub commit: Option<Commit>,
    /// Folder that gets the OCI layout.
    pub layout: PathBuf,
    /// What the gate itself keeps in the source tree (results, layouts, a key, the state of rollouts): never part of an image.
    pub ours: Vec<PathBuf>,
    /// Folder for intermediate files (cargo's target folder among them).
    pub work: PathBuf,
    /// No network: `cargo build --offline`, no pulls.
    pub offline: bool,
    /// Nothing that an earlier build left is used: no caches of layers, no compiled crates.
    pub fresh: bool,
    /// A second build, from nothing, must give the same image.
    pub twice: bool,
}
