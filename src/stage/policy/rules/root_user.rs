//! `root-user`: the image's process does not start as root.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Objections, Rule, RuleText, Settings};
use crate::model::finding::Level;
use crate::model::inventory::{Fact, FactKind};
use crate::stage::policy::Evidence;

/// Settings of `root-user`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RootUser {
    /// How hard it weighs.
    pub level: Level,
}

impl Default for RootUser {
    fn default() -> Self {
        Self { level: Level::Deny }
    }
}

impl Settings for RootUser {
    const ABOUT: RuleText = RuleText {
        code: "root-user",
        summary: "The image starts its process as root.",
        why: "A process that is taken over has the rights it runs with. Root in a container is root of everything mounted into it, and one \
              kernel bug away from root of the host.",
        fix: "Add `USER` with a name or a number other than 0 to the Dockerfile; the native builder does so by itself.",
    };
}

impl Rule for RootUser {
    fn check(&self, evidence: &Evidence<'_>, objections: &mut Objections) {
        if self.level == Level::Off {
            return;
        }
        for platform in &evidence.inventory.platforms {
            let user = platform.config.user.as_deref().unwrap_or_default();
            let of_platform = |fact: &&Fact| fact.platform.as_ref().is_none_or(|of| *of == platform.platform);
            let accounts = evidence.inventory.facts.iter().filter(|fact| fact.kind == FactKind::RootAccount);
            let account = accounts.filter(of_platform).find(|fact| fact.detail == account_of(user));
            if !is_root(user) && account.is_none() {
                continue;
            }
            let written = match user {
                user if !is_root(user) => format!("states the user `{user}`, whose uid in `/etc/passwd` is 0"),
                "" => "states no user, which is root".to_owned(),
                user => format!("states the user `{user}`"),
            };
            let mut finding = Self::ABOUT.finding(self.level, format!("the image {written}"));
            finding.subject = Some(platform.platform.to_string());
            finding.help = Some("add `USER 65532:65532` (or another non-root user) to the image".to_owned());
            objections.findings.push(finding);
        }
    }
}

/// The account or uid of `user[:group]`.
fn account_of(user: &str) -> &str {
    user.split(':').next().unwrap_or(user).trim()
}

/// `root`, any spelling of 0 that the engines read as a number, or nothing at all; the group does not matter.
fn is_root(user: &str) -> bool {
    let name = account_of(user);
    name.is_empty() || name == "root" || name.parse::<i64>() == Ok(0)
}

#[cfg(test)]
mod tests {
    use super::is_root;

    #[test]
    fn every_spelling_of_root_is_root() {
        for user in ["", "root", "0", "00", "0:1000", "root:staff", ":1000", " 0", "+0", "-0", "+00:0"] {
            assert!(is_root(user), "{user:?}");
        }
        for user in ["65532", "65532:0", "app", "rooty", "10", "0x0", "+"] {
            assert!(!is_root(user), "{user:?}");
        }
    }
}
