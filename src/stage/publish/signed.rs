//! Verdicts among an image's referrers.

use std::time::Duration;

use jiff::Timestamp;

use super::attestation::{VerificationSummary, Word, predicate_type};
use super::statements::{Found, Search, is_bad_content};
use super::{PublishError, VerdictSummary};
use crate::io::registry::Referrers;
use crate::model::digest::Digest;

/// A verdict whose signature and subject hold.
#[derive(Debug)]
pub(super) struct Signed {
    /// The manifest of its attestation.
    pub(super) attestation: Digest,
    pub(super) statement: VerificationSummary,
    /// True where the place itself lists it, and not only the index under the tag, which whoever may push can change.
    is_listed: bool,
}

/// A verdict that the key signed and that cannot be read.
#[derive(Debug)]
pub(super) struct Unread {
    /// The manifest of its attestation.
    pub(super) attestation: Digest,
    /// When it was reached, where that can be told.
    at: Option<Timestamp>,
    reason: String,
}

/// Every verdict on a digest that the key signed. At least one that can be read.
pub(super) struct Verdicts {
    pub(super) signed: Vec<Signed>,
    pub(super) unread: Vec<Unread>,
    pub(super) other_keys: usize,
    /// What is not to be trusted, and why.
    pub(super) distrusted: Vec<String>,
}

impl Verdicts {
    fn of(found: Found<Word>, referrers: &Referrers) -> Self {
        let (mut signed, mut unread) = (Vec::new(), Vec::new());
        for (attestation, word) in found.statements {
            match word {
                Word::Read(statement) => signed.push(Signed {
                    attestation,
                    statement: *statement,
                    is_listed: referrers.is_by_api(&attestation),
                }),
                Word::Unread { at, reason } => unread.push(Unread { attestation, at, reason }),
            }
        }
        Self {
            signed,
            unread,
            other_keys: found.other_keys.len(),
            distrusted: found.distrusted,
        }
    }

    /// The one that may be the newest and cannot be read: it may say no.
    pub(super) fn unread_since(&self, newest: Timestamp) -> Option<PublishError> {
        let may_be_newer = |unread: &&Unread| unread.at.is_none_or(|at| at >= newest);
        self.unread.iter().find(may_be_newer).map(Unread::error)
    }
}

impl Unread {
    fn error(&self) -> PublishError {
        PublishError::Unread {
            attestation: self.attestation,
            reason: self.reason.clone(),
        }
    }
}

pub(super) async fn all(search: &Search<'_>) -> Result<Verdicts, PublishError> {
    let found = search
        .all(predicate_type::VERIFICATION_SUMMARY, |predicate| Ok(Word::read(predicate)))
        .await?;
    let referrers = found.referrers;
    let verdicts = Verdicts::of(found, search.referrers().await?);
    match (verdicts.signed.is_empty(), verdicts.unread.first()) {
        (false, _) => Ok(verdicts),
        (true, Some(unread)) => Err(unread.error()),
        (true, None) => Err(search.no_verdict(referrers)),
    }
}

/// The newest verdict that the key signed: what a publication of the same verdict need not repeat. `None` also where what is there cannot be
/// believed or read: then it is signed anew.
pub(super) async fn newest(search: &Search<'_>) -> Result<Option<Signed>, PublishError> {
    match search
        .listed(predicate_type::VERIFICATION_SUMMARY, |predicate| Ok(Word::read(predicate)))
        .await
    {
        Ok(found) => {
            let verdicts = Verdicts::of(found, search.referrers().await?);
            let newest = verdicts.signed.iter().map(|signed| signed.statement.time_verified).max();
            match newest.and_then(|newest| verdicts.unread_since(newest)) {
                Some(_) => Ok(None),
                None => Ok(verdicts.signed.into_iter().max_by_key(Signed::rank)),
            }
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

    /// By what its signature covers: the later one counts, and of two of one moment the one that is not cleared.
    pub(super) fn age_rank(&self) -> (Timestamp, bool) {
        (self.statement.time_verified, !self.statement.is_cleared())
    }

    /// The same; of two that are equal, as one that was published anew is, the one whose word on the registry's list holds.
    pub(super) fn rank(&self) -> ((Timestamp, bool), bool) {
        (self.age_rank(), self.missing_from().is_none())
    }

    /// The repository that had this in its own list when it was published, where the list at hand has it not.
    pub(super) fn missing_from(&self) -> Option<&str> {
        self.statement.listed_by().filter(|_| !self.is_listed)
    }

    /// The gate's own summary; `None` in a verification summary of another tool, which says nothing of service and findings.
    pub(super) const fn summary(&self) -> Option<&VerdictSummary> {
        self.statement.summary.as_ref()
    }
}
