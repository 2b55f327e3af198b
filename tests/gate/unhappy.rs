//! Bad input from end to end: the stated exit code, a reason a tired person understands, and nothing published.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::images;

/// A folder with an image of one small Debian layer, a configuration that judges it, and a feed that knows no advisory.
struct Place {
    dir: tempfile::TempDir,
}

const CONFIG: &str = r#"
[service]
name = "sample"
[build]
using = "image"
image = "oci:built"
[image]
repository = "oci:published"
[feeds]
osv = "feed"
max_age = "36500d"
[policy]
document = "policy.toml"
"#;

/// Everything that is about the repository and the image's user is another test's business.
const POLICY: &str = r#"
[rules.root-user]
level = "off"
[rules.untraceable-tag]
level = "off"
"#;

const STATUS: &str = "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2.15-2\n\n";

impl Place {
    fn new() -> Self {
        let place = Self {
            dir: tempfile::tempdir().expect("folder"),
        };
        images::image(&place.path("built"), &[layer(STATUS)]);
        place.write("portcullis.toml", CONFIG);
        place.write("policy.toml", POLICY);
        place.write("feed/Debian/modified_id.csv", "2026-01-01T00:00:00Z,DEBIAN-CVE-2000-1\n");
        let record = r#"{"id":"DEBIAN-CVE-2000-1","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"Debian:12","name":"zsh"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}"#;
        place.write("feed/Debian/DEBIAN-CVE-2000-1.json", record);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        fs::write(path, text).expect("written");
    }

    fn run(&self, args: &[&str]) -> Output {
        run(self.dir.path(), args)
    }

    /// The one layer's blob: the largest.
    fn layer(&self) -> PathBuf {
        let blobs = fs::read_dir(self.path("built/blobs/sha256")).expect("blobs");
        let mut blobs: Vec<PathBuf> = blobs.map(|entry| entry.expect("entry").path()).collect();
        blobs.sort_by_key(|path| fs::metadata(path).expect("blob").len());
        blobs.pop().expect("a blob")
    }
}

fn run(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .current_dir(dir)
        .env("HOME", dir)
        .env("XDG_CACHE_HOME", dir.join(".cache"))
        .env("XDG_STATE_HOME", dir.join(".state"))
        .env("COLUMNS", "200")
        .env_remove("GITHUB_ACTIONS")
        .args(args)
        .output()
        .expect("the program runs")
}

fn layer(status: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let os_release = "ID=debian\nVERSION_ID=\"12\"\n";
    for (path, text) in [("etc/os-release", os_release), ("var/lib/dpkg/status", status)] {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, text.as_bytes()).expect("appended");
    }
    tar.into_inner().expect("a tar")
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
    let file = place.layer();
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
    let file = place.layer();
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
