//! A container job whose checkout is another user's, so that git does not answer for it: what needs no commit works, and nothing is judged.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;

use super::committed::said;
use crate::support::checkout::committed;
use crate::support::sample::{CONFIG, Sample};

/// git as it is where the folders are somebody else's.
const GIT: &str = "#!/bin/sh\nPATH=\"${PATH#*:}\" GIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec git \"$@\"\n";

struct Job {
    place: Sample,
    bin: tempfile::TempDir,
}

impl Job {
    fn new() -> Self {
        let place = Sample::new();
        place.write("portcullis.toml", &format!("{CONFIG}[sign]\nkey = \"local:keys/portcullis.key\"\n"));
        place.write(".gitignore", "keys/*.key\npublished\ntarget\n.cache\n.state\n");
        committed(&place.path("."));
        let bin = tempfile::tempdir().unwrap();
        let git = bin.path().join("git");
        fs::write(&git, GIT).unwrap();
        crate::support::tools::executable(&git);
        Self { place, bin }
    }

    fn ends(&self, args: &[&str]) -> (Option<i32>, String) {
        let path = std::env::var("PATH").unwrap();
        let done = self
            .place
            .command(args)
            .env("CI", "true")
            .env("GITHUB_WORKSPACE", self.place.path("."))
            .env("PATH", format!("{}:{path}", self.bin.path().display()))
            .output()
            .unwrap();
        (done.status.code(), said(&done))
    }
}

#[test]
fn what_needs_no_commit_works_where_git_does_not_trust_the_checkout() {
    let job = Job::new();
    let kept = tempfile::tempdir().unwrap();
    let results = kept.path().display().to_string();
    job.place.ends(0, &["--output", &results, "gate", "--until", "publish"]);
    let verdict: Value = serde_json::from_slice(&fs::read(kept.path().join("verdict.json")).unwrap()).unwrap();
    let image = format!("oci:published@{}", verdict["subject"]["digest"].as_str().unwrap());
    for args in [
        &["verify", image.as_str(), "--key", "keys/portcullis.pub"][..],
        &["report", "--form", "csv", &results],
        &["feeds", "status"],
        &["waivers", "list"],
        &["help", "gate"],
    ] {
        let (code, told) = job.ends(args);
        assert_eq!(code, Some(0), "{args:?}: {told}");
    }
    let (_, told) = job.ends(&["doctor"]);
    assert!(
        told.contains("feed osv:Debian") && told.contains("safe.directory"),
        "one check among others: {told}"
    );
}

#[test]
fn nothing_is_judged_where_git_does_not_trust_the_checkout() {
    let job = Job::new();
    let outside = tempfile::tempdir().unwrap();
    symlink(outside.path(), job.place.path("res")).unwrap();
    for args in [
        &["gate", "--until", "policy"][..],
        &["check"],
        &["scan", "."],
        &["--output", "res", "scan", "oci:built"],
        &["--output", "res/x", "scan", "oci:built"],
    ] {
        let (code, told) = job.ends(args);
        assert_eq!(code, Some(64), "{args:?}: {told}");
    }
    assert!(fs::read_dir(outside.path()).unwrap().next().is_none());
    assert!(!job.place.path("target/portcullis/verdict.json").exists());
    // A result in the checkout may be the commit's own.
    job.place.ends(0, &["gate", "--until", "policy"]);
    let (code, told) = job.ends(&["report", "--form", "csv", "target/portcullis"]);
    assert!(code == Some(64) && told.contains("safe.directory"), "{told}");
    // The controls: whom git trusts.
    job.place.ends(0, &["report", "--form", "csv", "target/portcullis"]);
    assert!(Path::new(&job.place.path("target/portcullis/verdict.json")).exists());
}
