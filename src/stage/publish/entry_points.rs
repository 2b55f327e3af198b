//! To publish an image, and to ask what was published.

use super::attested::Attested;
use super::checks::Examination;
use super::error::PublishError;
use super::evidence::{Content, SignedEvidence};
use super::expectation::Expectation;
use super::predicate::Predicate;
use super::push;
use crate::io::Effects;
use crate::model::image_ref::ImageRef;
use crate::model::outcome::Publication;
use crate::model::plan::{Destination, KeySource, PublishPlan};
use crate::stage::policy::Cleared;

/// Pushes the image by digest, signs the verdict, the build's provenance and the predicates, attaches them, reads all of it back, and only then
/// tags it: whenever it ends, no tag is without a verdict.
/// Where the same verdict (give or take its times) was attested by this key within the last hour, nothing is sent.
///
/// # Errors
/// [`PublishError`]; a tag that exists with another digest is one.
pub async fn publish(
    cleared: Cleared,
    predicates: &[Predicate],
    plan: &PublishPlan,
    effects: &Effects,
) -> Result<(Attested, Publication), PublishError> {
    push::publish(&cleared, predicates, plan, effects).await
}

/// Fetches the attestations of an image and checks signature, subject, verdict, policy and age.
///
/// # Errors
/// [`PublishError`] naming what does not hold.
pub async fn verify(image: &ImageRef, expected: &Expectation<'_>, effects: &Effects) -> Result<Attested, PublishError> {
    super::verify::verify(image, expected, effects).await
}

/// Checks what [`verify`] checks, and gives each check with its reason; then tells what stands beside the verdict.
pub async fn examine(image: &ImageRef, expected: &Expectation<'_>, effects: &Effects) -> Examination {
    super::examine::examine(image, expected, effects).await
}

/// Fetches the newest cleared verdict on an image with its findings and its inventory, and checks what [`verify`] checks, and that each is the
/// one that the signed summary names by digest.
///
/// # Errors
/// [`PublishError`] naming what does not hold or is not there.
pub async fn evidence(image: &ImageRef, expected: &Expectation<'_>, effects: &Effects) -> Result<SignedEvidence, PublishError> {
    super::evidence::evidence(image, expected, effects).await
}

/// Fetches what a key signed of the content of an image: its inventory, else its SBOM.
///
/// # Errors
/// [`PublishError`]; an image of which neither was attested is one.
pub async fn content(image: &ImageRef, key: &KeySource, plain_http: bool, effects: &Effects) -> Result<Content, PublishError> {
    super::evidence::content(image, key, plain_http, effects).await
}

/// Every image that a tag of a repository names (in a layout: every image of its index), by digest, sorted. What no tag names cannot be listed.
///
/// # Errors
/// [`PublishError`] when the repository does not answer.
pub async fn images(repository: &Destination, effects: &Effects) -> Result<Vec<ImageRef>, PublishError> {
    super::evidence::images(repository, effects).await
}
