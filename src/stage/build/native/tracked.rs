//! What git's index says of files: that they are there, their mode, their content.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::io::git;
use crate::stage::build::BuildError;

/// Tracked files by their paths, relative to a root, of a checkout and of the repositories within it.
#[derive(Debug, Default)]
pub(super) struct Tracked(BTreeMap<PathBuf, git::Tracked>);

impl Tracked {
    /// Adds what the index of the repository says that a folder, relative to the root, lies in.
    ///
    /// # Errors
    /// [`BuildError::Git`].
    pub(super) fn add(&mut self, folder: &Path, root: &Path) -> Result<(), BuildError> {
        for (path, tracked) in git::staged(&root.join(folder))? {
            // A submodule's own index says more than the line that names it.
            self.0.insert(folder.join(path), tracked);
        }
        Ok(())
    }

    /// True where git keeps a file as one that can be started; none where it does not track it.
    pub(super) fn is_executable(&self, path: &Path) -> Option<bool> {
        self.0.get(path).map(|tracked| tracked.mode == 0o100_755)
    }

    /// The first path at or below one that the commit has and the checkout has not, and what brings it.
    pub(super) fn missing(&self, below: &Path, root: &Path) -> Option<(&Path, &'static str)> {
        let within = self.0.iter().filter(|(path, _)| path.starts_with(below) || below.starts_with(path));
        within.into_iter().find_map(|(path, tracked)| {
            let whole = root.join(path);
            match tracked.mode {
                0o160_000 if whole.join(".git").symlink_metadata().is_err() => {
                    Some((path.as_path(), "fetch the submodule: `git submodule update --init --recursive`"))
                }
                0o160_000 => None,
                _ if path.starts_with(below) && whole.symlink_metadata().is_err() => Some((
                    path.as_path(),
                    "bring it back: `git restore --ignore-skip-worktree-bits PATH`; `git sparse-checkout disable` where the checkout is sparse",
                )),
                _ => None,
            }
        })
    }

    /// The first of some files, relative to the root, whose bytes are not those that git keeps: line ends, keywords, large files kept elsewhere.
    ///
    /// # Errors
    /// [`BuildError::Git`].
    pub(super) fn differing<'p>(&self, files: &'p [PathBuf], root: &Path) -> Result<Option<&'p Path>, BuildError> {
        let known: Vec<(&Path, &str)> = files
            .iter()
            .filter_map(|path| Some((path.as_path(), self.0.get(path)?.blob.as_str())))
            .collect();
        let paths: Vec<&Path> = known.iter().map(|(path, _)| *path).collect();
        let blobs = git::blobs(root, &paths)?;
        let found = known.iter().zip(&blobs).find(|((_, kept), is)| *kept != is.as_str());
        Ok(found.map(|((path, _), _)| *path))
    }
}
