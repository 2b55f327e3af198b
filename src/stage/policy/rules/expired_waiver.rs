//! `expired-waiver`: a promise whose last day has passed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Objections, Rule, RuleText, Settings};
use crate::model::finding::Level;
use crate::model::waiver::WaiverState;
use crate::stage::policy::waivers::Standing;

/// Settings of `expired-waiver`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ExpiredWaiver {
    /// How hard it weighs. The findings that it covered are back in any case.
    pub level: Level,
}

impl Default for ExpiredWaiver {
    fn default() -> Self {
        Self { level: Level::Warn }
    }
}

impl Settings for ExpiredWaiver {
    const ABOUT: RuleText = RuleText {
        code: "expired-waiver",
        summary: "A waiver's last day has passed, so it covers nothing any more.",
        why: "A waiver is a promise with an end. When it ends silently, somebody looks for the reason of a red build in the wrong place; when it \
              never ends, it is not a promise.",
        fix: "Fix what it covered and delete the entry; or look at the reason again and write a new `created` and `expires`, with a new approval.",
    };
}

impl Rule for ExpiredWaiver {
    fn check_waivers(&self, standings: &[Standing<'_>], objections: &mut Objections) {
        if self.level == Level::Off {
            return;
        }
        for standing in standings.iter().filter(|s| s.report.state == WaiverState::Expired) {
            let last = standing.report.expires;
            let message = match standing.would_cover {
                0 => format!("waiver {} ended with {last}; nothing needs it any more", standing.report.waiver),
                1 => format!(
                    "waiver {} ended with {last}; the finding it covered is back",
                    standing.report.waiver
                ),
                n => format!(
                    "waiver {} ended with {last}; the {n} findings it covered are back",
                    standing.report.waiver
                ),
            };
            let help = match standing.would_cover {
                0 => "delete the entry",
                _ => "fix the finding and delete the entry, or look at its reason again and renew it",
            };
            objections.findings.push(standing.finding(&Self::ABOUT, self.level, message, help));
        }
    }

    fn denies_ended_waivers(&self) -> bool {
        self.level == Level::Deny
    }
}
