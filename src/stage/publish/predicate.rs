//! What is attested beside the verdict.

use crate::model::canonical::canonical;
use crate::model::digest::Digest;
use crate::model::verdict::Verdict;

/// A further statement to attach: an SBOM, provenance, VEX.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicate {
    /// in-toto predicate type, a URI.
    pub kind: String,
    /// The predicate as it is signed.
    pub body: serde_json::Value,
    /// The platform's image that it is about, by its manifest; `None` for the image as a whole.
    pub platform: Option<Digest>,
}

impl Predicate {
    /// A statement about the image as a whole.
    #[must_use]
    pub fn new(kind: &str, body: serde_json::Value) -> Self {
        Self {
            kind: kind.to_owned(),
            body,
            platform: None,
        }
    }
}

/// The bytes of `verdict.json`: what [`VerdictSummary::digest`](super::VerdictSummary::digest) is the digest of.
///
/// # Errors
/// serde's; no verdict is known to give one.
pub fn verdict_file(verdict: &Verdict) -> serde_json::Result<Vec<u8>> {
    canonical(verdict)
}
