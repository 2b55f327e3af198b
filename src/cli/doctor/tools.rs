//! The programs that build.

use crate::model::error_chain::chain;
use std::time::Duration;

use super::Check;
use super::native::native;
use super::version::version;
use crate::cli::session::Session;
use crate::io::process::Program;
use crate::model::image_ref::ImageRef;
use crate::model::plan::{BuildSecret, Builder, DockerfileBuild, DockerfileBuilder};
use crate::stage::build::named_by;

/// How long an engine may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
const STAGE: &str = "build";

/// The builder of the configuration, or the one that fits what lies here, with what it needs.
pub(in crate::cli) async fn builders(session: &Session<'_>) -> Vec<Check> {
    let named = session.workspace.config.build.using.is_some();
    // What git says is a check of its own.
    let commit = session.workspace.commit().unwrap_or(None);
    let builder = match session.workspace.build_plan(commit) {
        Ok(plan) => plan.builder,
        Err(error) => return vec![Check::refused("[build]", STAGE, &error)],
    };
    match builder {
        Builder::Native(build) => native(session, &build, named).await,
        Builder::Dockerfile { with, build } => {
            let mut checks = engines(with).await;
            checks.extend(files(session, &build));
            checks
        }
        Builder::Image(image) => vec![existing(&image).await],
    }
}

/// A Docker Engine, or buildah, or either of them.
async fn engines(with: Option<DockerfileBuilder>) -> Vec<Check> {
    let engine = match with {
        Some(DockerfileBuilder::Buildah) => None,
        Some(DockerfileBuilder::Buildkit) | None => Some(docker().await),
    };
    let buildah = match with {
        Some(DockerfileBuilder::Buildkit) => None,
        Some(DockerfileBuilder::Buildah) | None => Some(version("buildah", &["--version"]).await),
    };
    match (engine, buildah) {
        (Some(Ok(said)), _) => vec![Check::there("Docker Engine", STAGE, said), buildx().await],
        (Some(Err(said)), Some(_)) if let Some(name) = named_by() => {
            let said = format!("{said}; {name} names an engine, and buildah does not take its place");
            let next = format!("start that engine, unset {name}, or write [build] using = \"buildah\"");
            vec![Check::missing("Docker Engine", STAGE, said, next).configured(true)]
        }
        (_, Some(Ok(said))) => vec![Check::there("buildah", STAGE, said)],
        (Some(Err(said)), None) => {
            vec![Check::missing("Docker Engine", STAGE, said, "start one, or write [build] using = \"buildah\"").configured(true)]
        }
        (None, Some(Err(said))) => {
            vec![Check::missing("buildah", STAGE, said, "install it (Debian: apt-get install buildah)").configured(true)]
        }
        (Some(Err(docker)), Some(Err(buildah))) => vec![Check::missing(
            "Docker Engine or buildah",
            STAGE,
            format!("{docker}; {buildah}"),
            "the Dockerfile needs one of them: start a Docker Engine, or install buildah",
        )],
        (None, None) => Vec::new(),
    }
}

async fn docker() -> Result<String, String> {
    let client = version("docker", &["--version"]).await?;
    let asked = Program::new("docker").args(["version"]).status_within(PATIENCE).await;
    match asked {
        Ok(Some(status)) if status.success() => Ok(format!("{client}, and its engine answers")),
        Ok(Some(_)) => Err(format!("{client}, but no engine answers: `docker version` says why")),
        Ok(None) => Err(format!("{client}, but its engine does not answer within {} s", PATIENCE.as_secs())),
        Err(error) => Err(chain(&error)),
    }
}

async fn buildx() -> Check {
    match version("docker", &["buildx", "version"]).await {
        Ok(said) => Check::there("buildx", STAGE, said),
        Err(said) => Check::missing(
            "buildx",
            STAGE,
            said,
            "docker from 23 on builds through it: install docker-buildx; an older engine builds without",
        ),
    }
}

/// What the Dockerfile's build reads.
fn files(session: &Session<'_>, build: &DockerfileBuild) -> Vec<Check> {
    let workspace = &session.workspace;
    let mut checks = Vec::new();
    let dockerfile = workspace.root.join(&build.dockerfile);
    let name = build.dockerfile.display().to_string();
    checks.push(match dockerfile.is_file() {
        true => Check::there(name, STAGE, "is here"),
        false => Check::missing(name, STAGE, "there is no such file", "correct [build] dockerfile").configured(true),
    });
    for (id, secret) in &build.secrets {
        let (is_there, from) = match secret {
            BuildSecret::Variable(name) => (session.effects.secrets.secret(name).is_some(), format!("${name}")),
            BuildSecret::File(path) => (workspace.root.join(path).is_file(), path.display().to_string()),
        };
        let name = format!("build secret `{id}`");
        checks.push(match is_there {
            true => Check::there(name, STAGE, format!("{from} is set")),
            false => Check::missing(name, STAGE, format!("{from} is not there"), "set it, or correct [build] secrets").configured(true),
        });
    }
    checks
}

/// An image that somebody else built.
async fn existing(image: &ImageRef) -> Check {
    let name = image.to_string();
    let file = match image {
        ImageRef::DockerDaemon(_) => {
            return match docker().await {
                Ok(said) => Check::there(name, STAGE, said),
                Err(said) => Check::missing(name, STAGE, said, "start the Docker Engine that holds it").configured(true),
            };
        }
        ImageRef::Registry { .. } | ImageRef::ContainersStorage(_) => return Check::there(name, STAGE, "is looked for when the gate runs"),
        ImageRef::OciLayout { dir, .. } => dir,
        ImageRef::OciArchive(file) | ImageRef::DockerArchive(file) => file,
        ImageRef::RootFs(dir) => dir,
    };
    match file.exists() {
        true => Check::there(name, STAGE, "is here"),
        false => Check::missing(name, STAGE, "it is not here", "make it first, or correct [build] image").configured(true),
    }
}
