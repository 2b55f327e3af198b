//! The folder that a checkout begins in.

use std::path::{Path, PathBuf};

use super::GitError;
use super::question::must;

/// False where git need not be started to know that there is no repository: no folder above has one in it or is a bare one.
pub(super) fn is_in_repository(root: &Path) -> bool {
    let Ok(root) = root.canonicalize() else { return true };
    root.ancestors().any(|folder| is_marked(folder) || is_bare_one(folder))
}

/// True for what git takes for a repository without files.
fn is_bare_one(folder: &Path) -> bool {
    ["HEAD", "objects", "refs"].iter().all(|name| folder.join(name).exists())
}

/// True for a folder with a repository in it; a link that leads nowhere counts, and is an error later.
fn is_marked(folder: &Path) -> bool {
    folder.join(".git").symlink_metadata().is_ok()
}

/// The top folder of the checkout that holds `root`, without links; `None` outside of a checkout and in a bare repository.
///
/// # Errors
/// [`GitError`]; [`GitError::Elsewhere`] when the repository's configuration points to other files than those around it.
pub fn top_level(root: &Path) -> Result<Option<PathBuf>, GitError> {
    let whole = root.canonicalize().map_err(|source| GitError::Refused {
        folder: root.to_owned(),
        reason: source.to_string(),
    })?;
    let Some(folder) = whole.ancestors().find(|folder| is_marked(folder)) else {
        return Ok(None);
    };
    // Files of a checkout that look like a repository are asked by git before the repository itself.
    if let Some(inner) = whole
        .ancestors()
        .take_while(|inner| *inner != folder)
        .find(|inner| is_bare_one(inner))
    {
        return Err(GitError::Elsewhere {
            folder: folder.to_owned(),
            says: inner.to_owned(),
        });
    }
    let says = PathBuf::from(must(root, "rev-parse", &["rev-parse", "--show-toplevel"])?);
    let says = says.canonicalize().unwrap_or(says);
    if says != folder {
        return Err(GitError::Elsewhere {
            folder: folder.to_owned(),
            says,
        });
    }
    Ok(Some(says))
}
