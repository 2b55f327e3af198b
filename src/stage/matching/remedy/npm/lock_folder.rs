//! Where in the tree a lock file is, and the manifests that it speaks of.

use std::path::{Path, PathBuf};

use crate::model::inventory::Location;

/// A lock file, and the folder of the sources that it is in.
#[derive(Clone, Copy)]
pub(super) struct LockFolder<'a> {
    pub(super) root: &'a Path,
    /// The folder of the lock file, relative to the root.
    pub(super) folder: &'a Path,
    /// The largest file that is read.
    pub(super) limit: u64,
}

impl LockFolder<'_> {
    /// A folder that the lock file names, relative to the root of the sources.
    pub(super) fn inside(&self, folder: &str) -> PathBuf {
        let parts = self.folder.join(folder);
        parts.components().filter(|part| part.as_os_str() != ".").collect()
    }
}

/// The `package.json` of a package of the tree.
pub(super) fn manifest(folder: &Path) -> Location {
    Location::path(folder.join("package.json").display().to_string())
}
