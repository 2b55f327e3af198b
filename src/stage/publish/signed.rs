//! Verdicts among an image's referrers: found, opened with a key, and held against the digest.

use std::time::Duration;

use super::artifact::{self, ArtifactManifest};
use super::attest::{Statement, VerificationSummary, predicate_type};
use super::place::Place;
use super::sign::{BUNDLE_MEDIA_TYPE, Bundle, EnvelopeError, VerifyingKey};
use super::{PublishError, VerdictSummary};
use crate::io::Effects;
use crate::io::registry::RegistryError;
use crate::model::digest::Digest;
use crate::model::image::Descriptor;
use crate::model::verdict::{Decision, PolicyInput};

/// Referrers that are looked into: an image with more verdicts is looked at by its newest ones.
const CANDIDATES: usize = 64;

/// A verdict whose signature and subject hold.
#[derive(Debug)]
pub(super) struct Signed {
    /// The manifest of its attestation.
    pub(super) attestation: Digest,
    pub(super) statement: VerificationSummary,
}

/// Every verdict on a digest that the key signed. At least one.
pub(super) async fn all(place: &Place, digest: &Digest, key: &VerifyingKey, effects: &Effects) -> Result<Vec<Signed>, PublishError> {
    let referrers = place.referrers(digest, effects).await?;
    let candidates = candidates(&referrers);
    let mut signed = Vec::new();
    let mut distrust: Option<PublishError> = None;
    let mut foreign = Vec::new();
    for candidate in &candidates {
        match open(place, candidate, digest, key, effects).await {
            Ok(Opened::Verdict(verdict)) => signed.push(*verdict),
            Ok(Opened::OtherPredicate) => {}
            Ok(Opened::OtherKey(name)) => foreign.push(name),
            // What is wrong with one attestation does not spoil another: it counts when there is no good one.
            Err(error) if error.is_distrust() || is_bad_content(&error) => distrust = distrust.or(Some(error)),
            Err(error) => return Err(error),
        }
    }
    if !signed.is_empty() {
        return Ok(signed);
    }
    Err(match distrust {
        Some(error) => error,
        None if !foreign.is_empty() => PublishError::OtherKey {
            digest: *digest,
            expected: key.name(),
            found: foreign,
        },
        None => PublishError::NoVerdict {
            digest: *digest,
            place: place.name(),
            referrers: referrers.len(),
        },
    })
}

/// The newest verdict, if it was signed with the key: what a publication of the same verdict need not repeat.
pub(super) async fn newest(place: &Place, digest: &Digest, key: &VerifyingKey, effects: &Effects) -> Result<Option<Signed>, PublishError> {
    let referrers = place.referrers(digest, effects).await?;
    let Some(candidate) = candidates(&referrers).into_iter().next() else {
        return Ok(None);
    };
    match open(place, candidate, digest, key, effects).await {
        Ok(Opened::Verdict(verdict)) => Ok(Some(*verdict)),
        Ok(_) => Ok(None),
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

/// Referrers that may be verdicts, those that say they are newest first.
fn candidates(referrers: &[Descriptor]) -> Vec<&Descriptor> {
    let may_be = |d: &&Descriptor| artifact::may_be(d, predicate_type::VERIFICATION_SUMMARY);
    let mut candidates: Vec<&Descriptor> = referrers.iter().filter(may_be).collect();
    candidates.sort_by_key(|d| std::cmp::Reverse(artifact::created(d)));
    candidates.truncate(CANDIDATES);
    candidates
}

enum Opened {
    Verdict(Box<Signed>),
    OtherPredicate,
    OtherKey(String),
}

async fn open(
    place: &Place,
    candidate: &Descriptor,
    digest: &Digest,
    key: &VerifyingKey,
    effects: &Effects,
) -> Result<Opened, PublishError> {
    let attestation = candidate.digest;
    let malformed = |reason: String| PublishError::Malformed { attestation, reason };
    let manifest = place.manifest(&attestation, effects).await?;
    let manifest: ArtifactManifest = serde_json::from_slice(&manifest).map_err(|e| malformed(e.to_string()))?;
    let Some(layer) = manifest.layers.iter().find(|l| l.media_type == BUNDLE_MEDIA_TYPE) else {
        return Ok(Opened::OtherPredicate);
    };
    let bundle = place.blob(layer, effects.limits.sbom).await?;
    let bundle = Bundle::parse(&bundle).map_err(|e| malformed(format!("its bundle: {e}")))?;
    let payload = match bundle.envelope().open(key) {
        Ok(payload) => payload,
        Err(EnvelopeError::Signature(_)) if bundle.hint().is_none_or(|hint| hint != key.hint()) => {
            let hint = bundle.hint().unwrap_or("a key without a name");
            return Ok(Opened::OtherKey(hint.chars().filter(|c| !c.is_control()).take(64).collect()));
        }
        Err(error) => {
            return Err(PublishError::Altered {
                attestation,
                reason: error.to_string(),
            });
        }
    };
    let statement = Statement::parse(&payload).map_err(malformed)?;
    if statement.predicate_type != predicate_type::VERIFICATION_SUMMARY {
        return Ok(Opened::OtherPredicate);
    }
    if !statement.is_about(digest) {
        return Err(PublishError::OtherSubject {
            attestation,
            digest: *digest,
            found: statement.subjects(),
        });
    }
    let statement = serde_json::from_value(statement.predicate).map_err(|e| malformed(format!("its predicate: {e}")))?;
    Ok(Opened::Verdict(Box::new(Signed { attestation, statement })))
}

/// Content that does not hold together, as opposed to a registry that does not answer.
fn is_bad_content(error: &PublishError) -> bool {
    match error {
        PublishError::Layout(_) => true,
        PublishError::Registry(error) => matches!(
            error,
            RegistryError::WrongDigest { .. }
                | RegistryError::WrongSize { .. }
                | RegistryError::TooLarge { .. }
                | RegistryError::Missing { .. }
        ),
        _ => false,
    }
}
