//! What git says of a checkout. `git` is called as a program.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::process::{ProcessError, Program};
use crate::model::commit::{Commit, CommitSha};

/// Why git could not be asked.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum GitError {
    /// The program failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Process(#[from] ProcessError),
    /// It answered something else than expected.
    #[error("git {what} gave an answer that cannot be read: {answer}")]
    #[diagnostic(code(io::git))]
    Answer {
        /// Which question.
        what: &'static str,
        /// The answer, cut.
        answer: String,
    },
}

/// The commit of the checkout that holds `root`, or none where there is no checkout or no commit.
/// Files below `ignored` (the gate's own output) do not make the tree dirty.
///
/// # Errors
/// [`GitError`] when git is there and a question fails that must not.
pub fn commit(root: &Path, ignored: &[PathBuf]) -> Result<Option<Commit>, GitError> {
    if !may_be_checkout(root) {
        return Ok(None);
    }
    let Ok(sha) = ask(root, &["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]) else {
        return Ok(None);
    };
    let sha = CommitSha::parse(&sha).map_err(|_| answer("rev-parse", &sha))?;
    let time = timestamp(&ask(root, &TIME)?)?;
    let tags = ask(
        root,
        &[
            "for-each-ref",
            "refs/tags",
            "--points-at=HEAD",
            "--format=%(objecttype) %(refname:short)",
        ],
    )?;
    let mut tags: Vec<String> = tags
        .lines()
        .filter_map(|line| line.strip_prefix("tag "))
        .map(str::to_owned)
        .collect();
    tags.sort();
    Ok(Some(Commit {
        sha,
        time,
        dirty: is_dirty(root, ignored)?,
        source: ask(root, &["remote", "get-url", "origin"])
            .ok()
            .map(|url| without_credentials(&url)),
        tags,
    }))
}

/// The time of the commit that [`commit`] gives, by one question instead of many.
///
/// # Errors
/// [`GitError::Answer`].
pub fn commit_time(root: &Path) -> Result<Option<Timestamp>, GitError> {
    let seconds = may_be_checkout(root).then(|| ask(root, &TIME).ok()).flatten();
    seconds.map(|seconds| timestamp(&seconds)).transpose()
}

const TIME: [&str; 4] = ["show", "--no-patch", "--format=%ct", "HEAD"];

fn timestamp(seconds: &str) -> Result<Timestamp, GitError> {
    let time = seconds.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.ok_or_else(|| answer("show", seconds))
}

/// False where git need not be started to know that there is no checkout: no folder above has a repository in it or is a bare one.
fn may_be_checkout(root: &Path) -> bool {
    if std::env::var_os("GIT_DIR").is_some() {
        return true;
    }
    let Ok(root) = root.canonicalize() else { return true };
    let looks_like_one = |folder: &Path| folder.join(".git").exists() || folder.join("HEAD").exists();
    root.ancestors().any(looks_like_one)
}

/// The top folder of the checkout that holds `root`.
#[must_use]
pub fn top_level(root: &Path) -> Option<PathBuf> {
    ask(root, &["rev-parse", "--show-toplevel"]).ok().map(PathBuf::from)
}

/// The folder of the checkout's hooks, `core.hooksPath` and worktrees respected; none outside a checkout.
#[must_use]
pub fn hooks_folder(root: &Path) -> Option<PathBuf> {
    ask(root, &["rev-parse", "--path-format=absolute", "--git-path", "hooks"])
        .ok()
        .map(PathBuf::from)
}

/// True in a repository that has no files to look at.
#[must_use]
pub fn is_bare(root: &Path) -> bool {
    ask(root, &["rev-parse", "--is-inside-work-tree"]).is_ok_and(|answer| answer == "false")
}

/// Every file that git tracks below `root`, relative to it, in git's order; none outside a checkout.
#[must_use]
pub fn tracked_files(root: &Path) -> Option<Vec<PathBuf>> {
    if !may_be_checkout(root) {
        return None;
    }
    let listing = Program::new("git").args(["ls-files", "-z"]).current_dir(root);
    let out = listing.env("GIT_OPTIONAL_LOCKS", "0").stdout().ok()?;
    let names = out.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Some(
        names
            .map(|name| PathBuf::from(String::from_utf8_lossy(name).into_owned()))
            .collect(),
    )
}

fn is_dirty(root: &Path, ignored: &[PathBuf]) -> Result<bool, GitError> {
    let Some(top) = top_level(root) else { return Ok(false) };
    let mut args = vec!["status".to_owned(), "--porcelain".to_owned(), "--".to_owned(), ":/".to_owned()];
    let top = top.canonicalize().unwrap_or(top);
    for path in ignored {
        let path = path.canonicalize().unwrap_or_else(|_| path.clone());
        if let Ok(inside) = path.strip_prefix(&top) {
            args.push(format!(":(top,exclude,literal){}", inside.display()));
        }
    }
    let changes = Program::new("git")
        .args(&args)
        .current_dir(root)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdout()?;
    Ok(!changes.is_empty())
}

fn ask(root: &Path, args: &[&str]) -> Result<String, ProcessError> {
    let out = Program::new("git")
        .args(args)
        .current_dir(root)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdout()?;
    Ok(String::from_utf8_lossy(&out).trim().to_owned())
}

fn answer(what: &'static str, answer: &str) -> GitError {
    GitError::Answer {
        what,
        answer: answer.chars().take(80).collect(),
    }
}

/// `https://user:token@host/x` without `user:token@`.
fn without_credentials(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let host_end = rest.find('/').unwrap_or(rest.len());
            let host = rest[..host_end].rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}{}", &rest[host_end..])
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_a_remote_are_removed() {
        assert_eq!(
            without_credentials("https://me:secret@example.com/a/b.git"),
            "https://example.com/a/b.git"
        );
        assert_eq!(without_credentials("git@example.com:a/b.git"), "git@example.com:a/b.git");
    }

    #[test]
    fn a_new_file_makes_the_tree_dirty_unless_it_is_output() {
        let dir = tempfile::tempdir().expect("folder");
        let git = |args: &[&str]| {
            Program::new("git")
                .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
                .args(args)
                .current_dir(dir.path())
                .stdout()
                .expect("git")
        };
        assert!(!may_be_checkout(dir.path()) && commit_time(dir.path()).expect("asked").is_none());
        git(&["init", "-q"]);
        assert_eq!(commit(dir.path(), &[]).expect("no commit"), None);
        assert_eq!(commit_time(dir.path()).expect("no commit"), None);
        git(&["commit", "-q", "--allow-empty", "-m", "x"]);
        let out = dir.path().join("out");
        std::fs::create_dir(&out).expect("folder");
        std::fs::write(out.join("f"), "x").expect("written");
        let known = commit(dir.path(), &[]).expect("asked").expect("commit");
        assert!(known.dirty);
        // From a folder inside, and from a bare repository, which has no `.git`.
        assert_eq!(commit_time(&out).expect("asked"), Some(known.time));
        git(&["clone", "-q", "--bare", ".", "bare.git"]);
        let bare = dir.path().join("bare.git");
        assert_eq!(commit(&bare, &[]).expect("asked").map(|commit| commit.sha), Some(known.sha));
        std::fs::remove_dir_all(&bare).expect("removed");
        assert!(!commit(dir.path(), &[out]).expect("asked").expect("commit").dirty);
    }
}
