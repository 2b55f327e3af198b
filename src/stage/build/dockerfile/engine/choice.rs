//! Which program builds: the one that was asked for, else the first that is here.

use super::buildah::Buildah;
use super::buildkit::Buildkit;
use super::request::Engine;
use crate::model::plan::DockerfileBuilder;
use crate::stage::build::{BuildError, DockerfileError};

/// A Docker Engine that answers, else buildah where it is installed.
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
    if asked != Some(DockerfileBuilder::Buildkit) {
        match Buildah::find() {
            Ok(found) => return Ok(Box::new(found)),
            Err(reason) => reasons.push(reason),
        }
    }
    Err(DockerfileError::NoEngine { reasons }.into())
}
