//! Checkouts that tests make with git, under one name.

use std::path::Path;
use std::process::Command;

/// Runs git in a folder; it must end well.
#[track_caller]
pub(crate) fn git(folder: &Path, arguments: &[&str]) {
    let done = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "git {arguments:?}: {said}");
}

/// A repository with one commit, of everything that is in the folder.
#[track_caller]
pub(crate) fn committed(folder: &Path) {
    git(folder, &["init", "-q", "-b", "trunk"]);
    git(folder, &["add", "-A"]);
    git(folder, &["commit", "-q", "--allow-empty", "-m", "x"]);
}
