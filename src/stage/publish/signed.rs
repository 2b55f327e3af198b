//! Verdicts among an image's referrers.

use std::time::Duration;

use jiff::Timestamp;

use super::attest::{VerificationSummary, predicate_type};
use super::destination::OpenDestination;
use super::sign::VerifyingKey;
use super::statements::{Found, Search, is_bad_content};
use super::{PublishError, VerdictSummary};
use crate::io::Effects;
use crate::model::digest::Digest;

/// A verdict whose signature and subject hold.
#[derive(Debug)]
pub(super) struct Signed {
    /// The manifest of its attestation.
    pub(super) attestation: Digest,
    pub(super) statement: VerificationSummary,
}

/// Every verdict on a digest that the key signed. At least one.
pub(super) async fn all(search: &Search<'_>) -> Result<Found<VerificationSummary>, PublishError> {
    let found = search
        .all(predicate_type::VERIFICATION_SUMMARY, serde_json::from_value::<VerificationSummary>)
        .await?;
    match found.statements.is_empty() {
        true => Err(search.no_verdict(found.referrers)),
        false => Ok(found),
    }
}

/// The newest verdict that the key signed: what a publication of the same verdict need not repeat. `None` also where what is there cannot be
/// believed: then it is signed anew.
pub(super) async fn newest(
    place: &OpenDestination,
    digest: &Digest,
    key: &VerifyingKey,
    effects: &Effects,
) -> Result<Option<Signed>, PublishError> {
    let search = Search::new(place, digest, key, effects);
    match search
        .listed(predicate_type::VERIFICATION_SUMMARY, serde_json::from_value::<VerificationSummary>)
        .await
    {
        Ok(found) => {
            let signed = |(attestation, statement)| Signed { attestation, statement };
            Ok(found.statements.into_iter().map(signed).max_by_key(Signed::age_rank))
        }
        Err(error) if error.is_distrust() || is_bad_content(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

impl Signed {
    pub(super) fn is_by(&self, policy: &Digest) -> bool {
        self.statement.policy.digest.get("sha256").is_some_and(|hex| *hex == policy.hex())
    }

    pub(super) fn policy_digest(&self) -> String {
        let hex = self.statement.policy.digest.get("sha256");
        hex.map_or_else(|| "none".to_owned(), |hex| format!("sha256:{hex}"))
    }

    /// True when the verdict is the same one, give or take `within`.
    pub(super) fn is_same(&self, summary: &VerdictSummary, within: Duration) -> bool {
        let age = summary.evaluated_at.duration_since(self.statement.time_verified);
        let fresh = Duration::try_from(age).is_ok_and(|age| age <= within);
        fresh
            && self
                .statement
                .summary
                .as_ref()
                .is_some_and(|found| found.substance == summary.substance)
    }

    /// By what its signature covers: the later one counts, and of two of one moment the one that did not pass.
    pub(super) fn age_rank(&self) -> (Timestamp, bool) {
        (self.statement.time_verified, self.statement.verification_result != "PASSED")
    }

    /// The gate's own summary; `None` in a verification summary of another tool, which says nothing of service and findings.
    pub(super) const fn summary(&self) -> Option<&VerdictSummary> {
        self.statement.summary.as_ref()
    }
}
