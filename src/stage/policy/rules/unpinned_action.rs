//! `unpinned-action`: every action by full commit id.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Objections, Rule, RuleText, Settings};
use crate::io::workflow::is_commit;
use crate::model::coverage::{Gap, GapKind};
use crate::model::digest::Digest;
use crate::model::finding::Level;
use crate::stage::policy::Evidence;
use crate::stage::policy::pattern::TextPattern;

/// Settings of `unpinned-action`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct UnpinnedAction {
    /// How hard it weighs.
    pub level: Level,
    /// Actions that need no pin, without the reference: `acme/**`.
    pub trusted: Vec<TextPattern>,
}

impl Default for UnpinnedAction {
    fn default() -> Self {
        Self {
            level: Level::Warn,
            trusted: Vec::new(),
        }
    }
}

impl Settings for UnpinnedAction {
    const ABOUT: RuleText = RuleText {
        code: "unpinned-action",
        summary: "A workflow uses an action by a tag or a branch.",
        why: "An action runs with the workflow's token and secrets. Whoever can move its tag can run anything there; tags of popular actions have \
              been moved to steal secrets. A full commit id cannot be moved.",
        fix: "Write `uses: owner/name@<40 hexadecimal digits> # v1.2.3`; `docker://` images by `@sha256:`.",
    };
}

impl Rule for UnpinnedAction {
    fn check(&self, evidence: &Evidence<'_>, objections: &mut Objections) {
        if self.level == Level::Off {
            return;
        }
        for action in &evidence.context.actions {
            if is_pinned(&action.uses) || self.trusts(&action.uses) {
                continue;
            }
            let mut finding = Self::ABOUT.finding(self.level, format!("`{}` is not pinned to a commit", action.uses));
            finding.subject = Some(action.uses.clone());
            finding.help = Some(match action.uses.starts_with("docker://") {
                true => "name the image by `@sha256:…`".to_owned(),
                false => "name the full commit id, and the version in a comment".to_owned(),
            });
            finding.locations = vec![action.location.clone()];
            objections.findings.push(finding);
        }
    }

    /// What cannot be read or looked up weighs what a missing pin would: off, it is listed and blocks nothing.
    fn weigh(&self, gap: &Gap) -> Option<Level> {
        matches!(gap.kind, GapKind::UnreadableWorkflow | GapKind::UncheckedAction).then_some(self.level.max(Level::Warn))
    }
}

impl UnpinnedAction {
    fn trusts(&self, uses: &str) -> bool {
        let name = uses.split('@').next().unwrap_or(uses);
        self.trusted.iter().any(|pattern| pattern.matches(name))
    }
}

fn is_pinned(uses: &str) -> bool {
    // What lies in the repository is of the same commit.
    if uses.starts_with("./") {
        return true;
    }
    match (uses.starts_with("docker://"), uses.rsplit_once('@')) {
        (true, Some((_, digest))) => Digest::parse(digest).is_ok(),
        (false, Some((_, commit))) => is_commit(commit),
        (_, None) => false,
    }
}
