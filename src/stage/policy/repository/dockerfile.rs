//! The images that a Dockerfile builds upon or copies from, as evidence.

use std::collections::BTreeMap;

use crate::model::context::DeclaredBase;
use crate::model::coverage::{Gap, GapKind};
use crate::model::dockerfile::{images, parse};
use crate::model::inventory::Location;

/// Every image of somebody else's that a Dockerfile names, with its line, and a gap for what could not be read.
///
/// `ARG`s before the first `FROM` that are given or have a default are filled in; what neither decides stays as written (`${BASE}`).
#[must_use]
pub fn base_images(path: &str, text: &str, given: &BTreeMap<String, String>) -> (Vec<DeclaredBase>, Vec<Gap>) {
    let file = parse(text);
    let (images, unclear) = images(&file, given);
    let at = |line| Location {
        line: Some(line),
        ..Location::path(path)
    };
    let images = images.into_iter().map(|image| DeclaredBase {
        location: at(image.line),
        image: image.name,
    });
    let gaps = file.problems.into_iter().chain(unclear).map(|problem| Gap {
        kind: GapKind::UnreadableDockerfile,
        subject: path.to_owned(),
        detail: format!("line {}: {}", problem.line, problem.what),
        location: Some(at(problem.line)),
    });
    (images.collect(), gaps.collect())
}
