//! Questions about a checkout as a whole.

use super::top_level::{is_in_repository, top_level};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::question::{answer, ask, must, paths, question};
use super::{GitError, dirty};
use crate::io::process::{ProcessError, Program};
use crate::model::commit::{Commit, CommitSha};
use crate::model::excused::Excused as _;
use crate::model::logins;

const HEAD: [&str; 4] = ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"];
const TIME: [&str; 4] = ["show", "--no-patch", "--format=%ct", "HEAD"];
const NAMES: [&str; 5] = [
    "for-each-ref",
    "refs/tags",
    "refs/heads",
    "--points-at=HEAD",
    "--format=%(objecttype) %(refname) %(HEAD)",
];
/// Two, since one may be a stash, which nobody but this checkout has.
const HOLDERS: [&str; 4] = ["for-each-ref", "--contains=HEAD", "--count=2", "--format=%(refname)"];

/// The commit of the checkout that holds `root`; `None` where there is no checkout or no commit.
/// Files below `ignored` (the gate's own output) do not make the tree dirty.
///
/// # Errors
/// [`GitError`] when there is a repository and git does not answer for it.
pub fn commit(root: &Path, ignored: &[PathBuf]) -> Result<Option<Commit>, GitError> {
    if !is_in_repository(root) {
        return Ok(None);
    }
    let top = top_level(root)?;
    let Some(sha) = ask(root, &HEAD)? else { return Ok(None) };
    let sha = CommitSha::parse(&sha).map_err(|_| answer("rev-parse", &sha))?;
    let time = timestamp(&must(root, "show", &TIME)?)?;
    let names = must(root, "for-each-ref", &NAMES)?;
    let mut tags: Vec<String> = names
        .lines()
        .filter_map(|line| line.strip_prefix("tag refs/tags/"))
        .map(|name| name.trim_end().to_owned())
        .collect();
    tags.sort();
    let current = names.lines().find_map(|line| line.strip_prefix("commit ")?.strip_suffix(" *"));
    let branch = current.and_then(|name| name.strip_prefix("refs/heads/")).map(str::to_owned);
    let unreachable = branch.is_none() && must(root, "for-each-ref", &HOLDERS)?.lines().all(|name| name == "refs/stash");
    let dirty = match top {
        Some(top) => dirty::is_dirty(&top, ignored)?,
        // A bare repository has no files.
        None => false,
    };
    let origin = ask(root, &["remote", "get-url", "origin"])?;
    Ok(Some(Commit {
        sha,
        time,
        dirty,
        source: origin.as_deref().and_then(logins::of_remote),
        tags,
        branch,
        unreachable,
    }))
}

/// The branch that a checkout's pushes are meant for: the remote's own, where it is known, else the one that is checked out, also before its first
/// commit. `None` outside of a checkout and for a detached HEAD.
///
/// # Errors
/// As [`commit`].
pub fn delivered_branch(root: &Path) -> Result<Option<String>, GitError> {
    if !is_in_repository(root) {
        return Ok(None);
    }
    for (name, before) in [("refs/remotes/origin/HEAD", "refs/remotes/origin/"), ("HEAD", "refs/heads/")] {
        let named = ask(root, &["symbolic-ref", "--quiet", name])?;
        if let Some(branch) = named.as_deref().and_then(|name| name.strip_prefix(before)) {
            return Ok(Some(branch.to_owned()));
        }
    }
    Ok(None)
}

/// True where a dirty tree differs by nothing but files that `.git/info/exclude` or the user's configuration ignores: `git status` is clean there.
///
/// # Errors
/// As [`commit`].
pub fn has_hidden_files_alone(root: &Path, ignored: &[PathBuf]) -> Result<bool, GitError> {
    match top_level(root)? {
        Some(top) => dirty::is_hidden(&top, ignored),
        None => Ok(false),
    }
}

/// The time of the commit that [`commit`] gives, by one question instead of many.
///
/// # Errors
/// As [`commit`].
pub fn commit_time(root: &Path) -> Result<Option<Timestamp>, GitError> {
    if !is_in_repository(root) || ask(root, &HEAD)?.is_none() {
        return Ok(None);
    }
    timestamp(&must(root, "show", &TIME)?).map(Some)
}

fn timestamp(seconds: &str) -> Result<Timestamp, GitError> {
    let time = seconds
        .parse()
        .or_none("the caller says that the answer is odd")
        .and_then(|seconds| Timestamp::from_second(seconds).or_none("the caller says that the answer is odd"));
    time.ok_or_else(|| answer("show", seconds))
}

/// The folder of the checkout's hooks, `core.hooksPath` and worktrees respected; `None` outside of a checkout.
///
/// # Errors
/// [`GitError`].
pub fn hooks_folder(root: &Path) -> Result<Option<PathBuf>, GitError> {
    if !is_in_repository(root) {
        return Ok(None);
    }
    // Where they lie is the question: here the setting counts. `rev-parse` runs none.
    let path = Program::new("git")
        .current_dir(root)
        .args(["rev-parse", "--path-format=absolute", "--git-path", "hooks"])
        .stdout()?;
    Ok(Some(PathBuf::from(OsStr::from_bytes(path.trim_ascii_end()))))
}

/// True in a repository that has no files to look at.
///
/// # Errors
/// [`GitError`].
pub fn is_bare(root: &Path) -> Result<bool, GitError> {
    Ok(is_in_repository(root) && must(root, "rev-parse", &["rev-parse", "--is-inside-work-tree"])? == "false")
}

/// The text of a file below `root` in a commit; `None` where the commit is not here, or has no such file.
///
/// # Errors
/// As [`tracked_files`](super::tracked_files).
pub fn text_in(root: &Path, commit: &str, file: &str) -> Result<Option<String>, GitError> {
    match top_level(root)? {
        None => Ok(None),
        Some(_) => ask(root, &["show", &format!("{commit}:./{file}")]),
    }
}

/// Folders and files below `root` that git ignores and does not track, relative to it; a folder that holds no tracked file stands for all that
/// is in it. Empty outside of a checkout.
///
/// # Errors
/// As [`tracked_files`](super::tracked_files).
pub fn ignored_folders(root: &Path) -> Result<Vec<PathBuf>, GitError> {
    let Some(top) = top_level(root)? else { return Ok(Vec::new()) };
    // git 2.39 cannot list what is ignored from within an ignored folder: it is asked from the top, which is as true.
    let Ok(whole) = root.canonicalize() else { return Ok(Vec::new()) };
    let inside = whole.strip_prefix(&top).unwrap_or(Path::new(""));
    // Only what is committed says what is ignored: neither `.git/info/exclude` nor the user's configuration.
    let listed = [
        "ls-files",
        "-z",
        "--others",
        "--ignored",
        "--directory",
        "--exclude-per-directory=.gitignore",
    ];
    let listed = paths(&top, &listed)?;
    let below = listed.iter().filter_map(|path| {
        let below = path
            .strip_prefix(inside)
            .or_none("what lies elsewhere in the checkout is not asked about")?;
        Some(below.to_owned())
    });
    let is_all = listed.iter().any(|path| inside.starts_with(path));
    // A folder that is ignored whole was named by whoever asks: nothing in it is less its own than the rest.
    Ok(if is_all { Vec::new() } else { below.collect() })
}

/// Clones the newest commit of a repository. The only question that may use the network.
///
/// # Errors
/// [`ProcessError`].
pub fn clone(url: &str, into: &Path, beside: &Path) -> Result<(), ProcessError> {
    let clone = question(beside).args(["clone", "--quiet", "--depth=1", "--no-tags", "--single-branch", "--", url]);
    clone.args([into]).env("GIT_ALLOW_PROTOCOL", "https:http:ssh:git:file").stdout()?;
    Ok(())
}
