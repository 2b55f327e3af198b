//! buildah: no daemon, also without root.

use std::path::Path;

use super::super::failure;
use super::super::progress::{self, Heard, Steps};
use super::request::{Engine, Request, Stored};
use super::saved::Temporary;
use crate::io::archive;
use crate::io::process::{ProcessError, Program, begun};
use crate::model::event::Stage;
use crate::model::plan::DockerfileBuilder;
use crate::stage::build::BuildError;

/// buildah that is installed.
pub(super) struct Buildah {
    version: String,
}

impl Buildah {
    /// Asks for its version.
    ///
    /// # Errors
    /// Why it cannot be used, in a few words.
    pub(super) fn find() -> Result<Self, String> {
        let said = Program::new("buildah").args(["--version"]).stdout().map_err(|error| match error {
            ProcessError::Start { .. } => "buildah is not installed".to_owned(),
            ProcessError::Failed { tail, .. } => format!("buildah does not work ({})", tail.lines().last().unwrap_or_default()),
        })?;
        let said = String::from_utf8_lossy(&said).into_owned();
        let version = said.split_whitespace().nth(2).unwrap_or("of unknown version").to_owned();
        Ok(Self { version })
    }

    /// Layers of earlier builds are not used: which layers are this build's is told by their dates.
    fn command(request: &Request<'_>, name: &str) -> Result<Program, BuildError> {
        let program = Program::new("buildah")
            // The format of OCI has no health checks.
            .args(["build", "--format=docker", "--layers=false", "--no-cache", "--ignorefile"])
            .args([request.dockerfile.with_extension("ignore")])
            .args([format!("--tag={name}")])
            .args(request.plan.offline.then_some("--pull=never"))
            .env("SOURCE_DATE_EPOCH", request.epoch.to_string())
            .args(["--build-arg".to_owned(), format!("SOURCE_DATE_EPOCH={}", request.epoch)]);
        Ok(request.common(program)?.args([request.context]))
    }
}

impl Engine for Buildah {
    fn name(&self) -> (DockerfileBuilder, String) {
        (DockerfileBuilder::Buildah, self.version.clone())
    }

    fn uses_its_cache(&self) -> bool {
        false
    }

    /// Nothing of it is asked: it takes no step of an earlier build.
    fn stored(&self, _: &str) -> Option<Stored> {
        None
    }

    fn build(&self, request: &Request<'_>, steps: Steps, archive: &Path) -> Result<Steps, BuildError> {
        let image = Temporary::new(
            archive::Engine::ContainersStorage,
            format!("localhost/portcullis-build:{}", request.unique),
        );
        let heard = Heard::new(Box::new(progress::Buildah::default()), steps);
        let once = || {
            let program = Self::command(request, image.name())?;
            Ok(program.lines(&request.effects.cancelled, |line| heard.line(line), |line| heard.line(line)))
        };
        let did_not = |done: &Result<_, BuildError>| {
            let again = matches!(done, Ok(Err(_))) && !request.effects.is_cancelled() && heard.did_not_begin();
            if again {
                let what = "buildah could not start itself (the kernel was busy): building again";
                request.effects.warn(Stage::Build, what);
                heard.anew(Box::new(progress::Buildah::default()));
            }
            again
        };
        let done = begun(once, did_not)?;
        let mut steps = heard.steps();
        for name in request.images {
            let question = ["inspect", "--type", "image", "--format", "{{.FromImageDigest}}", "--", name];
            // An image that is not in the store has no digest there: a stage that was not built names it, or `scratch`.
            if let Ok(said) = Program::new("buildah").args(question).stdout() {
                let digest = String::from_utf8_lossy(&said).trim().to_owned();
                if digest.starts_with("sha256:") {
                    steps.resolved(name, &digest);
                }
            }
        }
        match done {
            Ok(()) => begun(
                || image.save(archive, request.effects),
                |saved| matches!(saved, Err(BuildError::Engine(error)) if error.did_not_begin()),
            )?,
            Err(error) => return Err(failure::explain(request, &steps, "buildah", &error)),
        }
        Ok(steps)
    }
}
