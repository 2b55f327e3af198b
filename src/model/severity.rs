//! How bad an advisory is, and who says so.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A qualitative severity, from the least to the worst. CVSS scores: low < 4.0 ≤ medium < 7.0 ≤ high < 9.0 ≤ critical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Severity {
    /// A score of 0.0, or "unimportant" in a distribution's words.
    None,
    /// 0.1 to 3.9.
    Low,
    /// 4.0 to 6.9.
    Medium,
    /// 7.0 to 8.9.
    High,
    /// 9.0 to 10.0.
    Critical,
}

impl Severity {
    /// The level of a CVSS base score (0.0 to 10.0).
    #[must_use]
    pub fn of_score(score: f64) -> Self {
        match score {
            s if s <= 0.0 => Self::None,
            s if s < 4.0 => Self::Low,
            s if s < 7.0 => Self::Medium,
            s if s < 9.0 => Self::High,
            _ => Self::Critical,
        }
    }

    /// The word used in files and on screens.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A severity with its source. An advisory without one is "unknown", which is `Option::None`, not [`Severity::None`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rating {
    /// The level, from the score or from the source's own word.
    pub severity: Severity,
    /// CVSS base score, where a vector gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// The CVSS vector that gave the score; `None` where the source has a word alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vector: Option<String>,
    /// Who says so: `CVSS:3.1 of GHSA-…`, `Debian urgency`, `GHSA level`.
    pub source: String,
}
