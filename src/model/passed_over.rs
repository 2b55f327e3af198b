//! What of a source tree was not looked into: no gap, since it is not the project's, or somebody said why. Every report shows it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A folder or file that the configuration leaves out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// A folder or a file, relative to the configuration's folder: `fixtures`. No pattern.
    pub path: String,
    /// Why it is not the service's. Every report shows it.
    pub reason: String,
}

/// Why something was not looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PassedReason {
    /// The configuration leaves it out: `[[inventory.exclude]]`.
    Excluded,
    /// git ignores it and tracks nothing in it.
    IgnoredByGit,
    /// `node_modules` or `target`, in which git tracks nothing.
    BuiltOrInstalled,
    /// Crates that cargo's configuration puts in the place of a registry's.
    VendoredCrates,
    /// Local packages of a lock file that was looked at alone: without the manifests nobody can tell what stands in for a published package.
    LocalPackages,
}

impl PassedReason {
    /// For people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Excluded => "excluded by the configuration",
            Self::IgnoredByGit => "ignored by git",
            Self::BuiltOrInstalled => "built or installed",
            Self::VendoredCrates => "vendored crates",
            Self::LocalPackages => {
                "local packages, taken for the project's own: a lock file alone does not tell which of them stand in for published ones"
            }
        }
    }
}

/// Folders and files that were not looked into, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PassedOver {
    /// Why nobody looked into it.
    pub reason: PassedReason,
    /// What the configuration says about it, for [`PassedReason::Excluded`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// How many files or folders of this kind were passed over.
    pub count: usize,
    /// The first [`Self::NAMED`] of them, sorted, relative to the tree.
    pub paths: Vec<String>,
}

impl PassedOver {
    /// How many are named.
    pub const NAMED: usize = 20;

    /// The names, with the number of those that are not named: `a, b, and 40 more`.
    #[must_use]
    pub fn named(&self, most: usize) -> String {
        let shown = self.paths.len().min(most);
        let mut text = self.paths[..shown].join(", ");
        if self.count > shown {
            text.push_str(&format!(", and {} more", self.count - shown));
        }
        text
    }

    /// Why, with the configuration's own words.
    #[must_use]
    pub fn why(&self) -> String {
        match &self.statement {
            Some(statement) => format!("{}: {statement}", self.reason.words()),
            None => self.reason.words().to_owned(),
        }
    }
}
