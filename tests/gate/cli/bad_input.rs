//! Bad input from end to end: the stated exit code, a reason a tired person understands, and nothing published.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use crate::support::images;
use crate::support::sample::{CONFIG, STATUS, Sample as Place, layer};

/// The one layer's blob: the largest.
fn largest(place: &Place) -> PathBuf {
    let blobs = fs::read_dir(place.path("built/blobs/sha256")).expect("blobs");
    let mut blobs: Vec<PathBuf> = blobs.map(|entry| entry.expect("entry").path()).collect();
    blobs.sort_by_key(|path| fs::metadata(path).expect("blob").len());
    blobs.pop().expect("a blob")
}

/// Exit code, words on stderr or stdout, last line; and that nothing was published.
#[track_caller]
fn assert_ends(place: &Place, output: &Output, code: i32, words: &[&str]) {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "stdout:\n{out}\nstderr:\n{err}");
    for word in words {
        assert!(
            out.contains(word) || err.contains(word),
            "`{word}` in\nstdout:\n{out}\nstderr:\n{err}"
        );
    }
    let last = err.lines().last().expect("a last line");
    assert!(last.starts_with(&format!("portcullis: exit {code}")), "{last}");
    assert!(!place.path("published").join("index.json").exists(), "nothing may be published");
}

#[test]
fn the_place_clears_and_publishes_when_nothing_is_wrong() {
    let place = Place::new();
    let output = place.run(&["gate"]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(place.path("published/index.json").exists());
}

#[test]
fn a_truncated_layer_is_undecidable() {
    let place = Place::new();
    let file = largest(&place);
    let bytes = fs::read(&file).expect("read");
    fs::write(&file, &bytes[..bytes.len() / 2]).expect("written");
    assert_ends(
        &place,
        &place.run(&["gate"]),
        2,
        &[&file.file_name().expect("name").to_string_lossy()[..12]],
    );
}

#[test]
fn a_wrong_digest_is_undecidable() {
    let place = Place::new();
    let file = largest(&place);
    let mut bytes = fs::read(&file).expect("read");
    let at = bytes.len() / 3;
    bytes[at] ^= 1;
    fs::write(&file, &bytes).expect("written");
    assert_ends(
        &place,
        &place.run(&["gate"]),
        2,
        &[&file.file_name().expect("name").to_string_lossy()[..12]],
    );
}

#[test]
fn a_broken_lock_file_is_undecidable() {
    let place = Place::new();
    place.write("broken/Cargo.lock", "version = 4\n[[package]]\nname = \"a\"\nversion = ");
    assert_ends(&place, &place.run(&["scan", "broken"]), 2, &["Cargo.lock"]);
}

#[test]
fn a_half_parsed_package_database_is_undecidable() {
    let place = Place::new();
    images::image(
        &place.path("half"),
        &[layer(&format!("{STATUS}Package: half\nStatus: install ok installed\n\n"))],
    );
    assert_ends(
        &place,
        &place.run(&["scan", "oci:half"]),
        2,
        &["partial-database", "var/lib/dpkg/status"],
    );
}

#[test]
fn an_image_without_any_package_is_undecidable() {
    let place = Place::new();
    images::image(&place.path("empty"), &[]);
    assert_ends(&place, &place.run(&["scan", "oci:empty"]), 2, &["empty-inventory"]);
}

#[test]
fn a_broken_policy_is_a_usage_error_that_points_at_its_place() {
    let place = Place::new();
    place.write("policy.toml", "[rules.root-user]\nlevle = \"off\"\n");
    assert_ends(&place, &place.run(&["gate"]), 64, &["policy.toml:2", "levle", "level"]);
}

#[test]
fn a_broken_waiver_file_is_undecidable_and_points_at_its_place() {
    let place = Place::new();
    place.write("policies/waivers.toml", "[[waiver]]\nid = \"CVE-2000-1\"\nexpire = 2026-01-01\n");
    assert_ends(&place, &place.run(&["gate"]), 2, &["waivers.toml", "expire"]);
}

#[test]
fn an_unreachable_feed_is_named() {
    let place = Place::new();
    let config = CONFIG.replace("osv = \"feed\"", "osv = \"http://127.0.0.1:9\"");
    place.write("portcullis.toml", &config);
    assert_ends(&place, &place.run(&["gate"]), 69, &["127.0.0.1:9"]);
}

#[test]
fn an_ecosystem_without_a_feed_is_undecidable() {
    let place = Place::new();
    fs::remove_dir_all(place.path("feed/Debian")).expect("removed");
    assert_ends(&place, &place.run(&["gate"]), 2, &["uncovered-ecosystem"]);
}

#[test]
fn a_stale_feed_is_undecidable() {
    let place = Place::new();
    place.write("portcullis.toml", &CONFIG.replace("36500d", "24h"));
    assert_ends(&place, &place.run(&["gate"]), 2, &["stale-feed"]);
}

#[test]
fn a_full_disk_is_never_a_pass() {
    let place = Place::new();
    let small = place.path("small");
    fs::create_dir(&small).expect("folder");
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=16k", "tmpfs"])
        .arg(&small)
        .output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        return println!("skipped: a full disk (mounting a tmpfs needs root)");
    }
    let output = place.run(&["gate", "--output", "small/out"]);
    let unmounted = Command::new("umount").arg(&small).status();
    assert!(unmounted.is_ok_and(|status| status.success()));
    assert_ends(&place, &output, 2, &["disk is full"]);
}
