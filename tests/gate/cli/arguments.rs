//! What the command line does with wrong input, before any stage runs.

use std::fs;
use std::path::Path;
use std::process::Output;

use assert_cmd::Command;

use crate::support::checkout::committed;
use crate::support::tools;

/// Runs the program in a folder, with caches and state of its own.
pub(super) fn portcullis(dir: &Path, args: &[&str]) -> Output {
    crate::support::portcullis()
        .current_dir(dir)
        .env("HOME", dir)
        .env("COLUMNS", "200")
        .env("XDG_CACHE_HOME", dir.join(".cache"))
        .env("XDG_STATE_HOME", dir.join(".state"))
        .env_remove("PORTCULLIS_CONFIG")
        .args(args)
        .output()
        .expect("the program runs")
}

pub(super) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(super) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("folder");
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        fs::write(path, text).expect("written");
    }
    dir
}

#[test]
fn a_mistyped_verb_is_a_usage_error_with_the_nearest_verb() {
    let dir = folder(&[]);
    let output = portcullis(dir.path(), &["scna"]);
    assert_eq!(output.status.code(), Some(64));
    let text = stderr(&output);
    assert!(text.contains("'scan'"), "{text}");
    assert!(text.lines().last().expect("a line").starts_with("portcullis: exit 64"), "{text}");
}

#[test]
fn an_unknown_key_in_the_configuration_points_at_itself_and_suggests_the_nearest() {
    let dir = folder(&[("portcullis.toml", "[feeds]\nmax_agee = \"24h\"\n")]);
    let output = portcullis(dir.path(), &["gate"]);
    assert_eq!(output.status.code(), Some(64));
    let text = stderr(&output);
    for part in ["unknown key `max_agee`", "portcullis.toml:2:1", "did you mean `max_age`?"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn an_impossible_value_says_what_is_allowed() {
    for (config, expected) in [
        ("[feeds]\nmax_age = \"a while\"\n", "24h"),
        ("[build]\nusing = \"magic\"\n", "native"),
        ("[image]\nrepository = \"ghcr.io/acme/x:latest\"\n", "without tag or digest"),
        ("[image]\ntags = [\"{shaa}\"]\n", "{sha}"),
        ("[sign]\nkey = \"-----BEGIN PRIVATE KEY-----\"\n", "env:NAME"),
        (
            "[rollout]\ntarget = \"process\"\n[rollout.health]\nurl = \"http://127.0.0.1:8080/\"\nsuccesses = 0\n",
            "at least 1",
        ),
        ("[rollout]\ntarget = \"process\"\n[rollout.health]\n", "`url`, `tcp` and `command`"),
    ] {
        let dir = folder(&[("portcullis.toml", config)]);
        committed(dir.path());
        let output = portcullis(dir.path(), &["gate"]);
        assert_eq!(output.status.code(), Some(64), "{config}\n{}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{expected} in\n{}", stderr(&output));
    }
}

#[test]
fn a_folder_that_is_not_there_is_a_usage_error() {
    let dir = folder(&[]);
    let output = portcullis(dir.path(), &["-C", "nowhere", "gate"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(stderr(&output).contains("nowhere"));
}

#[test]
fn a_scan_of_nothing_says_what_could_be_scanned() {
    let dir = folder(&[]);
    let output = portcullis(dir.path(), &["scan", "nothing-here"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(stderr(&output).contains("sbom:FILE"), "{}", stderr(&output));
}

#[test]
fn the_hook_lets_an_existing_one_run_and_gives_it_back() {
    let dir = folder(&[]);
    let git = |args: &[&str]| Command::new("git").current_dir(dir.path()).args(args).output().expect("git");
    git(&["init", "-q"]);
    git(&["config", "core.hooksPath", "hooks"]);
    fs::create_dir(dir.path().join("hooks")).expect("folder");
    let hook = dir.path().join("hooks/pre-push");
    fs::write(&hook, "#!/bin/sh\necho mine\n").expect("written");

    assert!(portcullis(dir.path(), &["hook", "install"]).status.success());
    let text = fs::read_to_string(&hook).expect("hook");
    assert!(text.contains("check") && text.contains("pre-push.before-portcullis"), "{text}");
    assert!(
        portcullis(dir.path(), &["hook", "install"]).status.success(),
        "installing twice is no error"
    );
    assert!(portcullis(dir.path(), &["hook", "uninstall"]).status.success());
    assert_eq!(fs::read_to_string(&hook).expect("hook"), "#!/bin/sh\necho mine\n");
}

#[test]
fn explain_needs_no_run_before_it() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = folder(&[]);
    fs::copy(repository.join("fixtures/service/Cargo.lock"), dir.path().join("Cargo.lock")).expect("copied");
    let feed = repository.join("fixtures/advisories/demo").display().to_string();
    let feeds = ["--osv", &feed, "--max-age", "36500d"];
    for (target, from) in [(None, "this folder, judged"), (Some("Cargo.lock"), "Cargo.lock, judged")] {
        let words: Vec<&str> = ["explain", "smallvec"].into_iter().chain(target).chain(feeds).collect();
        let output = portcullis(dir.path(), &words);
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "{out}\n{}", stderr(&output));
        for word in [from, "RUSTSEC-2021-0003", "0.6.14"] {
            assert!(out.contains(word), "{word} in\n{out}");
        }
    }
    let nothing: Vec<&str> = ["explain", "CVE-1999-1"].into_iter().chain(feeds).collect();
    let output = portcullis(dir.path(), &nothing);
    assert_eq!(output.status.code(), Some(64));
    assert!(stderr(&output).contains("nothing in this folder answers"), "{}", stderr(&output));
    assert!(!dir.path().join("target").exists(), "a question leaves no files");
}

#[test]
fn a_blocked_scan_is_replayed_explained_rechecked_and_waived() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = folder(&[]);
    fs::copy(repository.join("fixtures/service/Cargo.lock"), dir.path().join("Cargo.lock")).expect("copied");
    let feed = repository.join("fixtures/advisories/demo").display().to_string();
    let scan = ["scan", "Cargo.lock", "--osv", &feed, "--max-age", "36500d", "--output", "out"];
    let at = |args: &[&str], code: i32, word: &str| {
        let output = portcullis(dir.path(), args);
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}\n{out}\n{}", stderr(&output));
        assert!(out.contains(word), "{word} in\n{out}");
    };
    at(&scan, 1, "RUSTSEC-2021-0003");
    at(&["replay", "out"], 0, "identical");
    at(&["explain", "CVE-2021-25900", "--evidence", "out"], 0, "0.6.14");
    at(&["explain", "CVE-2021-25900", "--output", "out"], 0, "out, judged");
    at(
        &["recheck", "out/evidence.json", "--osv", &feed, "--max-age", "36500d"],
        1,
        "1 blocked",
    );
    at(
        &[
            "waive",
            "RUSTSEC-2021-0003",
            "--output",
            "out",
            "--reason",
            "affected",
            "--statement",
            "known",
            "--owner",
            "me",
        ],
        0,
        "policies/waivers.toml",
    );
    at(&scan, 0, "waived");

    let file = dir.path().join("out/verdict.json");
    let text = fs::read_to_string(&file).expect("verdict").replace("cleared", "blocked");
    fs::write(&file, text).expect("written");
    at(&["replay", "out"], 2, "different");
}

#[test]
fn the_gate_passes_its_own_gate() {
    let Some(shared) = tools::shared() else { return };
    let dir = folder(&[]);
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    fs::copy(own, dir.path().join("Cargo.lock")).expect("copied");
    let feed = shared.join("mirror").display().to_string();
    let output = portcullis(dir.path(), &["scan", "Cargo.lock", "--osv", &feed, "--max-age", "36500d"]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        stderr(&output)
    );
}
