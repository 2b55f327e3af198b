//! `missing-healthcheck`: the image says how to see that it works.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Objections, Rule, RuleText, Settings};
use crate::model::finding::Level;
use crate::stage::policy::Evidence;

/// Settings of `missing-healthcheck`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MissingHealthcheck {
    /// How hard it weighs. Off by default: orchestrators and Portcullis itself probe from outside.
    pub level: Level,
}

impl Default for MissingHealthcheck {
    fn default() -> Self {
        Self { level: Level::Off }
    }
}

impl Settings for MissingHealthcheck {
    const ABOUT: RuleText = RuleText {
        code: "missing-healthcheck",
        summary: "The image has no health check.",
        why: "An engine that restarts containers by themselves (Compose, Swarm) knows that a process runs, not that it answers.",
        fix: "Add `HEALTHCHECK CMD …` to the Dockerfile (native: `[build.container] healthcheck`), or leave the rule off where something else probes the service.",
    };
}

impl Rule for MissingHealthcheck {
    fn check(&self, evidence: &Evidence<'_>, objections: &mut Objections) {
        if self.level == Level::Off {
            return;
        }
        for platform in &evidence.inventory.platforms {
            let test = platform.config.healthcheck.as_deref().unwrap_or_default();
            let message = match test {
                [] => "the image has no health check",
                [first, ..] if first == "NONE" => "the image switches its health check off",
                _ => continue,
            };
            let mut finding = Self::ABOUT.finding(self.level, message);
            finding.subject = Some(platform.platform.to_string());
            finding.help = Some("add `HEALTHCHECK CMD …` to the Dockerfile".to_owned());
            objections.findings.push(finding);
        }
    }
}
