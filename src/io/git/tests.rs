//! Questions about checkouts that would rather not be asked.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::io::process::Program;

/// git as a person calls it, with everything that the checkout sets up.
fn git(folder: &Path, args: &[&str]) {
    Program::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"])
        .args(args)
        .current_dir(folder)
        .stdout()
        .expect("git");
}

/// A clean checkout with two files.
fn checkout() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("folder");
    git(dir.path(), &["init", "-q"]);
    fs::write(dir.path().join("a.rs"), "a").expect("written");
    fs::write(dir.path().join("b.rs"), "b").expect("written");
    git(dir.path(), &["add", "."]);
    git(dir.path(), &["commit", "-q", "-m", "x"]);
    dir
}

fn is_dirty(root: &Path) -> bool {
    commit(root, &[]).expect("asked").expect("commit").dirty
}

#[test]
fn a_new_file_makes_the_tree_dirty_unless_it_is_output() {
    let dir = tempfile::tempdir().expect("folder");
    assert!(commit_time(dir.path()).expect("asked").is_none());
    git(dir.path(), &["init", "-q"]);
    assert_eq!(commit(dir.path(), &[]).expect("no commit"), None);
    assert_eq!(commit_time(dir.path()).expect("no commit"), None);
    git(dir.path(), &["commit", "-q", "--allow-empty", "-m", "x"]);
    let out = dir.path().join("out");
    fs::create_dir(&out).expect("folder");
    fs::write(out.join("f"), "x").expect("written");
    let known = commit(dir.path(), &[]).expect("asked").expect("commit");
    assert!(known.dirty);
    // From a folder inside, and from a bare repository, which has no `.git`.
    assert_eq!(commit_time(&out).expect("asked"), Some(known.time));
    let other = tempfile::tempdir().expect("folder");
    let bare = other.path().join("bare.git");
    git(dir.path(), &["clone", "-q", "--bare", ".", &bare.display().to_string()]);
    assert_eq!(commit(&bare, &[]).expect("asked").map(|commit| commit.sha), Some(known.sha));
    assert!(!commit(dir.path(), &[out]).expect("asked").expect("commit").dirty);
}

#[test]
fn a_change_that_the_index_hides_is_found() {
    for flag in ["--skip-worktree", "--assume-unchanged"] {
        let dir = checkout();
        git(dir.path(), &["update-index", flag, "a.rs"]);
        // The control: a flag alone changes nothing.
        assert!(!is_dirty(dir.path()), "{flag}");
        fs::write(dir.path().join("a.rs"), "evil").expect("written");
        assert!(is_dirty(dir.path()), "{flag}");
        fs::remove_file(dir.path().join("a.rs")).expect("removed");
        assert!(is_dirty(dir.path()), "{flag}, deleted");
    }
}

#[test]
fn a_file_that_only_this_machine_ignores_is_found() {
    let settings: [&[&str]; 2] = [
        &["config", "status.showUntrackedFiles", "no"],
        &["config", "core.excludesFile", ".git/mine"],
    ];
    for setting in settings {
        let dir = checkout();
        git(dir.path(), setting);
        fs::create_dir_all(dir.path().join(".git/info")).expect("folder");
        fs::write(dir.path().join(".git/info/exclude"), "*.rs\n").expect("written");
        fs::write(dir.path().join(".git/mine"), "*.rs\n").expect("written");
        assert!(!is_dirty(dir.path()), "the control");
        fs::write(dir.path().join("new.rs"), "evil").expect("written");
        assert!(is_dirty(dir.path()), "{setting:?}");
    }
    // What a committed `.gitignore` names is meant to lie there.
    let dir = checkout();
    fs::write(dir.path().join(".gitignore"), "target\n").expect("written");
    git(dir.path(), &["add", "."]);
    git(dir.path(), &["commit", "-q", "-m", "ignore"]);
    fs::create_dir(dir.path().join("target")).expect("folder");
    fs::write(dir.path().join("target/x"), "x").expect("written");
    assert!(!is_dirty(dir.path()));
}

#[test]
fn a_tree_that_git_status_calls_clean_is_told_apart() {
    for place in [".git/info/exclude", ".git/mine"] {
        let dir = checkout();
        git(dir.path(), &["config", "core.excludesFile", ".git/mine"]);
        fs::create_dir_all(dir.path().join(".git/info")).expect("folder");
        fs::write(dir.path().join(place), "new.rs\n").expect("written");
        let alone = || has_hidden_files_alone(dir.path(), &[]).expect("asked");
        assert!(!alone(), "{place}: nothing is there");
        fs::write(dir.path().join("new.rs"), "evil").expect("written");
        assert!(is_dirty(dir.path()) && alone(), "{place}");
        // Beside a change that `git status` lists, that is what is to be told.
        fs::write(dir.path().join("a.rs"), "other").expect("written");
        assert!(is_dirty(dir.path()) && !alone(), "{place}");
        git(dir.path(), &["checkout", "-q", "a.rs"]);
        fs::write(dir.path().join("seen.txt"), "x").expect("written");
        assert!(!alone(), "{place}");
    }
}

#[test]
fn a_change_with_the_old_size_and_time_is_found() {
    let dir = checkout();
    git(dir.path(), &["config", "core.trustctime", "false"]);
    git(dir.path(), &["config", "core.checkStat", "minimal"]);
    // The index must be younger than the file, or git compares the content anyway.
    let file = dir.path().join("a.rs");
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    let set = |file: &Path| {
        fs::File::options()
            .write(true)
            .open(file)
            .and_then(|f| f.set_modified(old))
            .expect("time")
    };
    set(&file);
    git(dir.path(), &["update-index", "--refresh"]);
    // git compares whole seconds.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    fs::write(&file, "z").expect("written");
    set(&file);
    assert!(is_dirty(dir.path()));
}

#[test]
fn a_change_inside_of_an_ignored_submodule_is_found() {
    let inner = checkout();
    let dir = checkout();
    let url = inner.path().display().to_string();
    git(
        dir.path(),
        &["-c", "protocol.file.allow=always", "submodule", "add", "-q", &url, "sub"],
    );
    git(dir.path(), &["config", "submodule.sub.ignore", "all"]);
    git(dir.path(), &["commit", "-q", "-m", "sub"]);
    assert!(!is_dirty(dir.path()), "the control");
    fs::write(dir.path().join("sub/a.rs"), "evil").expect("written");
    assert!(is_dirty(dir.path()));
}

#[test]
fn no_program_of_the_checkout_runs_by_looking_at_it() {
    let dir = checkout();
    let root = dir.path();
    let gone_off = root.join(".git/gone-off");
    let trap = root.join(".git/trap");
    fs::write(&trap, format!("#!/bin/sh\ntouch {}\ncat\n", gone_off.display())).expect("written");
    fs::set_permissions(&trap, fs::Permissions::from_mode(0o755)).expect("mode");
    let trap = trap.display().to_string();
    fs::write(root.join(".gitattributes"), "*.rs filter=mine diff=mine\n").expect("written");
    git(root, &["add", "."]);
    git(root, &["commit", "-q", "-m", "attributes"]);
    let settings = [
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "core.alternateRefsCommand",
        "diff.external",
        "diff.mine.textconv",
        "diff.mine.command",
        "filter.mine.clean",
        "filter.mine.smudge",
        "filter.mine.process",
        "gpg.program",
        "credential.helper",
        "alias.status",
    ];
    for setting in settings {
        git(root, &["config", setting, &trap]);
    }
    git(root, &["config", "log.showSignature", "true"]);
    git(root, &["config", "core.hooksPath", ".git"]);
    // An index that is not up to date makes git look at every file's content.
    fs::write(root.join("a.rs"), "changed").expect("written");
    assert!(is_dirty(root));
    assert!(!tracked_files(root).expect("asked").expect("checkout").is_empty());
    assert_eq!(ignored_folders(root).expect("asked"), Vec::<std::path::PathBuf>::new());
    let blame = question_of_content(root)
        .expect("asked")
        .args(["blame", "--no-textconv", "--line-porcelain", "--", "b.rs"])
        .stdout();
    assert!(blame.is_ok());
    assert!(!gone_off.exists());
    // The control: as anybody calls git, the trap goes off.
    Program::new("git").args(["diff"]).current_dir(root).output().expect("git");
    assert!(gone_off.exists());
}

#[test]
fn a_repository_that_git_does_not_answer_for_is_no_clean_tree() {
    let dir = checkout();
    fs::write(dir.path().join(".git/HEAD"), "damaged").expect("written");
    assert!(matches!(commit(dir.path(), &[]), Err(GitError::Refused { .. })));
    assert!(tracked_files(dir.path()).is_err());
    // The control: no repository is no error.
    let dir = tempfile::tempdir().expect("folder");
    assert!(commit(dir.path(), &[]).expect("asked").is_none());
    assert!(tracked_files(dir.path()).expect("asked").is_none());
}

#[test]
fn a_repository_of_other_files_is_refused() {
    let (dir, other) = (checkout(), checkout());
    git(dir.path(), &["config", "core.worktree", &other.path().display().to_string()]);
    assert!(matches!(commit(dir.path(), &[]), Err(GitError::Elsewhere { .. })));
    assert!(matches!(tracked_files(dir.path()), Err(GitError::Elsewhere { .. })));
}

#[test]
fn a_bare_repository_in_a_checkout_does_not_speak_for_it() {
    let dir = checkout();
    let inner = dir.path().join("sub");
    git(dir.path(), &["clone", "-q", "--bare", ".", "sub"]);
    assert!(matches!(commit(&inner, &[]), Err(GitError::Elsewhere { .. })));
    assert!(matches!(tracked_files(&inner), Err(GitError::Elsewhere { .. })));
}

#[test]
fn a_token_in_the_remote_is_no_evidence() {
    let dir = checkout();
    git(dir.path(), &["remote", "add", "origin", "https://me:t0ken@example.com/a/b.git"]);
    let known = commit(dir.path(), &[]).expect("asked").expect("commit");
    assert_eq!(known.source.as_deref(), Some("https://example.com/a/b.git"));
}

#[test]
fn a_commit_that_only_a_detached_head_names_is_told_and_one_that_a_tag_or_branch_holds_is_not() {
    let dir = checkout();
    let known = || commit(dir.path(), &[]).expect("asked").expect("commit");
    git(dir.path(), &["checkout", "-q", "-b", "feature/x"]);
    assert_eq!((known().branch.as_deref(), known().unreachable), (Some("feature/x"), false));
    git(dir.path(), &["checkout", "-q", "--detach"]);
    assert_eq!((known().branch, known().unreachable), (None, false), "the branch holds it");
    git(dir.path(), &["commit", "-q", "--allow-empty", "-m", "y"]);
    assert!(known().unreachable);
    // A stash is this checkout's own.
    fs::write(dir.path().join("a.rs"), "changed").expect("written");
    git(dir.path(), &["stash", "-q"]);
    assert!(known().unreachable);
    git(dir.path(), &["tag", "light"]);
    assert_eq!(
        (known().unreachable, known().tags.len()),
        (false, 0),
        "it holds the commit, and is no version of it"
    );
    git(dir.path(), &["tag", "-a", "-m", "v", "v1.0.0"]);
    assert_eq!(known().tags, ["v1.0.0"]);
    git(dir.path(), &["commit", "-q", "--allow-empty", "-m", "z"]);
    assert_eq!(
        (known().unreachable, known().tags.len()),
        (true, 0),
        "the tags are those of the commit before"
    );
}

#[test]
fn a_shallow_clone_knows_its_commit_and_a_moved_submodule_makes_the_tree_dirty() {
    let (dir, outer) = (checkout(), tempfile::tempdir().expect("folder"));
    git(dir.path(), &["tag", "-a", "-m", "v", "v1.0.0"]);
    let (from, to) = (format!("file://{}", dir.path().display()), outer.path().join("shallow"));
    git(outer.path(), &["clone", "-q", "--depth=1", &from, &to.display().to_string()]);
    let known = commit(&to, &[]).expect("asked").expect("commit");
    assert!(!known.unreachable && !known.dirty && known.branch.is_some());
    git(&to, &["checkout", "-q", "--detach"]);
    assert!(
        !commit(&to, &[]).expect("asked").expect("commit").unreachable,
        "the remote's branch holds it"
    );

    let whole = outer.path().join("whole");
    git(outer.path(), &["init", "-q", "whole"]);
    git(
        &whole,
        &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &from, "sub"],
    );
    git(&whole, &["commit", "-q", "-m", "x"]);
    assert!(!is_dirty(&whole));
    git(&whole.join("sub"), &["commit", "-q", "--allow-empty", "-m", "moved"]);
    assert!(is_dirty(&whole), "the submodule is at another commit than the one that is recorded");
}
