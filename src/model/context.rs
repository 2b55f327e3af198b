//! What rules may know of the run beside the image: the repository and what is planned.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::commit::Commit;
use super::coverage::Gap;
use super::digest::Digest;
use super::inventory::{Fact, Location};

/// A base image that a Dockerfile (or the configuration) names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeclaredBase {
    /// As written: `debian:12`, `scratch`, `debian@sha256:…`.
    pub image: String,
    /// The Dockerfile and the line.
    pub location: Location,
}

/// An action that a workflow uses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ActionUse {
    /// As written: `actions/checkout@v4`, `./local`, `docker://alpine:3`.
    pub uses: String,
    /// The version that a comment gives to its commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The workflow file and the line.
    pub location: Location,
}

/// Who wrote one waiver entry, as `git blame` says of its lines (the lines of `approved_by` left out: approvers add themselves there).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WaiverAuthors {
    /// Line of the entry in the waiver file, from 1.
    pub line: u32,
    /// Mail addresses, lower case, sorted.
    pub authors: Vec<String>,
    /// True when some line of it is not committed: its author is not known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uncommitted: bool,
    /// True when the history of some line is not here (a shallow clone): its author is not known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// True when some line of it could not be attributed, or none of its lines says anything beside its approval.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unattributed: bool,
}

/// What is known of the repository and the plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Context {
    /// The commit; none where the tree is no git checkout.
    pub commit: Option<Commit>,
    /// The time that somebody asked about, if it is not the real one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_as_of: Option<Timestamp>,
    /// The tags that publishing would write.
    pub tags: Vec<String>,
    /// Those of them that name a branch.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub branch_tags: Vec<String>,
    /// True when a publication is planned at all: tag rules are silent for a bare scan.
    pub publishes: bool,
    /// True for an image that somebody named: it need not be this project's, whose waivers are about its own.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub elsewhere: bool,
    /// Base images, sorted.
    pub base_images: Vec<DeclaredBase>,
    /// Actions, sorted.
    pub actions: Vec<ActionUse>,
    /// Secrets in tracked files.
    pub tracked_secrets: Vec<Fact>,
    /// Layers whose facts came from the cache of an earlier run, sorted: the policy trusts it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cached_layers: Vec<Digest>,
    /// Who wrote each waiver entry, sorted by line; none where the waiver file has no history.
    pub waiver_authors: Option<Vec<WaiverAuthors>>,
    /// What of the repository could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
}
