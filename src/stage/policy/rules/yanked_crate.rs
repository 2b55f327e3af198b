//! `yanked-crate`: releases that their authors took back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::incomplete_inventory::GapLevel;
use super::{Objections, Rule, RuleText, Settings, advisories};
use crate::model::coverage::{Gap, GapKind};
use crate::model::finding::Level;
use crate::stage::policy::Evidence;

/// Settings of `yanked-crate`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct YankedCrate {
    /// How hard it weighs.
    pub level: Level,
    /// How hard it weighs that nothing is known of some crates: the registry's index was not asked, or does not list them.
    pub unknown: GapLevel,
}

impl Default for YankedCrate {
    fn default() -> Self {
        Self {
            level: Level::Warn,
            unknown: GapLevel::Warn,
        }
    }
}

impl Settings for YankedCrate {
    const ABOUT: RuleText = RuleText {
        code: "yanked-crate",
        summary: "A release was yanked from its registry.",
        why: "Authors yank a release that must not be used: it is broken, it leaks, or it was never meant to go out. A lock file keeps it alive.",
        fix: "`cargo update -p NAME` moves to the next release that was not yanked.",
    };
}

impl Rule for YankedCrate {
    fn check(&self, evidence: &Evidence<'_>, objections: &mut Objections) {
        if self.level == Level::Off {
            return;
        }
        let components = evidence.inventory.components.iter().enumerate();
        for (_, component) in components.filter(|(at, _)| evidence.is_yanked(*at)) {
            let message = format!("{} {} was yanked from its registry", component.name, component.version);
            let help = format!("cargo update -p {}@{}", component.name, component.version);
            objections
                .findings
                .push(advisories::of_component(&Self::ABOUT, self.level, component, message, help));
        }
    }

    fn weigh(&self, gap: &Gap) -> Option<Level> {
        let weighed = if self.level == Level::Off {
            Level::Warn
        } else {
            self.unknown.into()
        };
        (gap.kind == GapKind::UnknownYank).then_some(weighed)
    }
}
