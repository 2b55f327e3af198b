//! `denied-component`: packages that the organisation does not want.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Objections, Rule, RuleText, Settings, advisories};
use crate::model::finding::Level;
use crate::stage::policy::Evidence;
use crate::stage::policy::pattern::PurlPattern;

/// One ban.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ban {
    /// The packages, as a package URL in which `*` stands for any characters but `/`.
    pub package: PurlPattern,
    /// Why; it stands in the finding.
    pub reason: String,
    /// What to use in its place.
    #[serde(default)]
    pub instead: Option<String>,
}

/// Settings of `denied-component`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DeniedComponent {
    /// How hard it weighs.
    pub level: Level,
    /// What is banned.
    pub deny: Vec<Ban>,
}

impl Default for DeniedComponent {
    fn default() -> Self {
        Self {
            level: Level::Deny,
            deny: Vec::new(),
        }
    }
}

impl Settings for DeniedComponent {
    const ABOUT: RuleText = RuleText {
        code: "denied-component",
        summary: "A component is on the policy's list of banned packages.",
        why: "An organisation has reasons that no advisory knows: a second TLS stack, a package it replaced, a supplier it left.",
        fix: "Use what the ban names in its place. `portcullis explain PURL` shows which component brings it.",
    };
}

impl Rule for DeniedComponent {
    fn check(&self, evidence: &Evidence<'_>, objections: &mut Objections) {
        if self.level == Level::Off {
            return;
        }
        for component in &evidence.inventory.components {
            let Some(ban) = self.deny.iter().find(|ban| ban.package.matches(&component.purl)) else {
                continue;
            };
            let message = format!("{} {} is banned: {}", component.name, component.version, ban.reason);
            let help = match &ban.instead {
                Some(instead) => format!("use {instead}"),
                None => format!("remove {}", component.name),
            };
            let mut finding = advisories::of_component(&Self::ABOUT, self.level, component, message, help);
            finding.evidence = Some(ban.package.as_str().to_owned());
            objections.findings.push(finding);
        }
    }
}
