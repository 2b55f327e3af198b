//! Takes a `BuildPlan`. Gives a `BuiltImage` in an OCI layout of the gate's own. Never gives a digest that it did not compute itself.

mod assembly;
mod error;
mod image;
mod image_source;
mod native;

pub use image_source::ImageSource;

pub use error::BuildError;

use crate::io::Effects;
use crate::model::image::BuiltImage;
use crate::model::plan::{BuildPlan, Builder};

/// Builds as the plan says. Blocking.
///
/// # Errors
/// [`BuildError`].
pub fn build(plan: &BuildPlan, effects: &Effects) -> Result<BuiltImage, BuildError> {
    source(&plan.builder)?.acquire(plan, effects)
}

fn source(builder: &Builder) -> Result<&'static dyn ImageSource, BuildError> {
    let missing = |what: &str, help: &str| {
        Err(BuildError::Unavailable {
            what: what.to_owned(),
            help: help.to_owned(),
        })
    };
    let instead = "build the image yourself and judge it: `[build] using = \"image\"`, `image = \"oci:DIR\"` or `\"docker-archive:FILE\"`";
    match builder {
        Builder::Native { .. } => Ok(&native::Native),
        Builder::Image(_) => Ok(&image::Image),
        Builder::Buildkit { .. } => missing("the BuildKit builder", instead),
        Builder::Buildah { .. } => missing("the buildah builder", instead),
    }
}
