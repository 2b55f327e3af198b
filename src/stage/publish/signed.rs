//! Verdicts among an image's referrers.

use std::time::Duration;

use super::attest::{VerificationSummary, predicate_type};
use super::place::Place;
use super::sign::VerifyingKey;
use super::statements::Search;
use super::{PublishError, VerdictSummary};
use crate::io::Effects;
use crate::model::digest::Digest;
use crate::model::verdict::{Decision, PolicyInput};

/// A verdict whose signature and subject hold.
#[derive(Debug)]
pub(super) struct Signed {
    /// The manifest of its attestation.
    pub(super) attestation: Digest,
    pub(super) statement: VerificationSummary,
}

/// Every verdict on a digest that the key signed. At least one.
pub(super) async fn all(place: &Place, digest: &Digest, key: &VerifyingKey, effects: &Effects) -> Result<Vec<Signed>, PublishError> {
    let search = Search::new(place, digest, key, effects);
    let found = search
        .all(predicate_type::VERIFICATION_SUMMARY, serde_json::from_value::<VerificationSummary>)
        .await?;
    if found.statements.is_empty() {
        return Err(PublishError::NoVerdict {
            digest: *digest,
            place: place.name(),
            referrers: found.referrers,
        });
    }
    let signed = |(attestation, statement)| Signed { attestation, statement };
    Ok(found.statements.into_iter().map(signed).collect())
}

/// The newest verdict, if it was signed with the key: what a publication of the same verdict need not repeat.
pub(super) async fn newest(place: &Place, digest: &Digest, key: &VerifyingKey, effects: &Effects) -> Result<Option<Signed>, PublishError> {
    let search = Search::new(place, digest, key, effects);
    let newest = search
        .newest(predicate_type::VERIFICATION_SUMMARY, serde_json::from_value::<VerificationSummary>)
        .await?;
    Ok(newest.map(|(attestation, statement)| Signed { attestation, statement }))
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

    /// What it says, as far as it says it: a verification summary of another tool has the standard's fields only.
    pub(super) fn summary(&self) -> VerdictSummary {
        self.statement.summary.clone().unwrap_or_else(|| {
            let unknown = Digest::from_bytes([0; 32]);
            let policy = self.statement.policy.digest.get("sha256");
            VerdictSummary {
                service: String::new(),
                decision: Decision::Cleared,
                digest: unknown,
                substance: unknown,
                commit: None,
                evaluated_at: self.statement.time_verified,
                policy: PolicyInput {
                    name: self.statement.policy.uri.clone(),
                    digest: policy
                        .and_then(|hex| Digest::parse(&format!("sha256:{hex}")).ok())
                        .unwrap_or(unknown),
                },
                components: 0,
                warned: 0,
                waived: 0,
            }
        })
    }
}
