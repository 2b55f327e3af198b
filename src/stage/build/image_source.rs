//! What every builder fulfils.

use super::BuildError;
use crate::io::Effects;
use crate::model::image::BuiltImage;
use crate::model::plan::BuildPlan;

/// A way to come by an image.
pub trait ImageSource: Sync {
    /// Makes the image and puts it into `plan.layout`, as the only one there. Blocking.
    ///
    /// # Errors
    /// [`BuildError`]; nothing half written stays in `plan.layout`.
    fn acquire(&self, plan: &BuildPlan, effects: &Effects) -> Result<BuiltImage, BuildError>;
}
