//! What was checked before an image was trusted, line by line.

use serde::Serialize;

use super::{Attested, PublishError};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckResult {
    /// What is asked for is so.
    Holds,
    /// It is not: the image is not to be trusted.
    Fails,
    /// Nobody asked for it, and what is there is told.
    NotAsked,
    /// A check before it failed.
    NotReached,
    /// It is told beside the checks that decide, and could not be looked at.
    Unknown,
}

/// One check and its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked: one of [`Check::NAMES`].
    pub name: &'static str,
    /// Whether it holds.
    pub result: CheckResult,
    /// Why, in one sentence: what was seen, and what was expected where that is something else.
    pub reason: String,
}

impl Check {
    /// Every check that decides, in the order in which they are made.
    pub const NAMES: [&'static str; 9] = [
        "key",
        "referrers",
        "signature",
        "subject",
        "service",
        "policy",
        "newest",
        "verdict",
        "age",
    ];

    /// The same for keyless signatures, which rest on more.
    pub const KEYLESS: [&'static str; 13] = [
        "key",
        "referrers",
        "identity",
        "timestamp",
        "certificate",
        "log",
        "signature",
        "subject",
        "service",
        "policy",
        "newest",
        "verdict",
        "age",
    ];
}

/// Every check, and what they came to.
#[derive(Debug)]
pub struct Examination {
    /// The checks that decide, in order, then what is told beside them.
    pub checks: Vec<Check>,
    /// The image, if all of them hold.
    pub result: Result<Attested, PublishError>,
}

#[derive(Debug)]
pub(super) struct Checks {
    list: Vec<Check>,
    names: &'static [&'static str],
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            names: &Check::NAMES,
        }
    }
}

impl Checks {
    /// What decides is a keyless signature.
    pub(super) fn of_keyless(&mut self) {
        self.names = &Check::KEYLESS;
    }

    pub(super) fn holds(&mut self, name: &'static str, reason: impl Into<String>) {
        self.add(name, CheckResult::Holds, reason.into());
    }

    pub(super) fn not_asked(&mut self, name: &'static str, reason: impl Into<String>) {
        self.add(name, CheckResult::NotAsked, reason.into());
    }

    pub(super) fn unknown(&mut self, name: &'static str, reason: impl Into<String>) {
        self.add(name, CheckResult::Unknown, reason.into());
    }

    fn add(&mut self, name: &'static str, result: CheckResult, reason: String) {
        self.list.push(Check { name, result, reason });
    }

    /// Ends the list: with an error, the check that it is about fails, and those after it were not reached.
    pub(super) fn finish(mut self, error: Option<&PublishError>) -> Vec<Check> {
        let Some(error) = error else { return self.list };
        let names = self.names;
        let failed = failed_check(error, names, self.list.len());
        let is_proven = !matches!(error, PublishError::Unproven { .. } | PublishError::Doubtful { .. });
        for name in &names[self.list.len().min(failed)..failed] {
            let is_known = is_proven || matches!((*name, error), ("identity", PublishError::Doubtful { .. }));
            if !is_known {
                self.unknown(name, "not decided: something else of the signature does not hold");
                continue;
            }
            // A signature is held against the key and the image in one look at each statement.
            self.holds(name, "holds for what was looked at");
        }
        if let Some(name) = names.get(failed) {
            self.list.truncate(failed);
            self.add(name, CheckResult::Fails, error.to_string());
        }
        for name in names.iter().skip(failed + 1) {
            self.add(name, CheckResult::NotReached, "a check before it fails".to_owned());
        }
        self.list
    }
}

/// The number of the check that an error is about. An error that is about none of them (a registry that does not answer) ends the one that was
/// under way.
fn failed_check(error: &PublishError, names: &[&str], under_way: usize) -> usize {
    let name = match error {
        PublishError::Sign(_) => "key",
        PublishError::TooManyReferrers { .. } | PublishError::ListGone { .. } | PublishError::ListShort { .. } => "referrers",
        PublishError::OtherKey { .. } if names.contains(&"identity") => "identity",
        PublishError::Unproven { refusal, .. } | PublishError::Doubtful { refusal, .. } => refusal.part.name(),
        PublishError::NoVerdict { .. } | PublishError::OtherKey { .. } | PublishError::Altered { .. } | PublishError::Malformed { .. } => {
            "signature"
        }
        PublishError::OtherSubject { .. } => "subject",
        PublishError::OtherService { .. } => "service",
        PublishError::OtherPolicy { .. } => "policy",
        PublishError::NotCleared { .. } => "verdict",
        PublishError::Stale { .. } | PublishError::WaiverEnded { .. } | PublishError::Future { .. } => "age",
        _ => return under_way.min(names.len().saturating_sub(1)),
    };
    let at = names.iter().position(|known| *known == name);
    at.unwrap_or(under_way)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest::Digest;

    #[test]
    fn what_was_not_reached_is_not_told_as_holding() {
        let mut checks = Checks::default();
        checks.holds("key", "k");
        let digest = Digest::from_bytes([1; 32]);
        let error = PublishError::OtherKey {
            digest,
            expected: "a".to_owned(),
            found: vec!["b".to_owned()],
        };
        let list = checks.finish(Some(&error));
        let results: Vec<CheckResult> = list.iter().map(|check| check.result).collect();
        assert_eq!(list.iter().map(|check| check.name).collect::<Vec<_>>(), Check::NAMES);
        assert_eq!(results[2], CheckResult::Fails);
        assert!(results[3..].iter().all(|result| *result == CheckResult::NotReached), "{results:?}");
    }
}
