//! `untraceable-tag`: from any tag one gets to the commit, and the same one every time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Objections, Rule, RuleText, Settings};
use crate::model::commit::{CLEAN_TREE, Commit};
use crate::model::finding::Level;
use crate::model::visible::shortened;
use crate::stage::policy::Evidence;

/// The label that names the commit an image was built from (OCI image specification, "Annotations").
const REVISION: &str = "org.opencontainers.image.revision";

/// Settings of `untraceable-tag`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct UntraceableTag {
    /// How hard it weighs.
    pub level: Level,
    /// Names that move from image to image and may therefore never be a tag.
    pub mutable_tags: Vec<String>,
    /// Allow tags that name the branch beside the commit (`{branch}-{sha}`).
    pub branch_tags: bool,
}

impl Default for UntraceableTag {
    fn default() -> Self {
        let mutable = [
            "latest",
            "main",
            "master",
            "develop",
            "dev",
            "edge",
            "nightly",
            "stable",
            "staging",
            "production",
            "prod",
        ];
        Self {
            level: Level::Deny,
            mutable_tags: mutable.map(str::to_owned).to_vec(),
            branch_tags: false,
        }
    }
}

impl Settings for UntraceableTag {
    const ABOUT: RuleText = RuleText {
        code: "untraceable-tag",
        summary: "What would be published cannot be traced to one commit.",
        why: "At three in the morning the tag is all one has. A tag that moves, a tree with changes that were never committed, a commit that no \
              branch and no git tag holds, or a label that names another commit leads to source that is not what runs, or to none.",
        fix: "Commit or remove what is changed, fetch the whole history, and tag with `{sha}`, the full commit id. Versions come from annotated \
              git tags.",
    };
}

impl Rule for UntraceableTag {
    fn check(&self, evidence: &Evidence<'_>, objections: &mut Objections) {
        if self.level == Level::Off || !evidence.context.publishes {
            return;
        }
        let mut object = |subject: &str, message: String, help: &str| {
            let mut finding = Self::ABOUT.finding(self.level, message);
            finding.subject = Some(subject.to_owned());
            finding.help = Some(help.to_owned());
            objections.findings.push(finding);
        };
        for tag in &evidence.context.tags {
            if self.mutable_tags.iter().any(|name| name.eq_ignore_ascii_case(tag)) {
                object(
                    tag,
                    format!("the tag `{tag}` moves from image to image"),
                    "leave it out of [image] tags",
                );
            }
        }
        let Some(commit) = &evidence.context.commit else {
            object(
                "HEAD",
                "there is no commit to trace the image to".to_owned(),
                "build from a git checkout",
            );
            return;
        };
        for (tag, message) in self.untraceable(&evidence.context.tags, &evidence.context.branch_tags, commit) {
            object(
                tag,
                message,
                "tags come from `{sha}`, `{short}` and annotated git tags (`{semver}`, `{git-tag}`) at the commit",
            );
        }
        if commit.unreachable {
            let message = format!(
                "commit {} is on no branch and has no tag: git forgets it one day",
                commit.sha.short()
            );
            object("HEAD", message, "put it on a branch or tag it, and push that");
        }
        if commit.dirty {
            let message = format!("the tree differs from commit {}", commit.sha.short());
            object("HEAD", message, CLEAN_TREE);
        }
        if !evidence.context.tags.iter().any(|tag| tag == commit.sha.as_str()) {
            let message = format!("no tag is the full commit id {}", commit.sha);
            object(
                "tags",
                message,
                "add `{sha}` to [image] tags, or as --tag '{sha}' beside those that --tag names",
            );
        }
        for (platform, message) in labels(evidence, commit) {
            object(&platform, message, "build the image from the commit that is checked out");
        }
    }

    fn denies_dirty_trees(&self) -> bool {
        self.level == Level::Deny
    }
}

impl UntraceableTag {
    /// Each tag that does not lead to the commit: it names neither the commit nor an annotated git tag there; or a branch, where the policy does not
    /// allow it.
    fn untraceable<'a>(&self, tags: &'a [String], of_branch: &[String], commit: &Commit) -> Vec<(&'a str, String)> {
        let leads_there = |tag: &str| {
            let versions = commit
                .tags
                .iter()
                .map(|name| name.strip_prefix('v').unwrap_or(name).replace('+', "_"));
            tag.contains(commit.sha.short())
                || commit.tags.iter().any(|name| tag.contains(name.as_str()))
                || versions.into_iter().any(|version| !version.is_empty() && tag.contains(&version))
        };
        let reason = |tag: &str| {
            if self.mutable_tags.iter().any(|name| name.eq_ignore_ascii_case(tag)) {
                None
            } else if !self.branch_tags && of_branch.iter().any(|named| named == tag) {
                Some(format!(
                    "the tag `{tag}` names a branch, and the policy does not allow that (`branch_tags`)"
                ))
            } else if !leads_there(tag) {
                Some(format!(
                    "the tag `{tag}` names neither commit {} nor an annotated git tag there",
                    commit.sha.short()
                ))
            } else {
                None
            }
        };
        tags.iter().filter_map(|tag| Some((tag.as_str(), reason(tag)?))).collect()
    }
}

/// Each platform whose revision label is missing or names another commit.
fn labels(evidence: &Evidence<'_>, commit: &Commit) -> Vec<(String, String)> {
    let platforms = evidence.inventory.platforms.iter();
    platforms
        .filter_map(|platform| {
            let message = match platform.config.labels.get(REVISION) {
                Some(label) if label == commit.sha.as_str() => return None,
                Some(label) => {
                    let label = shortened(label, 80);
                    format!("the image's revision label says `{label}`, HEAD is {}", commit.sha)
                }
                None => format!("the image has no label {REVISION}"),
            };
            Some((platform.platform.to_string(), message))
        })
        .collect()
}
