//! The output folder belongs to the run that works in it: who comes too late changes nothing there.

use std::fs::{self, File};
use std::process::Command;

use crate::support::sample::{CONFIG, Sample};

/// A rollout whose target is never reached: the lock is in front of it.
const ROLLOUT: &str = "[rollout]\ntarget = \"process\"\nstate = \"state\"\n[rollout.health]\nurl = \"http://127.0.0.1:9/readyz\"\n";
/// What the deployer at work has written.
const THEIRS: &str = "{\"schema\": \"portcullis/rollout/v1\", \"run\": \"theirs\", \"result\": \"committed\"}";

fn image(place: &Sample) -> String {
    let index: serde_json::Value = serde_json::from_slice(&fs::read(place.path("built/index.json")).unwrap()).unwrap();
    format!("oci:built@{}", index["manifests"][0]["digest"].as_str().unwrap())
}

#[test]
fn a_rollout_that_is_locked_out_leaves_the_report_of_the_one_at_work() {
    let place = Sample::new();
    place.write("portcullis.toml", &format!("{CONFIG}{ROLLOUT}"));
    place.write("target/portcullis/rollout.json", THEIRS);
    place.write("target/portcullis/verdict.json", "{}");
    let holder = |place: &Sample| {
        let state = place.path("state");
        fs::create_dir_all(&state).unwrap();
        let found = fs::read_dir(&state)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.is_dir());
        let folder = found.unwrap_or(state);
        let lock = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(folder.join("lock"))
            .unwrap();
        lock.lock().unwrap();
        lock
    };
    let lock = holder(&place);
    let args = ["rollout", &image(&place), "--unverified", "a test"];
    let (out, err) = place.ends(13, &args);
    assert!(format!("{out}{err}").contains("another deployer is at work"), "{out}{err}");
    let mut there: Vec<String> = fs::read_dir(place.path("target/portcullis"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    there.sort();
    assert_eq!(there, ["rollout.json", "verdict.json"]);
    assert_eq!(fs::read_to_string(place.path("target/portcullis/rollout.json")).unwrap(), THEIRS);
    // The control: whoever gets the lock says what became of it.
    drop(lock);
    let output = place.run(&args);
    assert_ne!(output.status.code(), Some(13));
}

#[test]
fn a_run_in_a_folder_that_another_one_works_in_is_locked_out_and_touches_nothing() {
    let place = Sample::new();
    place.ends(0, &["gate", "--until", "policy"]);
    let verdict = || fs::read(place.path("target/portcullis/verdict.json")).unwrap();
    let events = || fs::read(place.path("target/portcullis/events.ndjson")).unwrap();
    let before = (verdict(), events());
    place.advise("DEBIAN-CVE-2000-2", "bash", "2026-01-01T00:00:00Z");
    let folder = File::open(place.path("target/portcullis")).unwrap();
    folder.lock().unwrap();
    let out = place.path("target/portcullis").display().to_string();
    for args in [
        &["gate", "--until", "policy"][..],
        &["build"],
        &["check", "--output", &out],
        &["scan", "oci:built", "--output", &out],
    ] {
        let (_, err) = place.ends(13, args);
        assert!(err.contains("another run is at work in") && err.contains("--output"), "{err}");
    }
    assert_eq!((verdict(), events()), before);
    // The controls: elsewhere, and when it is free again.
    place.ends(1, &["gate", "--until", "policy", "--output", "elsewhere"]);
    drop(folder);
    place.ends(1, &["gate", "--until", "policy"]);
    assert_ne!(verdict(), before.0);
}

#[test]
fn who_writes_a_file_of_the_users_is_told_nothing_of_output_when_the_disk_is_full() {
    let place = Sample::new();
    let small = place.path("small");
    fs::create_dir(&small).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=8k", "tmpfs"])
        .arg(&small)
        .output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        return println!("skipped: a full disk (mounting a tmpfs needs root)");
    }
    place.write("small/Dockerfile", "FROM scratch\n");
    place.write("portcullis.toml", &format!("{CONFIG}waivers = \"small/waivers.toml\"\n"));
    place.write("small/waivers.toml", "");
    let filled = fs::write(small.join("filler"), vec![0; 64 * 1024]);
    let waive = place.run(&[
        "waive",
        "CVE-2021-25900",
        "--package",
        "pkg:deb/debian/bash",
        "--reason",
        "affected",
        "--statement",
        "soon",
        "--owner",
        "me",
    ]);
    let init = place.run(&["-C", "small", "init"]);
    let man = place.run(&["man", "small/man"]);
    let gate = place.run(&["gate", "--until", "policy", "--output", "small/out"]);
    let unmounted = Command::new("umount").arg(&small).status();
    assert!(filled.is_err() && unmounted.is_ok_and(|status| status.success()));
    for (what, output) in [("waive", waive), ("init", init), ("man", man)] {
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{what}: {err}");
        assert!(err.contains("the disk is full: make room and run it again"), "{what}: {err}");
        assert!(!err.contains("--output"), "{what}: {err}");
    }
    // The control: results of a run can go elsewhere.
    let err = String::from_utf8_lossy(&gate.stderr).into_owned();
    assert!(err.contains("disk is full") && err.contains("--output"), "{err}");
}
