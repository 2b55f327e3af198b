//! A tree that `git status` calls clean and that is not the one of its commit: only `.gitignore` files are part of a commit.

use std::process::Command;

use crate::support::sample::Sample;

#[test]
fn files_that_only_this_machine_ignores_are_told_with_a_command_that_lists_them() {
    let place = Sample::new();
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@example.org"]);
        let done = git.args(arguments).current_dir(place.path(".")).output().unwrap();
        assert!(done.status.success(), "{arguments:?}");
        String::from_utf8(done.stdout).unwrap()
    };
    let doctor = || {
        let output = place.run(&["doctor"]);
        let said = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&said).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    place.write(".gitignore", "target\n.cache\n.state\n");
    git(&["init", "--quiet", "--initial-branch", "trunk"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "a"]);
    place.write(".git/info/exclude", "mine.txt\n");
    assert!(!doctor().contains("info/exclude"), "the control");
    place.write("mine.txt", "x");
    assert_eq!(git(&["status", "--short"]), "");
    let said = doctor();
    let command = "git ls-files --others --exclude-per-directory=.gitignore :/";
    assert!(
        said.contains("only .git/info/exclude or core.excludesFile ignores") && said.contains(command),
        "{said}"
    );
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    assert_eq!(git(&words), "mine.txt\n");
    // What the status lists is told as before.
    place.write("other.txt", "x");
    let said = doctor();
    assert!(
        said.contains("changes that are in no commit") && !said.contains("info/exclude"),
        "{said}"
    );
}
