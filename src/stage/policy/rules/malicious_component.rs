//! `malicious-component`: malware is never a matter of severity.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Objections, Rule, RuleText, Settings, advisories};
use crate::model::advisory::{AdvisoryKind, Match};
use crate::model::finding::Level;
use crate::model::inventory::Component;
use crate::stage::policy::Evidence;

/// Settings of `malicious-component`. It cannot be switched off.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MaliciousComponent {
    /// Lets waivers cover malware (for an image of a malware laboratory, say).
    pub allow_malicious: bool,
}

impl Settings for MaliciousComponent {
    const ABOUT: RuleText = RuleText {
        code: "malicious-component",
        summary: "A component is malware (`MAL-` advisories).",
        why: "The package itself is the attack: it has run on every machine that installed it. No severity, grace or fix makes that \
              acceptable, and no waiver either unless the policy says `allow_malicious = true`.",
        fix: "Remove the component, treat the machines that installed it as compromised, and rotate the credentials they held.",
    };
}

impl Rule for MaliciousComponent {
    fn check(&self, evidence: &Evidence<'_>, objections: &mut Objections) {
        for (component, matched) in advisories::matches(evidence, AdvisoryKind::Malicious) {
            let mut finding = advisories::finding(&Self::ABOUT, Level::Deny, component, matched);
            finding.waivable = self.allow_malicious;
            finding.help = Some(format!("remove {} and rotate every credential it could read", component.name));
            objections.findings.push(finding);
        }
    }

    fn denies(&self, _: &Component, matched: &Match, _: Timestamp) -> bool {
        matched.advisory.kind == AdvisoryKind::Malicious
    }
}
