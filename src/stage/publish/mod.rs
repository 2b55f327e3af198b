//! Takes `Cleared`. Gives `Attested`. Never moves an existing SHA tag, never resolves a tag to find out what it published, and never tags what has
//! no verdict yet.

mod artifact;
mod attest;
mod destination;
mod error;
mod evidence;
mod graph;
mod layout;
mod push;
mod registry;
mod sha_tag;
pub mod sign;
mod signed;
mod statements;
mod verify;

pub use attest::predicate_type;
pub use error::PublishError;
pub use evidence::{Content, SignedEvidence};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::io::Effects;
use crate::model::advisory::FeedRevision;
use crate::model::canonical::canonical;
use crate::model::commit::CommitSha;
use crate::model::digest::Digest;
use crate::model::image_ref::ImageRef;
use crate::model::outcome::Publication;
use crate::model::plan::{Destination, KeySource, PublishPlan};
use crate::model::verdict::{Decision, PolicyInput, Verdict, VexInput};
use crate::stage::policy::Cleared;

/// Why an [`Attested`] may be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// A signature over its verdict was made by this run or verified by it.
    Signed {
        /// `ecdsa-p256:<hint>`, where the hint is the base64 of the SHA-256 of the public key.
        key: String,
    },
    /// This run judged and published it, without a key.
    Unsigned,
    /// Somebody said so.
    Unverified {
        /// The reason that was given.
        reason: String,
    },
}

/// What an attestation says of a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerdictSummary {
    /// The service.
    pub service: String,
    /// The answer.
    pub decision: Decision,
    /// SHA-256 of `verdict.json`, see [`verdict_file`].
    pub digest: Digest,
    /// The same without the times in it: equal for two verdicts that differ only in when they were reached.
    pub substance: Digest,
    /// The commit that was judged; none for an image that was taken as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitSha>,
    /// When it was judged.
    pub evaluated_at: Timestamp,
    /// The policy that was applied.
    pub policy: PolicyInput,
    /// How many components were judged.
    pub components: usize,
    /// Findings that only warn.
    pub warned: usize,
    /// Findings that a waiver covers.
    pub waived: usize,
    /// The feeds that were asked, with revision and time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub feeds: Vec<FeedRevision>,
    /// The waiver file; `None` if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waivers: Option<Digest>,
    /// The VEX documents that counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vex: Vec<VexInput>,
    /// Layers that were not read again, because the policy trusts the facts of an earlier run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cached_layers: Vec<Digest>,
}

/// A digest in a registry or layout whose cleared verdict was signed or verified. Only this stage makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    image: ImageRef,
    digest: Digest,
    verdict: Option<VerdictSummary>,
    trust: Trust,
}

impl Attested {
    /// Takes an image as it is, for the reason that a person gave. The one way around a verified verdict: whoever uses it records the reason.
    #[must_use]
    pub const fn unverified(image: ImageRef, digest: Digest, reason: String) -> Self {
        Self {
            image,
            digest,
            verdict: None,
            trust: Trust::Unverified { reason },
        }
    }

    /// Where the image is, by digest: [`ImageRef::Registry`] or [`ImageRef::OciLayout`].
    #[must_use]
    pub const fn image(&self) -> &ImageRef {
        &self.image
    }

    /// Its digest.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Its cleared verdict; `None` for an unverified image, and for one that another tool summed up.
    #[must_use]
    pub const fn verdict(&self) -> Option<&VerdictSummary> {
        self.verdict.as_ref()
    }

    /// The commit that it was built from, as the verdict has it.
    #[must_use]
    pub fn commit(&self) -> Option<&CommitSha> {
        self.verdict.as_ref().and_then(|verdict| verdict.commit.as_ref())
    }

    /// Why it may be believed.
    #[must_use]
    pub const fn trust(&self) -> &Trust {
        &self.trust
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

/// What must hold for an image to be trusted.
#[derive(Debug, Clone)]
pub struct Expectation<'a> {
    /// The public key: PEM file, or the private key's source.
    pub key: &'a KeySource,
    /// The service that must have been judged; `None` accepts any.
    pub service: Option<&'a str>,
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
    verify::verify(image, expected, effects).await
}

/// Fetches the newest cleared verdict on an image with its findings and its inventory, and checks what [`verify`] checks, and that each is the
/// one that the signed summary names by digest.
///
/// # Errors
/// [`PublishError`] naming what does not hold or is not there.
pub async fn evidence(image: &ImageRef, expected: &Expectation<'_>, effects: &Effects) -> Result<SignedEvidence, PublishError> {
    evidence::evidence(image, expected, effects).await
}

/// Fetches what a key signed of the content of an image: its inventory, else its SBOM.
///
/// # Errors
/// [`PublishError`]; an image of which neither was attested is one.
pub async fn content(image: &ImageRef, key: &KeySource, plain_http: bool, effects: &Effects) -> Result<Content, PublishError> {
    evidence::content(image, key, plain_http, effects).await
}

/// Every image that a tag of a repository names (in a layout: every image of its index), by digest, sorted. What no tag names cannot be listed.
///
/// # Errors
/// [`PublishError`] when the repository does not answer.
pub async fn images(repository: &Destination, effects: &Effects) -> Result<Vec<ImageRef>, PublishError> {
    evidence::images(repository, effects).await
}

/// The bytes of `verdict.json`: what [`VerdictSummary::digest`] is the digest of.
///
/// # Errors
/// serde's; no verdict is known to give one.
pub fn verdict_file(verdict: &Verdict) -> serde_json::Result<Vec<u8>> {
    canonical(verdict)
}
