//! One way to ask git, in which no program that a checkout names is run.
//!
//! A checkout's `.git/config` may name programs for many occasions. What can be switched off by a setting is switched off here; filters and
//! text conversions go by names that the checkout chooses: see [`super::filters`]. The user's own configuration counts (it says which
//! folders are safe); variables called `GIT_…` do not, as those of every child are on an allow list.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use super::GitError;
use crate::io::process::Program;
use crate::model::visible::visible;

/// Settings that win over every configuration file. Source: git-config(1).
const SETTINGS: [&str; 15] = [
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.editor=false",
    "core.askPass=",
    "core.sshCommand=false",
    "core.alternateRefsCommand=false",
    // What makes a changed file look like an unchanged one.
    "core.checkStat=default",
    "core.trustctime=true",
    "core.untrackedCache=false",
    "diff.external=",
    "log.showSignature=false",
    "gpg.program=false",
    "submodule.recurse=false",
    // A file beside the objects could name other parents than they do.
    "core.commitGraph=false",
];

/// git, ready for a question about a folder.
pub fn question(folder: &Path) -> Program {
    let program = Program::new("git").current_dir(folder).args(["--no-pager"]);
    let settings = SETTINGS.iter().flat_map(|setting| ["-c", setting]);
    program
        .args(settings)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        // Nothing may hide a commit or a file.
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        .env("GIT_GRAFT_FILE", "/dev/null")
        // No object is worth a connection: a promised one that is missing would start whatever the remote's address names.
        .env("GIT_ALLOW_PROTOCOL", "none")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("LC_ALL", "C")
}

/// Asks, and gives git's whole answer.
///
/// # Errors
/// [`GitError::Process`] when git cannot be started.
pub(super) fn output(root: &Path, args: &[&str]) -> Result<Output, GitError> {
    Ok(question(root).args(args).output()?)
}

/// Asks for a text. `None` if git knows of no such thing: it says so by ending with 1 or 2 and no more.
///
/// # Errors
/// [`GitError::Process`], [`GitError::Refused`].
pub(super) fn ask(root: &Path, args: &[&str]) -> Result<Option<String>, GitError> {
    let out = output(root, args)?;
    match out.status.code() {
        Some(0) => Ok(Some(text(&out.stdout))),
        Some(1 | 2) => Ok(None),
        _ => Err(refused(root, &out)),
    }
}

/// Asks for a text that must be there.
///
/// # Errors
/// As [`ask`]; [`GitError::Answer`] when there is none.
pub(super) fn must(root: &Path, what: &'static str, args: &[&str]) -> Result<String, GitError> {
    ask(root, args)?.ok_or_else(|| answer(what, "nothing"))
}

pub(super) fn refused(root: &Path, out: &Output) -> GitError {
    let reason = String::from_utf8_lossy(&out.stderr);
    let reason = reason.lines().next().unwrap_or_default();
    let reason = if reason.is_empty() {
        out.status.to_string()
    } else {
        reason.to_owned()
    };
    let reason = match reason.contains("dubious ownership") {
        // In a container job the checkout is often another user's.
        true => format!("{reason}; `git config --global --add safe.directory FOLDER` says that it may be asked"),
        false => reason,
    };
    GitError::Refused {
        folder: root.to_owned(),
        reason: visible(&reason).into_owned(),
    }
}

pub(super) fn answer(what: &'static str, answer: &str) -> GitError {
    GitError::Answer {
        what,
        answer: visible(&answer.chars().take(80).collect::<String>()).into_owned(),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

/// The paths that an answer lists, each ended by a NUL.
///
/// # Errors
/// [`GitError`] where git does not answer, or not well.
pub(super) fn paths(root: &Path, args: &[&str]) -> Result<Vec<PathBuf>, GitError> {
    let out = output(root, args)?;
    if !out.status.success() {
        return Err(refused(root, &out));
    }
    let names = out.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names.map(|name| PathBuf::from(OsStr::from_bytes(name))).collect())
}
