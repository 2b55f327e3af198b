//! Where a journal lies, for people: a file of this machine, or what a swarm or a cluster keeps.

use std::fmt;
use std::path::Path;

/// Where a journal lies, and what forgets it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JournalPlace {
    /// A path, or whose journal it is.
    pub(super) shown: String,
    /// What people do to forget it.
    pub(super) forget: String,
}

impl JournalPlace {
    /// A file of this machine.
    pub(super) fn file(path: &Path) -> Self {
        Self {
            shown: path.display().to_string(),
            forget: "move the file away".to_owned(),
        }
    }

    /// What a target keeps, which a command of its own tools forgets.
    pub(super) fn kept_by(shown: &str, command: &str) -> Self {
        Self {
            shown: format!("the journal that {shown} keeps"),
            forget: format!("`{command}`"),
        }
    }
}

impl fmt::Display for JournalPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}
