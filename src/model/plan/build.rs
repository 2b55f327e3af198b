//! The build's part of a plan.

use std::path::PathBuf;

use crate::model::commit::Commit;
use crate::model::image_ref::ImageRef;

/// How the image comes to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Builder {
    /// `cargo build`, layered by the gate itself.
    Native {
        /// The cargo package.
        package: String,
        /// The binary target; none when the package has one only.
        bin: Option<String>,
        /// `scratch`, or an image to build upon.
        base: Option<ImageRef>,
        /// Cargo features; `default` stays on unless `no_default_features`.
        features: Vec<String>,
        /// Leaves the default features out.
        no_default_features: bool,
    },
    /// `docker buildx build`, or `docker build` where there is no buildx.
    Buildkit {
        /// The Dockerfile, relative to the root.
        dockerfile: PathBuf,
        /// The build context, relative to the root.
        context: PathBuf,
    },
    /// `buildah build`.
    Buildah {
        /// The Dockerfile, relative to the root.
        dockerfile: PathBuf,
        /// The build context, relative to the root.
        context: PathBuf,
    },
    /// No build: an image that exists.
    Image(ImageRef),
}

impl Builder {
    /// The Dockerfiles that it builds from, relative to the root.
    #[must_use]
    pub fn dockerfiles(&self) -> Vec<PathBuf> {
        match self {
            Self::Buildkit { dockerfile, .. } | Self::Buildah { dockerfile, .. } => vec![dockerfile.clone()],
            Self::Native { .. } | Self::Image(_) => Vec::new(),
        }
    }
}

/// Everything the build stage needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildPlan {
    /// The service's name.
    pub service: String,
    /// Folder of `portcullis.toml`: the source tree.
    pub root: PathBuf,
    /// How.
    pub builder: Builder,
    /// TCP port that the service listens on, written as `EXPOSE` and `PORT`.
    pub port: Option<u16>,
    /// The commit; none where the tree is no git checkout.
    pub commit: Option<Commit>,
    /// Folder that gets the OCI layout.
    pub layout: PathBuf,
    /// Folder for intermediate files (cargo's target folder among them).
    pub work: PathBuf,
    /// No network: `cargo build --offline`, no pulls.
    pub offline: bool,
}
