//! Waivers: an owner's dated promise about one advisory in one package.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The rules whose findings a waiver names by the rule's code, for want of an advisory.
pub const RULES_AS_IDS: [&str; 1] = ["too-new-component"];

/// The five states, each visible in every report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
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
    /// What a waiver that covers something, or might, is on a day.
    #[must_use]
    pub fn on(today: Date, expires: Date, expiring_days: i64) -> Self {
        match expires {
            _ if today > expires => Self::Expired,
            _ if today.duration_until(expires).as_hours() / 24 <= expiring_days => Self::Expiring,
            _ => Self::Active,
        }
    }

    /// The word used in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// OpenVEX's statuses: what a waiver says of the finding.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum VexStatus {
    /// The vulnerability cannot be reached here; needs a justification.
    NotAffected,
    /// It can, and the risk is taken until the waiver ends.
    Affected,
    /// It is fixed here in another way than by version (a backported patch).
    Fixed,
    /// Nobody knows yet.
    UnderInvestigation,
}

impl VexStatus {
    /// It says that there is nothing to fix.
    #[must_use]
    pub const fn waives(self) -> bool {
        matches!(self, Self::NotAffected | Self::Fixed)
    }

    /// OpenVEX's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// OpenVEX's justifications for `not_affected`.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Justification {
    /// The component is not in the product.
    ComponentNotPresent,
    /// The component is there, the vulnerable code is not.
    VulnerableCodeNotPresent,
    /// The vulnerable code is never run.
    VulnerableCodeNotInExecutePath,
    /// An adversary cannot steer the vulnerable code.
    VulnerableCodeCannotBeControlledByAdversary,
    /// Something inside the product stops it.
    InlineMitigationsAlreadyExist,
}

impl Justification {
    /// OpenVEX's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
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
    /// Who agreed, as the entry itself says; the history of the repository is asked elsewhere.
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
    /// Why the policy does not accept it (approvals, lifetime): it covers nothing then. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<String>,
}
