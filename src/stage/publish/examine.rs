//! A verification line by line, and what stands beside the verdict.

use super::checks::{Checks, Examination};
use super::{Expectation, further_checks, verify};
use crate::io::Effects;
use crate::model::image_ref::ImageRef;

pub(super) async fn examine(image: &ImageRef, expected: &Expectation<'_>, effects: &Effects) -> Examination {
    let mut checks = Checks::default();
    let result = verify::check(image, expected, effects, &mut checks).await;
    if let Ok(attested) = &result {
        further_checks::look(attested, expected, effects, &mut checks).await;
    }
    Examination {
        checks: checks.finish(result.as_ref().err()),
        result,
    }
}
