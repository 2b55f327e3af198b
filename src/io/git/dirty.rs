//! Whether a checkout holds what its commit says, whatever its configuration and its index would rather hide.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use super::GitError;
use super::filters::question_of_content;
use super::question::{ask, must, question, refused};
use crate::io::process::Program;

/// How many submodules deep.
const DEPTH: usize = 16;

/// True when files of a checkout are changed, added or missing, below its top but not below `ignored`.
///
/// Found as well: files that the index is told to skip or to take as unchanged, files that only `.git/info/exclude` or the user's
/// configuration ignores, and changes inside of submodules. What a `.gitignore` names is not looked at.
///
/// # Errors
/// [`GitError`].
pub(super) fn is_dirty(top: &Path, ignored: &[PathBuf]) -> Result<bool, GitError> {
    looks_dirty(top, ignored, 0)
}

/// True when nothing differs but files that only `.git/info/exclude` or the user's configuration ignores: what `git status` says nothing of.
///
/// # Errors
/// [`GitError`].
pub(super) fn is_hidden(top: &Path, ignored: &[PathBuf]) -> Result<bool, GitError> {
    let pathspecs = pathspecs(top, ignored);
    let status = question_of_content(top)?.args(["status", "--porcelain", "-z", "--no-renames", "--untracked-files=normal"]);
    let listed = status.args(["--ignore-submodules=dirty", "--"]).args(&pathspecs);
    Ok(answered(top, listed)?.is_empty() && !has_changes(top, &pathspecs)? && has_new_files(top, &pathspecs)?)
}

fn looks_dirty(top: &Path, ignored: &[PathBuf], depth: usize) -> Result<bool, GitError> {
    if depth > DEPTH {
        return Err(GitError::Refused {
            folder: top.to_owned(),
            reason: format!("submodules are nested more than {DEPTH} deep"),
        });
    }
    let pathspecs = pathspecs(top, ignored);
    Ok(has_new_files(top, &pathspecs)? || has_changes(top, &pathspecs)? || has_dirty_submodule(top, ignored, depth)?)
}

fn pathspecs(top: &Path, ignored: &[PathBuf]) -> Vec<String> {
    let mut all = vec![":/".to_owned()];
    for path in ignored {
        // The output folder of a first run is not there yet.
        let path = path.canonicalize().unwrap_or_else(|_| path.clone());
        if let Ok(inside) = path.strip_prefix(top) {
            all.push(format!(":(top,exclude,literal){}", inside.display()));
        }
    }
    all
}

/// Files that are not tracked. Only `.gitignore` files are listened to: they are part of what is committed.
fn has_new_files(top: &Path, pathspecs: &[String]) -> Result<bool, GitError> {
    let program = question(top).args(["ls-files", "--others", "-z", "--directory", "--no-empty-directory"]);
    let listed = program.args(["--exclude-per-directory=.gitignore", "--"]).args(pathspecs);
    Ok(!answered(top, listed)?.is_empty())
}

fn has_changes(top: &Path, pathspecs: &[String]) -> Result<bool, GitError> {
    let program = question_of_content(top)?;
    let (program, _index) = match without_flags(top)? {
        Some(index) => (program.env("GIT_INDEX_FILE", index.path()), Some(index)),
        None => (program, None),
    };
    let status = program.args(["status", "--porcelain", "-z", "--no-renames", "--untracked-files=no"]);
    let listed = status.args(["--ignore-submodules=dirty", "--"]).args(pathspecs);
    Ok(!answered(top, listed)?.is_empty())
}

/// A copy of the index in which no file is skipped or taken as unchanged; `None` where it tells git to do neither.
fn without_flags(top: &Path) -> Result<Option<tempfile::NamedTempFile>, GitError> {
    let listing = answered(top, question(top).args(["ls-files", "-v", "-z"]))?;
    let is_sparse = ask(top, &["config", "--type=bool", "--get", "core.sparseCheckout"])?.is_some_and(|on| on == "true");
    let mut flagged = Vec::new();
    for entry in listing.split(|byte| *byte == 0).filter(|entry| entry.len() > 2) {
        let (tag, path) = (entry[0], &entry[2..]);
        // `S` skips a file, a small letter takes it as unchanged.
        let skipped_by_plan = is_sparse && tag == b'S' && top.join(OsStr::from_bytes(path)).symlink_metadata().is_err();
        if (tag == b'S' || tag.is_ascii_lowercase()) && !skipped_by_plan {
            flagged.extend_from_slice(path);
            flagged.push(0);
        }
    }
    if flagged.is_empty() {
        return Ok(None);
    }
    let index = must(top, "rev-parse", &["rev-parse", "--path-format=absolute", "--git-path", "index"])?;
    let copy = tempfile::NamedTempFile::new().map_err(GitError::Index)?;
    std::fs::copy(index, copy.path()).map_err(GitError::Index)?;
    for flag in ["--no-assume-unchanged", "--no-skip-worktree"] {
        let update = question(top).args(["-c", "core.ignoreStat=false", "update-index", flag, "-z", "--stdin"]);
        update.env("GIT_INDEX_FILE", copy.path()).stdout_of(&flagged)?;
    }
    Ok(Some(copy))
}

/// Looks into the submodules that are there, each as a checkout of its own: asking for all at once would run their filters.
fn has_dirty_submodule(top: &Path, ignored: &[PathBuf], depth: usize) -> Result<bool, GitError> {
    let listing = answered(top, question(top).args(["ls-files", "--stage", "-z"]))?;
    for entry in listing.split(|byte| *byte == 0).filter(|entry| entry.starts_with(b"160000 ")) {
        let Some(tab) = entry.iter().position(|byte| *byte == b'\t') else {
            continue;
        };
        let folder = top.join(OsStr::from_bytes(&entry[tab + 1..]));
        if !folder.is_dir() {
            continue;
        }
        if !folder.join(".git").exists() {
            // One that was not fetched is an empty folder; git does not look at what else lies there.
            let mut inside = std::fs::read_dir(&folder).map_err(GitError::Index)?;
            if inside.next().is_some() {
                return Ok(true);
            }
            continue;
        }
        if looks_dirty(&super::top_level::top_level(&folder)?.unwrap_or(folder), ignored, depth + 1)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn answered(top: &Path, mut program: Program) -> Result<Vec<u8>, GitError> {
    let out: Output = program.output()?;
    if out.status.success() {
        Ok(out.stdout)
    } else {
        Err(refused(top, &out))
    }
}
