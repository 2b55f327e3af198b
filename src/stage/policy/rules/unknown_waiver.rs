//! `unknown-waiver`: an id that no feed knows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Objections, Rule, RuleText, Settings};
use crate::model::finding::Level;
use crate::model::waiver::WaiverState;
use crate::stage::policy::waivers::Standing;

/// Settings of `unknown-waiver`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct UnknownWaiver {
    /// How hard it weighs.
    pub level: Level,
}

impl Default for UnknownWaiver {
    fn default() -> Self {
        Self { level: Level::Deny }
    }
}

impl Settings for UnknownWaiver {
    const ABOUT: RuleText = RuleText {
        code: "unknown-waiver",
        summary: "A waiver's id is in no advisory feed.",
        why: "A typo must never look like a waiver: whoever reads the file believes that something is decided which is not.",
        fix: "Correct the id, or delete the entry when the advisory was withdrawn.",
    };
}

impl Rule for UnknownWaiver {
    fn check_waivers(&self, standings: &[Standing<'_>], objections: &mut Objections) {
        if self.level == Level::Off {
            return;
        }
        for standing in standings.iter().filter(|s| s.report.state == WaiverState::Unknown) {
            let message = format!("no feed knows the id of waiver {}", standing.report.waiver);
            let help = match standing.near.as_deref() {
                Some(near) => format!("did you mean `{near}`?"),
                None => "correct the id, or delete the entry".to_owned(),
            };
            objections.findings.push(standing.finding(&Self::ABOUT, self.level, message, &help));
        }
    }
}
