//! What git ignores in a checkout and in the repositories within it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::io::git::{self, GitError};

/// Paths relative to a root: a folder stands for all that is in it.
#[derive(Debug, Default)]
pub(super) struct Ignored(BTreeSet<PathBuf>);

impl Ignored {
    /// What committed `.gitignore` files name below a root; nothing outside of a checkout.
    ///
    /// # Errors
    /// [`GitError`].
    pub(super) fn of(root: &Path) -> Result<Self, GitError> {
        let mut ignored = Self::default();
        ignored.add(Path::new(""), root)?;
        Ok(ignored)
    }

    /// Adds what a repository within it ignores: git does not look into it from outside.
    ///
    /// # Errors
    /// [`GitError`].
    pub(super) fn add(&mut self, folder: &Path, root: &Path) -> Result<(), GitError> {
        let within = git::ignored_folders(&root.join(folder))?;
        // Without the slash that git ends a folder with.
        self.0
            .extend(within.into_iter().map(|path| folder.join(path).components().collect()));
        Ok(())
    }

    pub(super) fn holds(&self, path: &Path) -> bool {
        path.ancestors().any(|above| self.0.contains(above))
    }
}
