//! The git commit that a service is built from.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How a tree becomes the one of its commit. `git status` says nothing of files that only `.git/info/exclude` or `core.excludesFile` ignores, and they
/// are in no commit all the same.
pub const CLEAN_TREE: &str = "commit or remove what `git status` lists, and what only ignore files of your own hide from it: \
    `git ls-files --others --exclude-per-directory=.gitignore :/`";

/// A full git commit id: 40 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommitSha(String);

/// Why a text is not a [`CommitSha`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a full commit id: expected 40 lower-case hexadecimal digits")]
pub struct CommitShaError(String);

impl CommitSha {
    /// Parses 40 lower-case hexadecimal digits.
    ///
    /// # Errors
    /// [`CommitShaError`] for every other text; abbreviations are not resolved here.
    pub fn parse(text: &str) -> Result<Self, CommitShaError> {
        let valid = text.len() == 40 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(CommitShaError(text.chars().take(80).collect()))
        }
    }

    /// The 40 hexadecimal digits, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 12 digits, for people and for `sha-{short}` tags.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

impl fmt::Display for CommitSha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for CommitSha {
    type Error = CommitShaError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<CommitSha> for String {
    fn from(sha: CommitSha) -> Self {
        sha.0
    }
}

/// What git says of the checkout that is built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// The commit that HEAD names.
    pub sha: CommitSha,
    /// The committer's time; every date written into an image or a report comes from here.
    pub time: Timestamp,
    /// True when a tracked file differs from HEAD, or an untracked one is not ignored.
    pub dirty: bool,
    /// The URL of the remote `origin`, credentials removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Annotated tags that point at the commit, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The branch that is checked out; `None` for a detached HEAD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// True when no branch and no tag leads to the commit: a detached HEAD alone names it, and git forgets it one day.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unreachable: bool,
}
