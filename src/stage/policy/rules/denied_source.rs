//! `denied-source`: components from a registry, a git repository or a URL that the policy does not name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Objections, Rule, RuleText, Settings, advisories};
use crate::model::finding::Level;
use crate::model::inventory::Origin;
use crate::model::logins::redact;
use crate::model::visible::shortened;
use crate::stage::policy::Evidence;
use crate::stage::policy::pattern::TextPattern;

/// Settings of `denied-source`. Patterns: `*` stands for any characters but `/`, `**` for any.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DeniedSource {
    /// How hard it weighs.
    pub level: Level,
    /// Registries that are allowed beside the ecosystem's own, by URL.
    pub registries: Vec<TextPattern>,
    /// Git repositories that are allowed, by URL: `https://github.com/acme/**`.
    pub git: Vec<TextPattern>,
    /// Plain URLs that are allowed.
    pub urls: Vec<TextPattern>,
}

impl Default for DeniedSource {
    fn default() -> Self {
        Self {
            level: Level::Warn,
            registries: Vec::new(),
            git: Vec::new(),
            urls: Vec::new(),
        }
    }
}

impl Settings for DeniedSource {
    const ABOUT: RuleText = RuleText {
        code: "denied-source",
        summary: "A component comes from a registry, a git repository or a URL that the policy does not allow.",
        why: "Advisories name packages of public registries. What comes from elsewhere has no advisories, no yanks and no second pair of eyes, \
              and a branch may hold other code tomorrow.",
        fix: "Use the published release, or allow the source in the policy.",
    };
}

impl Rule for DeniedSource {
    fn check(&self, evidence: &Evidence<'_>, objections: &mut Objections) {
        if self.level == Level::Off {
            return;
        }
        for component in &evidence.inventory.components {
            let (kind, url, allowed) = match &component.origin {
                Origin::Registry | Origin::Local => continue,
                Origin::AlternateRegistry(url) => ("the registry", url, &self.registries),
                Origin::Git(url) => ("the git repository", url, &self.git),
                Origin::Url(url) => ("the URL", url, &self.urls),
            };
            if allowed.iter().any(|pattern| pattern.matches(url) || pattern.matches(bare(url))) {
                continue;
            }
            let message = format!(
                "{} {} comes from {kind} {}, which is not allowed",
                component.name,
                component.version,
                shown(url)
            );
            let help = "use the published release, or allow the source in [rules.denied-source]".to_owned();
            objections
                .findings
                .push(advisories::of_component(&Self::ABOUT, self.level, component, message, help));
        }
    }
}

/// A git URL without its scheme prefix, query and revision: `git+https://h/x?branch=b#rev` is `https://h/x`.
fn bare(url: &str) -> &str {
    let url = url.strip_prefix("git+").or_else(|| url.strip_prefix("registry+")).unwrap_or(url);
    &url[..url.find(['?', '#']).unwrap_or(url.len())]
}

/// The URL without credentials and control characters.
fn shown(url: &str) -> String {
    shortened(&redact(bare(url)), 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_a_source_are_not_shown() {
        assert_eq!(shown("git+https://me:secret@h.example/x?branch=b#abc"), "https://h.example/x");
    }
}
