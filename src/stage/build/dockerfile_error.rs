//! Why a Dockerfile gave no image.

use std::path::PathBuf;

use crate::model::exit_kind::ExitKind;

/// Why a Dockerfile gave no image.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum DockerfileError {
    /// Nobody here builds Dockerfiles.
    #[error("there is nothing here to build a Dockerfile with: {}", reasons.join("; "))]
    #[diagnostic(
        code(build::no_engine),
        help(
            "three ways out: start a Docker Engine and install docker's buildx (or point DOCKER_HOST or a docker context at an engine) \u{b7} install buildah, which needs no daemon, and set `[build] using = \"buildah\"` \u{b7} build the image elsewhere and judge it with `[build] using = \"image\"`, `image = \"oci:DIR\"` or `\"docker-archive:FILE\"`"
        )
    )]
    NoEngine {
        /// Why, for each builder that was looked for.
        reasons: Vec<String>,
    },
    /// There is no Dockerfile, or no context, where one should be.
    #[error("there is no {what} at {}", path.display())]
    #[diagnostic(
        code(build::no_dockerfile),
        help("`[build] dockerfile` and `context` name them, relative to portcullis.toml; without them it is `Dockerfile` beside it")
    )]
    NoDockerfile {
        /// `Dockerfile`, or `folder for the build context`.
        what: &'static str,
        /// Where it should be.
        path: PathBuf,
    },
    /// The Dockerfile is refused.
    #[error("{place} cannot be built: {reason}")]
    #[diagnostic(code(build::dockerfile), help("no image was made: correct the line, and build again"))]
    Refused {
        /// `Dockerfile:7`.
        place: String,
        /// What the builder says.
        reason: String,
    },
    /// An image that the Dockerfile names could not be had.
    #[error("a base image could not be pulled ({place}): {reason}")]
    #[diagnostic(
        code(build::base_image),
        help("is the name right, does the registry answer, and is the builder logged in to it (`docker login`)?")
    )]
    BaseImage {
        /// `Dockerfile:1`.
        place: String,
        /// What the builder says.
        reason: String,
    },
    /// A step of the Dockerfile failed.
    #[error("the step `{step}` failed ({place}): {reason}{}", below(tail))]
    #[diagnostic(code(build::step), help("nothing was judged: correct the step, and build again"))]
    Step {
        /// The step, as the builder shows it.
        step: String,
        /// `Dockerfile:7`.
        place: String,
        reason: String,
        /// The end of what it wrote.
        tail: String,
    },
    /// The builder could not start a step's command, or did not hear how it ended.
    #[error("the builder could not run the step `{step}` ({place}): {reason}{}", below(tail))]
    #[diagnostic(
        code(build::engine),
        help(
            "nothing was judged, and the step is not known to be wrong: look at the builder (its disk, its network, its log), and build again"
        )
    )]
    NotRun {
        /// The step, as the builder shows it.
        step: String,
        /// `Dockerfile:7`.
        place: String,
        reason: String,
        /// The end of what it wrote.
        tail: String,
    },
    /// The builder of the Dockerfile did not do its work.
    #[error("{builder} gave no image{}", below(tail))]
    #[diagnostic(code(build::builder))]
    Builder {
        /// `docker buildx`, `buildah`.
        builder: &'static str,
        /// The end of what it wrote.
        tail: String,
    },
    /// The build wants an SSH agent or a key, and there is none.
    #[error("`[build] ssh` asks for {what}, {reason}")]
    #[diagnostic(
        code(build::ssh),
        help("start one and add a key (`eval $(ssh-agent)`, `ssh-add`), or name a key's file: `ssh = [\"default=KEYFILE\"]`")
    )]
    NoAgent {
        /// `the SSH agent`.
        what: &'static str,
        /// `and SSH_AUTH_SOCK is not set`.
        reason: String,
    },
    /// buildah builds from nothing, and has no use for a cache.
    #[error("`[build] {key}` is for a Docker Engine: buildah is asked for builds from nothing")]
    #[diagnostic(code(build::cache), help("leave it out, or build with `using = \"buildkit\"`"))]
    NoCaches {
        /// `cache_from`, `cache_to`.
        key: &'static str,
    },
    /// A step wrote a secret of the build into the image.
    #[error("the build's secret `{id}` is in the image: {place} holds its value")]
    #[diagnostic(
        code(build::leak),
        help("whoever has the image has the secret: use it in the step alone, and replace it; nothing was published")
    )]
    Leaked {
        id: String,
        /// The path in the image, or `its configuration`.
        place: String,
    },
    /// The image could not be started on the platform that it is for.
    #[error("{path} is for {machine}, and the image is to be for {platform}: it would not start there")]
    #[diagnostic(
        code(build::other_machine),
        help(
            "a base of one platform serves no other, whatever `platforms` says: name a base that has {platform} (an index), or build what it starts for {platform} (`FROM --platform=$BUILDPLATFORM` and $TARGETARCH)"
        )
    )]
    OtherMachine {
        /// In the image.
        path: String,
        /// `amd64`.
        machine: String,
        /// `linux/arm64`.
        platform: String,
    },
    /// The engine cannot write the cache that is asked for.
    #[error("the engine cannot write what `[build] cache_to` asks for: {reason}")]
    #[diagnostic(
        code(build::cache_export),
        help("leave it out, take another builder (`docker buildx create --use`), or turn on the engine's containerd image store")
    )]
    NoCacheExport { reason: String },
    /// A secret of the build is not there.
    #[error("the build's secret `{id}` is not there: {reason}")]
    #[diagnostic(
        code(build::secret),
        help("`[build.secrets]` names a variable (`id = \"env:NAME\"`) or a file (`id = \"path\"`)")
    )]
    Secret {
        id: String,
        /// What is wrong: never the secret.
        reason: String,
    },
}

impl DockerfileError {
    pub(super) fn leaked(id: &str, place: &str) -> Self {
        Self::Leaked {
            id: id.to_owned(),
            place: crate::model::visible::visible_lines(place),
        }
    }

    /// How the run ends.
    #[must_use]
    pub fn exit_kind(&self) -> ExitKind {
        match self {
            Self::NoDockerfile { .. }
            | Self::Refused { .. }
            | Self::Secret { .. }
            | Self::NoAgent { .. }
            | Self::NoCaches { .. }
            | Self::NoCacheExport { .. }
            | Self::OtherMachine { .. } => ExitKind::Usage,
            // No image, no verdict: not the user's flags, and not a finding either.
            Self::Step { .. } | Self::NotRun { .. } | Self::Builder { .. } | Self::Leaked { .. } => ExitKind::Undecidable,
            Self::NoEngine { .. } | Self::BaseImage { .. } => ExitKind::Unreachable,
        }
    }
}

/// Lines below a message, where there are any.
fn below(tail: &str) -> String {
    if tail.is_empty() { String::new() } else { format!("\n{tail}") }
}
