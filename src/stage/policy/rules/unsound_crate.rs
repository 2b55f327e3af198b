//! `unsound-crate`: RustSec's informational advisories on crates whose safe functions can break memory safety.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Objections, Rule, RuleText, Settings, advisories};
use crate::model::advisory::{AdvisoryKind, Match};
use crate::model::finding::Level;
use crate::model::inventory::Component;
use crate::stage::policy::Evidence;

/// Settings of `unsound-crate`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct UnsoundCrate {
    /// How hard it weighs.
    pub level: Level,
}

impl Default for UnsoundCrate {
    fn default() -> Self {
        Self { level: Level::Warn }
    }
}

impl Settings for UnsoundCrate {
    const ABOUT: RuleText = RuleText {
        code: "unsound-crate",
        summary: "A crate is unsound: safe code can use it to break memory safety.",
        why: "Whether it is a vulnerability depends on how the crate is called. The compiler will not say when a change begins to call it so.",
        fix: "Update to a release that fixes it, or waive it after looking at every call.",
    };
}

impl Rule for UnsoundCrate {
    fn check(&self, evidence: &Evidence<'_>, objections: &mut Objections) {
        if self.level == Level::Off {
            return;
        }
        for (component, matched) in advisories::matches(evidence, AdvisoryKind::Unsound) {
            objections
                .findings
                .push(advisories::finding(&Self::ABOUT, self.level, component, matched));
        }
    }

    fn denies(&self, _: &Component, matched: &Match, _: Timestamp) -> bool {
        matched.advisory.kind == AdvisoryKind::Unsound && self.level == Level::Deny
    }
}
