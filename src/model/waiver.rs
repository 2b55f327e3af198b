//! Waivers: an owner's dated promise about one advisory in one package.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The five states, each visible in every report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WaiverState {
    /// It holds and covers a finding.
    Active,
    /// It holds, and ends within the policy's `expiring_within`.
    Expiring,
    /// Its last day has passed.
    Expired,
    /// It holds and covers nothing.
    Unused,
    /// No feed knows its id.
    Unknown,
}

impl WaiverState {
    /// The word used in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expiring => "expiring",
            Self::Expired => "expired",
            Self::Unused => "unused",
            Self::Unknown => "unknown",
        }
    }
}

/// One waiver as reports show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaiverReport {
    /// Its place and id: `#3 CVE-2024-12345`.
    pub waiver: String,
    /// The id as written.
    pub id: String,
    /// The package pattern as written.
    pub package: String,
    /// Its state at the evaluation time.
    pub state: WaiverState,
    /// OpenVEX status.
    pub reason: String,
    /// OpenVEX justification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub justification: Option<String>,
    /// Why, in words.
    pub statement: String,
    /// Who answers for it.
    pub owner: String,
    /// Who agreed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved_by: Vec<String>,
    /// The first day, where stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Date>,
    /// The last day it holds, in UTC.
    pub expires: Date,
    /// Line of the entry in the waiver file, from 1.
    pub line: u32,
    /// How many findings it covers.
    pub covers: usize,
}
