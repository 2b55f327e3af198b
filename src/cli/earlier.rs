//! Results that a run in a CI reads and that are not its own.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::model::excused::Excused as _;

/// A folder of results as it was when a run began.
#[derive(Debug)]
pub(super) struct Earlier {
    folder: PathBuf,
    verdict: Option<Written>,
}

/// Which file a verdict is: a run writes another one for its own.
#[derive(Debug, PartialEq, Eq)]
struct Written {
    device: u64,
    number: u64,
    changed: (i64, i64),
}

impl Earlier {
    /// What lies in a folder now.
    pub(super) fn of(folder: PathBuf) -> Self {
        let verdict = Written::of(&folder);
        Self { folder, verdict }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// True where the verdict of before is the one that lies there.
    pub(super) fn is_there(&self) -> bool {
        self.verdict.is_some() && Written::of(&self.folder) == self.verdict
    }
}

impl Written {
    fn of(folder: &Path) -> Option<Self> {
        let found = folder.join("verdict.json").symlink_metadata().or_none("no verdict, no answer")?;
        Some(Self {
            device: found.dev(),
            number: found.ino(),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }
}
