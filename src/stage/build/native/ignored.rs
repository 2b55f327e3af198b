//! What git ignores in a checkout and in the repositories within it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::io::files::FileError;
use crate::io::git;
use crate::stage::build::BuildError;

/// Paths relative to a root: a folder stands for all that is in it.
#[derive(Debug, Default)]
pub(super) struct Ignored(BTreeSet<PathBuf>);

impl Ignored {
    /// What committed `.gitignore` files name below a root; nothing outside of a checkout.
    ///
    /// # Errors
    /// [`BuildError::Git`], [`BuildError::File`].
    pub(super) fn of(root: &Path) -> Result<Self, BuildError> {
        let mut ignored = Self::default();
        ignored.add(Path::new(""), root)?;
        Ok(ignored)
    }

    /// Adds what a repository within it ignores: git does not look into it from outside.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub(super) fn add(&mut self, folder: &Path, root: &Path) -> Result<(), BuildError> {
        let whole = root.join(folder);
        let Some(top) = git::top_level(&whole)? else { return Ok(()) };
        let whole = whole.canonicalize().map_err(|source| FileError::Read { path: whole, source })?;
        let below = whole.strip_prefix(&top).unwrap_or(Path::new(""));
        // Asked from the top: git gives up when it is asked in a folder that is ignored itself.
        for path in git::ignored_folders(&top)? {
            if below.starts_with(&path) {
                self.0.insert(folder.to_owned());
            } else if let Ok(within) = path.strip_prefix(below) {
                // Without the slash that git ends a folder with.
                self.0.insert(folder.join(within).components().collect());
            }
        }
        Ok(())
    }

    pub(super) fn holds(&self, path: &Path) -> bool {
        path.ancestors().any(|above| self.0.contains(above))
    }
}
