//! Which program builds: the one that was asked for, else the first that is here.

use super::buildah::Buildah;
use super::buildkit::Buildkit;
use super::request::Engine;
use crate::io::environment;
use crate::io::process::Program;
use crate::model::excused::Excused as _;
use crate::model::plan::DockerfileBuilder;
use crate::model::visible::shortened;
use crate::stage::build::{BuildError, DockerfileError};

/// What names an engine to docker's command line.
const NAMES_ENGINE: [&str; 2] = ["DOCKER_HOST", "DOCKER_CONTEXT"];

/// A Docker Engine that answers, else buildah where it is installed. An engine that somebody names is meant: where it does not answer, nothing else
/// takes its place.
///
/// # Errors
/// [`DockerfileError::NoEngine`].
pub(in crate::stage::build::dockerfile) fn choose(asked: Option<DockerfileBuilder>) -> Result<Box<dyn Engine>, BuildError> {
    let mut reasons = Vec::new();
    if asked != Some(DockerfileBuilder::Buildah) {
        match Buildkit::find() {
            Ok(found) => return Ok(Box::new(found)),
            Err(reason) => reasons.push(reason),
        }
    }
    if asked.is_none()
        && let Some(named) = named_by()
    {
        reasons.push(format!(
            "{named} names an engine, so that buildah was not taken instead: unset it, or write `using = \"buildah\"`"
        ));
        return Err(DockerfileError::NoEngine { reasons }.into());
    }
    if asked != Some(DockerfileBuilder::Buildkit) {
        match Buildah::find() {
            Ok(found) => return Ok(Box::new(found)),
            Err(reason) => reasons.push(reason),
        }
    }
    Err(DockerfileError::NoEngine { reasons }.into())
}

/// What names an engine: a variable, or the context that somebody chose with `docker context use`.
#[must_use]
pub fn named_by() -> Option<String> {
    let is_set = |name: &&str| environment::variable(name).is_some_and(|value| !value.is_empty());
    if let Some(name) = NAMES_ENGINE.into_iter().find(is_set) {
        return Some(name.to_owned());
    }
    let shown = Program::new("docker").args(["context", "show"]).stdout();
    let shown = shown.or_none("without docker's command line there is no context")?;
    let context = String::from_utf8_lossy(&shown).trim().to_owned();
    (!matches!(context.as_str(), "" | "default")).then(|| format!("docker's context `{}`", shortened(&context, 100)))
}
