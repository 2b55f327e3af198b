//! The second build, and its comparison with the first.

use super::compare;
use super::compare::Difference;
use crate::io::Effects;
use crate::io::files::FileError;
use crate::io::temporary;
use crate::model::event::Stage;
use crate::model::image::BuiltImage;
use crate::model::plan::BuildPlan;
use crate::stage::build::{BuildError, ImageSource};

/// Builds again and compares.
///
/// # Errors
/// [`BuildError::NotReproducible`]; what a build can end with.
pub(in crate::stage::build) fn check(
    source: &dyn ImageSource,
    plan: &BuildPlan,
    first: &BuiltImage,
    effects: &Effects,
) -> Result<(), BuildError> {
    let beside = crate::io::files::folder_of(&plan.layout);
    let folder = temporary::folder_in(beside).map_err(|source| FileError::Write {
        path: beside.to_owned(),
        source,
    })?;
    effects.note(Stage::Build, format!("{} once; again, from nothing", first.digest.short()));
    let again = BuildPlan {
        layout: folder.path().join("image"),
        work: folder.path().join("work"),
        fresh: true,
        twice: false,
        ..plan.clone()
    };
    let second = source.acquire(&again, effects)?;
    if second.digest == first.digest {
        effects.note(Stage::Build, format!("{} twice: two builds give one digest", first.digest.short()));
        return Ok(());
    }
    let Difference { place, what, cause } = compare::first_difference(first, &second, effects)?;
    Err(BuildError::NotReproducible { place, what, cause })
}
