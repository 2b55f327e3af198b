//! `denied-license`: licences that the organisation cannot fulfil.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spdx::{Expression, LicenseReq, ParseMode};

use super::{Objections, Rule, RuleText, Settings, advisories};
use crate::model::finding::Level;
use crate::model::inventory::Component;
use crate::model::visible::shortened;
use crate::stage::policy::Evidence;
use crate::stage::policy::pattern::{PurlPattern, TextPattern};

/// Licences that are fine for some packages only.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exception {
    /// The packages.
    pub package: PurlPattern,
    /// SPDX ids that are fine for them.
    pub allow: Vec<TextPattern>,
}

/// Settings of `denied-license`. With both lists empty the rule is silent. Patterns: `*` stands for any characters.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DeniedLicense {
    /// How hard a licence that is not allowed weighs.
    pub level: Level,
    /// SPDX ids that are allowed: `MIT`, `Apache-2.0`, `BSD-*`. Empty: everything that `deny` does not name.
    pub allow: Vec<TextPattern>,
    /// SPDX ids that are not allowed: `AGPL-*`.
    pub deny: Vec<TextPattern>,
    /// How hard a component weighs that states no licence, or one that is no SPDX expression. Crates state theirs in the sources that
    /// cargo has unpacked on the machine.
    pub unclear: Level,
    /// More licences for some packages.
    pub exceptions: Vec<Exception>,
}

impl Default for DeniedLicense {
    fn default() -> Self {
        Self {
            level: Level::Deny,
            allow: Vec::new(),
            deny: Vec::new(),
            unclear: Level::Warn,
            exceptions: Vec::new(),
        }
    }
}

impl Settings for DeniedLicense {
    const ABOUT: RuleText = RuleText {
        code: "denied-license",
        summary: "A component's licence is not allowed.",
        why: "Shipping a component means accepting its conditions. `A OR B` is fine when one of them is allowed, `A AND B` when both are.",
        fix: "Replace the component, or let whoever answers for licences allow it in the policy, for this package alone where that is enough.",
    };
}

impl Rule for DeniedLicense {
    fn check(&self, evidence: &Evidence<'_>, objections: &mut Objections) {
        if !self.asks_for_licenses() {
            return;
        }
        for component in evidence.inventory.components.iter().filter(|component| !component.root) {
            let Some((level, message)) = self.objection(component) else {
                continue;
            };
            let help = "replace it, or allow the licence in [rules.denied-license]".to_owned();
            objections
                .findings
                .push(advisories::of_component(&Self::ABOUT, level, component, message, help));
        }
    }

    fn asks_for_licenses(&self) -> bool {
        self.level != Level::Off && !(self.allow.is_empty() && self.deny.is_empty())
    }
}

impl DeniedLicense {
    fn objection(&self, component: &Component) -> Option<(Level, String)> {
        let who = format!("{} {}", component.name, component.version);
        let unclear = |what: String| (self.unclear != Level::Off).then_some((self.unclear, what));
        if component.licenses.is_empty() {
            return unclear(format!("{who} states no licence"));
        }
        for text in &component.licenses {
            let shown = shortened(text, 120);
            let Ok(expression) = Expression::parse_mode(text, ParseMode::LAX) else {
                match unclear(format!("{who} is under `{shown}`, which is no SPDX expression")) {
                    Some(objection) => return Some(objection),
                    None => continue,
                }
            };
            if !expression.evaluate(|licence| self.is_allowed(licence, component)) {
                return Some((self.level, format!("{who} is under {shown}, which is not allowed")));
            }
        }
        None
    }

    fn is_allowed(&self, licence: &LicenseReq, component: &Component) -> bool {
        // `GPL-3.0-only WITH Classpath-exception-2.0` is asked for as a whole first, then by its licence alone.
        let whole = licence.to_string();
        let id = licence.license.id().map_or(whole.as_str(), |id| id.name);
        let names = |pattern: &TextPattern| pattern.matches(&whole) || pattern.matches(id);
        let excepted = |exception: &Exception| exception.package.matches(&component.purl) && exception.allow.iter().any(names);
        if self.exceptions.iter().any(excepted) {
            return true;
        }
        !self.deny.iter().any(names) && (self.allow.is_empty() || self.allow.iter().any(names))
    }
}
