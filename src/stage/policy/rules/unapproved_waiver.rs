//! `unapproved-waiver`: a waiver that the policy does not accept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Objections, Rule, RuleText, Settings};
use crate::model::finding::Level;
use crate::stage::policy::waivers::Standing;

/// Settings of `unapproved-waiver`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct UnapprovedWaiver {
    /// How hard it weighs. Such a waiver covers nothing in any case.
    pub level: Level,
}

impl Default for UnapprovedWaiver {
    fn default() -> Self {
        Self { level: Level::Deny }
    }
}

impl Settings for UnapprovedWaiver {
    const ABOUT: RuleText = RuleText {
        code: "unapproved-waiver",
        summary: "A waiver lacks approvals, or lasts longer than the policy allows, so it covers nothing.",
        why: "Whoever wants to ship is not the one who decides that a risk is acceptable. The policy lists who may approve and how many of them a \
              severity needs; the author of the entry does not count as an approver of it; and no waiver outlives the policy's limit.",
        fix: "Ask an approver to agree and to be named in `approved_by`; state `created`, and an `expires` within the limit.",
    };
}

impl Rule for UnapprovedWaiver {
    fn check_waivers(&self, standings: &[Standing<'_>], objections: &mut Objections) {
        if self.level == Level::Off {
            return;
        }
        for standing in standings {
            for refusal in &standing.report.refused {
                let message = format!("waiver {} is not accepted: {refusal}", standing.report.waiver);
                let help = "until that is so, the finding stands";
                objections.findings.push(standing.finding(&Self::ABOUT, self.level, message, help));
            }
            for why in &standing.disregarded {
                let message = format!("statement {} decides nothing: {why}", standing.report.waiver);
                let help = "the finding is judged as if it was not said";
                objections
                    .findings
                    .push(standing.finding(&Self::ABOUT, self.level.min(Level::Warn), message, help));
            }
        }
    }
}
