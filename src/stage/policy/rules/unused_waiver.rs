//! `unused-waiver`: a waiver that covers nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Objections, Rule, RuleText, Settings};
use crate::model::finding::Level;
use crate::model::waiver::WaiverState;
use crate::stage::policy::waivers::Standing;

/// Settings of `unused-waiver`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct UnusedWaiver {
    /// How hard it weighs.
    pub level: Level,
}

impl Default for UnusedWaiver {
    fn default() -> Self {
        Self { level: Level::Warn }
    }
}

impl Settings for UnusedWaiver {
    const ABOUT: RuleText = RuleText {
        code: "unused-waiver",
        summary: "A waiver holds and covers nothing.",
        why: "Either what it waived is fixed, and the entry would silently cover the next version that brings it back; or its package pattern is \
              mistyped, and its author believes in something that is not so.",
        fix: "Delete the entry, or correct its `package` and `paths`.",
    };
}

impl Rule for UnusedWaiver {
    fn check_waivers(&self, standings: &[Standing<'_>], objections: &mut Objections) {
        if self.level == Level::Off {
            return;
        }
        let unused = |s: &&Standing<'_>| s.report.state == WaiverState::Unused && s.in_question && s.would_cover == 0;
        for standing in standings.iter().filter(unused) {
            let message = format!("waiver {} covers nothing", standing.report.waiver);
            let help = match standing.near.as_deref() {
                Some(near) => format!("the advisory is there, in {near}: does `package` or `paths` miss it?"),
                None => "delete the entry".to_owned(),
            };
            objections.findings.push(standing.finding(&Self::ABOUT, self.level, message, &help));
        }
    }
}
