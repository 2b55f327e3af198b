//! What the policy lets waivers do: `[waivers]` of the policy document.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::human_duration::HumanDuration;
use crate::model::severity::Severity;

/// What waivers may do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WaiverSettings {
    /// A waiver that ends within this is `expiring` in every report.
    pub expiring_within: HumanDuration,
    /// How long a waiver may last, for each severity of what it covers.
    pub lifetime: Lifetimes,
    /// Mail addresses of those who may approve. Naming anybody makes one approval necessary for every severity, unless `approvals` says otherwise.
    pub approvers: Vec<String>,
    /// How many approvers a waiver needs, for each severity of what it covers.
    pub approvals: Approvals,
}

impl Default for WaiverSettings {
    fn default() -> Self {
        Self {
            expiring_within: days(7),
            lifetime: Lifetimes::default(),
            approvers: Vec::new(),
            approvals: Approvals::default(),
        }
    }
}

/// How long a waiver may last, by severity: whole days, such as `14d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Lifetimes {
    /// For critical findings.
    pub critical: HumanDuration,
    /// For high ones.
    pub high: HumanDuration,
    /// For medium ones.
    pub medium: HumanDuration,
    /// For low ones, and those rated `none`.
    pub low: HumanDuration,
    /// For findings without a severity.
    pub unknown: HumanDuration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            critical: days(14),
            high: days(30),
            medium: days(90),
            low: days(180),
            unknown: days(30),
        }
    }
}

/// How many approvers a waiver needs, by severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Approvals {
    /// For critical findings.
    pub critical: Option<u8>,
    /// For high ones.
    pub high: Option<u8>,
    /// For medium ones.
    pub medium: Option<u8>,
    /// For low ones, and those rated `none`.
    pub low: Option<u8>,
    /// For findings without a severity.
    pub unknown: Option<u8>,
}

impl WaiverSettings {
    /// The longest lifetime in whole days.
    pub(in crate::stage::policy) fn lifetime_days(&self, severity: Option<Severity>) -> i64 {
        let span = match severity {
            Some(Severity::Critical) => self.lifetime.critical,
            Some(Severity::High) => self.lifetime.high,
            Some(Severity::Medium) => self.lifetime.medium,
            Some(Severity::Low | Severity::None) => self.lifetime.low,
            None => self.lifetime.unknown,
        };
        whole_days(span)
    }

    pub(super) fn approvals_needed(&self, severity: Option<Severity>) -> usize {
        let stated = match severity {
            Some(Severity::Critical) => self.approvals.critical,
            Some(Severity::High) => self.approvals.high,
            Some(Severity::Medium) => self.approvals.medium,
            Some(Severity::Low | Severity::None) => self.approvals.low,
            None => self.approvals.unknown,
        };
        stated.map_or(usize::from(!self.approvers.is_empty()), usize::from)
    }

    /// Days before the end in which a waiver is `expiring`.
    pub(in crate::stage::policy) fn expiring_days(&self) -> i64 {
        whole_days(self.expiring_within)
    }
}

const fn days(days: u64) -> HumanDuration {
    HumanDuration(Duration::from_secs(days * 86_400))
}

fn whole_days(span: HumanDuration) -> i64 {
    i64::try_from(span.0.as_secs() / 86_400).unwrap_or(i64::MAX)
}
