//! Takes `Cleared`. Gives `Attested`. Never moves an existing SHA tag, never resolves a tag to find out what it published.

use std::path::Path;

use crate::io::Effects;
use crate::model::digest::Digest;
use crate::model::fault::Fault;
use crate::model::image_ref::ImageRef;
use crate::model::outcome::Publication;
use crate::model::plan::{KeySource, PublishPlan};
use crate::model::verdict::Verdict;
use crate::stage::policy::Cleared;

/// A digest in a registry or layout whose cleared verdict was signed or verified. Only this stage makes one.
#[derive(Debug)]
pub struct Attested {
    image: ImageRef,
    digest: Digest,
    verdict: Verdict,
}

impl Attested {
    /// Where the image is, by digest.
    #[must_use]
    pub const fn image(&self) -> &ImageRef {
        &self.image
    }

    /// Its digest.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Its verdict.
    #[must_use]
    pub const fn verdict(&self) -> &Verdict {
        &self.verdict
    }
}

/// Why nothing was published.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum PublishError {}

impl PublishError {
    /// How the run ends.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match *self {}
    }
}

/// A further statement to attach: an SBOM, provenance, VEX.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicate {
    /// in-toto predicate type, a URI.
    pub kind: String,
    /// The predicate.
    pub body: serde_json::Value,
}

/// Pushes the image, tags it, signs the verdict and the predicates, attaches them, and reads all of it back.
///
/// # Errors
/// [`PublishError`]; a tag that exists with another digest is one.
pub async fn publish(
    cleared: Cleared,
    predicates: &[Predicate],
    plan: &PublishPlan,
    effects: &Effects,
) -> Result<(Attested, Publication), PublishError> {
    let _ = (cleared, predicates, plan, effects);
    todo!("publish")
}

/// What must hold for an image to be trusted.
#[derive(Debug, Clone)]
pub struct Expectation<'a> {
    /// The public key: PEM file, or the private key's source.
    pub key: &'a KeySource,
    /// The policy that must have been applied, by digest; none accepts any and says which.
    pub policy: Option<Digest>,
    /// The oldest evaluation time that counts.
    pub max_age: Option<std::time::Duration>,
    /// Allows plain HTTP beyond loopback.
    pub plain_http: bool,
}

/// Fetches the attestations of an image and checks signature, subject, verdict, policy and age.
///
/// # Errors
/// [`PublishError`] naming what does not hold.
pub async fn verify(image: &ImageRef, expected: &Expectation<'_>, effects: &Effects) -> Result<Attested, PublishError> {
    let _ = (image, expected, effects);
    todo!("verify")
}

/// Where a demo's local signing key lies in a folder of state.
#[must_use]
pub fn local_key(state: &Path) -> std::path::PathBuf {
    state.join("portcullis.key")
}
