//! The image of a plan, from the source that the plan names.

use super::error::BuildError;
use super::image_source::ImageSource;
use super::note::Note;
use super::{dockerfile, image, native, twice};
use crate::io::Effects;
use crate::model::image::BuiltImage;
use crate::model::plan::{BuildPlan, Builder};

/// Builds as the plan says, and notes whose image it is. Blocking.
///
/// # Errors
/// [`BuildError`].
pub fn build(plan: &BuildPlan, effects: &Effects) -> Result<BuiltImage, BuildError> {
    let source: &dyn ImageSource = match &plan.builder {
        Builder::Native(_) => &native::Native,
        Builder::Dockerfile { .. } => &dockerfile::Dockerfile,
        Builder::Image(_) => &image::Image,
    };
    let built = source.acquire(plan, effects).and_then(|image| {
        if plan.twice {
            twice::check(source, plan, &image, effects)?;
        }
        Note::write(plan, &image)?;
        Ok(image)
    });
    built.map_err(|error| match error.is_of_a_full_disk() {
        true => BuildError::DiskFull {
            folder: plan.layout.clone(),
        },
        false => error,
    })
}
