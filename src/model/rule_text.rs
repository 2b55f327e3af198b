//! What people read about a rule.

use super::finding::{Finding, Level, RuleCode};

/// What people read about a rule: in the docs, and as SARIF's rule help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleText {
    /// The code by which policies and waivers name it.
    pub code: &'static str,
    /// One sentence: what it decides.
    pub summary: &'static str,
    /// What may happen where it is not heeded.
    pub why: &'static str,
    /// How to get rid of a finding.
    pub fix: &'static str,
}

impl RuleText {
    /// A finding of this rule.
    #[must_use]
    pub fn finding(&self, level: Level, message: impl Into<String>) -> Finding {
        Finding::new(RuleCode::new(self.code), level, message)
    }
}
