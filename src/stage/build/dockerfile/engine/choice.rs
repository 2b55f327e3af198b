//! Which program builds: the one that was asked for, else the first that is here.

use super::buildah::Buildah;
use super::buildkit::Buildkit;
use super::request::Engine;
use crate::io::environment;
use crate::model::plan::DockerfileBuilder;
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
    let is_set = |name: &&&str| environment::variable(name).is_some_and(|value| !value.is_empty());
    if let (None, Some(name)) = (asked, NAMES_ENGINE.iter().find(is_set)) {
        reasons.push(format!(
            "{name} names an engine, so that buildah was not taken instead: unset it, or write `using = \"buildah\"`"
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
