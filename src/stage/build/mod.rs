//! Takes a `BuildPlan`. Gives a `BuiltImage` in an OCI layout of the gate's own. Never gives a digest that it did not compute itself.

mod assembly;
mod canonical;
mod cause;
mod dockerfile;
mod dockerfile_error;
mod error;
mod image;
mod image_source;
mod native;
mod target;
mod twice;

pub use image_source::ImageSource;

pub use cause::Cause;
pub use dockerfile::{ignored, named_by};
pub use dockerfile_error::DockerfileError;
pub use error::BuildError;

use crate::io::Effects;
use crate::model::image::BuiltImage;
use crate::model::plan::{BuildPlan, Builder};

/// Builds as the plan says. Blocking.
///
/// # Errors
/// [`BuildError`].
pub fn build(plan: &BuildPlan, effects: &Effects) -> Result<BuiltImage, BuildError> {
    let source: &dyn ImageSource = match &plan.builder {
        Builder::Native { .. } => &native::Native,
        Builder::Dockerfile { .. } => &dockerfile::Dockerfile,
        Builder::Image(_) => &image::Image,
    };
    let built = source.acquire(plan, effects).and_then(|image| {
        if plan.twice {
            twice::check(source, plan, &image, effects)?;
        }
        Ok(image)
    });
    built.map_err(|error| match error.is_of_a_full_disk() {
        true => BuildError::DiskFull {
            folder: plan.layout.clone(),
        },
        false => error,
    })
}
