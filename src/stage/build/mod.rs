//! Takes a `BuildPlan`. Gives a `BuiltImage` in an OCI layout of the gate's own. Never gives a digest that it did not compute itself.

use crate::io::Effects;
use crate::model::fault::Fault;
use crate::model::image::BuiltImage;
use crate::model::plan::BuildPlan;

/// A way to come by an image.
pub trait ImageSource: Sync {
    /// Makes the image and puts it into `plan.layout`. Blocking.
    ///
    /// # Errors
    /// [`BuildError`]; nothing half written stays in `plan.layout`.
    fn acquire(&self, plan: &BuildPlan, effects: &Effects) -> Result<BuiltImage, BuildError>;
}

/// Why there is no image.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum BuildError {}

impl BuildError {
    /// How the run ends.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match *self {}
    }
}

/// Builds as the plan says. Blocking.
///
/// # Errors
/// [`BuildError`].
pub fn build(plan: &BuildPlan, effects: &Effects) -> Result<BuiltImage, BuildError> {
    let _ = (plan, effects);
    todo!("build")
}
