//! `unmaintained-crate`: RustSec's informational advisories on crates that nobody looks after, and its notices.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Objections, Rule, RuleText, Settings, advisories};
use crate::model::advisory::AdvisoryKind;
use crate::model::finding::Level;
use crate::stage::policy::Evidence;

/// Settings of `unmaintained-crate`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct UnmaintainedCrate {
    /// How hard an unmaintained crate weighs. Notices are listed as warnings unless this is `off`.
    pub level: Level,
}

impl Default for UnmaintainedCrate {
    fn default() -> Self {
        Self { level: Level::Warn }
    }
}

impl Settings for UnmaintainedCrate {
    const ABOUT: RuleText = RuleText {
        code: "unmaintained-crate",
        summary: "A crate is no longer maintained, or RustSec has a notice about it.",
        why: "The next vulnerability in it will have no fix. Better to leave it before that day than on it.",
        fix: "Move to a maintained crate; the advisory often names one. Where another crate brings it, update that one first.",
    };
}

impl Rule for UnmaintainedCrate {
    fn check(&self, evidence: &Evidence<'_>, objections: &mut Objections) {
        if self.level == Level::Off {
            return;
        }
        for (kind, level) in [(AdvisoryKind::Unmaintained, self.level), (AdvisoryKind::Notice, Level::Warn)] {
            for (component, matched) in advisories::matches(evidence, kind) {
                objections
                    .findings
                    .push(advisories::finding(&Self::ABOUT, level, component, matched));
            }
        }
    }
}
