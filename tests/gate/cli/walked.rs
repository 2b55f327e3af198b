//! What a new user who walks the pages meets: advisory data in folders, waivers, images by their names, keys that are elsewhere.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::arguments::{folder, portcullis, stderr};
use crate::support::checkout::committed;
use crate::support::sample::{CONFIG, Sample};

const UNLOCKED: &str = r#"{"name":"shop","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"shop","version":"1.0.0"}}}"#;

#[test]
fn a_feed_that_is_not_there_is_told_before_the_build_and_an_old_one_with_what_helps() {
    let place = Sample::new();
    place.write("portcullis.toml", &CONFIG.replace("osv = \"feed\"", "osv = \"nofeeds\""));
    let (_, err) = place.ends(64, &["gate", "--until", "policy"]);
    assert!(err.contains("feeds.osv") && err.contains("nofeeds` does not exist"), "{err}");
    assert!(!place.path("target/portcullis/image").exists(), "before the build");
    let (out, _) = place.ends(64, &["doctor"]);
    assert!(
        out.contains("✗ advisory data") && !out.contains("nothing was ever fetched"),
        "{out}"
    );
    // Who needs no advisory data is not held up.
    place.ends(0, &["build"]);
    place.ends(0, &["--offline", "waivers", "list"]);

    place.write("portcullis.toml", &CONFIG.replace("36500d", "24h"));
    let (out, err) = place.ends(2, &["gate", "--until", "policy"]);
    assert!(
        format!("{out}{err}").contains("bring feed up to date, or allow older data"),
        "{out}{err}"
    );
    let (out, _) = place.ends(64, &["doctor"]);
    assert!(out.contains("up to date, or allow older data with [feeds] max_age"), "{out}");
}

pub(super) const ADVISORY: &str = r#"{"id":"GHSA-aaaa-bbbb-cccc","summary":"a bug","published":"2026-01-01T00:00:00Z","modified":"2026-01-01T00:00:00Z","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"affected":[{"package":{"ecosystem":"npm","name":"left-pad"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.0.1"}]}]}]}"#;
pub(super) const LOCK: &str = r#"{"name":"shop","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"shop","version":"1.0.0","dependencies":{"outer":"^2.0.0"}},"node_modules/outer":{"version":"2.0.0","dependencies":{"left-pad":"^1.0.0"}},"node_modules/left-pad":{"version":"1.0.0"}}}"#;

#[test]
fn of_a_package_in_an_image_the_lock_file_beside_it_says_who_needs_it_and_a_waiver_is_not_what_comes_next() {
    let place = Sample::new();
    let layer = crate::support::layer::Tar::new()
        .file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n")
        .file("var/lib/dpkg/status", crate::support::sample::STATUS)
        .file("app/node_modules/left-pad/package.json", r#"{"name":"left-pad","version":"1.0.0"}"#)
        .finish();
    fs::remove_dir_all(place.path("built")).expect("removed");
    crate::support::images::image(&place.path("built"), &[layer]);
    place.write("feed/npm/GHSA-aaaa-bbbb-cccc.json", ADVISORY);
    place.write("feed/npm/modified_id.csv", "2026-01-01T00:00:00Z,GHSA-aaaa-bbbb-cccc\n");
    place.ends(1, &["gate", "--until", "policy"]);
    let (out, err) = place.ends(0, &["explain", "GHSA-aaaa-bbbb-cccc"]);
    let next = err.lines().last().unwrap_or_default();
    assert!(next.contains("update left-pad to 1.0.1") && !next.contains("waive"), "{out}{err}");

    place.write(
        "package.json",
        r#"{"name":"shop","version":"1.0.0","dependencies":{"outer":"^2.0.0"}}"#,
    );
    place.write("package-lock.json", LOCK);
    let (out, err) = place.ends(0, &["explain", "GHSA-aaaa-bbbb-cccc"]);
    assert!(out.contains("outer"), "who needs it: {out}");
    let next = err.lines().last().unwrap_or_default();
    assert!(next.contains("npm update left-pad") && !next.contains("waive"), "{out}{err}");
}

#[test]
fn a_waiver_that_lacks_flags_is_told_all_of_them_as_a_command() {
    let dir = folder(&[]);
    let refused = |args: &[&str]| {
        let output = portcullis(dir.path(), args);
        assert_eq!(output.status.code(), Some(64), "{}", stderr(&output));
        stderr(&output)
    };
    let text = refused(&["waive", "CVE-2026-12345", "--package", "pkg:cargo/x@1.0.0"]);
    for flag in ["--reason", "--justification", "--statement", "--owner"] {
        assert!(text.contains(flag), "{flag} in {text}");
    }
    assert!(
        text.contains("portcullis waive CVE-2026-12345 --package pkg:cargo/x@1.0.0 --reason not_affected"),
        "{text}"
    );
    // Who does not claim that it is harmless needs no justification.
    let text = refused(&["waive", "CVE-2026-12345", "--package", "pkg:cargo/x@1.0.0", "--reason", "affected"]);
    assert!(text.contains("--owner") && !text.contains("--justification"), "{text}");
}

#[test]
fn an_image_or_an_sbom_that_is_named_as_a_file_is_told_its_spelling() {
    let place = Sample::new();
    let layout = place.path("built");
    let tar = Command::new("tar")
        .args(["-cf", "i.tar", "-C"])
        .arg(&layout)
        .arg(".")
        .current_dir(place.path(""))
        .status();
    assert!(tar.expect("tar").success());
    let (sbom, _) = place.ends(0, &["sbom", "oci:built"]);
    place.write("s.cdx.json", &sbom);
    for (target, spelt) in [
        ("i.tar", "docker-archive:i.tar, or oci-archive:i.tar"),
        ("./built", "oci:built"),
        ("s.cdx.json", "sbom:s.cdx.json"),
    ] {
        let (_, err) = place.ends(64, &["scan", target]);
        assert!(err.contains(spelt), "{spelt} in {err}");
    }
    for target in ["oci-archive:i.tar", "oci:built", "sbom:s.cdx.json"] {
        place.ends(0, &["scan", target]);
    }
}

#[test]
fn who_verifies_is_asked_for_a_public_key_and_no_private_one() {
    let place = Sample::new();
    place.write("portcullis.toml", &format!("{CONFIG}[sign]\nkey = \"env:PORTCULLIS_NO_SUCH\"\n"));
    let (_, err) = place.ends(64, &["verify", "oci:built"]);
    assert!(err.contains("--key FILE") && !err.contains("put a PEM key"), "{err}");
}

#[test]
fn a_target_that_pulls_its_image_is_not_given_a_folder_after_publishing() {
    let place = Sample::new();
    let rollout = "[rollout]\ntarget = \"swarm\"\nswarm_service = \"a_b\"\n[rollout.health]\nurl = \"http://127.0.0.1:1/\"\n";
    place.write("portcullis.toml", &format!("{CONFIG}{rollout}"));
    let (_, err) = place.ends(64, &["gate"]);
    assert!(
        err.contains("image.repository") && err.contains("the engine of the target `swarm` pulls it"),
        "{err}"
    );
    assert!(!place.path("published").exists() && !place.path("target/portcullis/image").exists());
    // The control: who does not roll out may publish into a folder.
    place.ends(0, &["gate", "--until", "policy"]);
}

#[test]
fn a_key_is_in_no_line_of_a_workflows_log() {
    let place = Sample::new();
    place.write("portcullis.toml", &format!("{CONFIG}[sign]\nkey = \"env:PORTCULLIS_KEY\"\n"));
    let key = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hRz3xV\n-----END PRIVATE KEY-----\n";
    let all = |args: &[&str]| {
        let output = place
            .command(args)
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_EVENT_NAME", "push")
            .env("PORTCULLIS_KEY", key)
            .output()
            .expect("run");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!format!("{out}{err}").contains("MC4CAQAw"), "{args:?}: {out}{err}");
    };
    all(&["gate", "--until", "policy"]);
    all(&["doctor"]);
}

#[test]
fn a_folder_below_an_ignored_one_can_be_asked_about() {
    let place = Sample::new();
    place.write(".gitignore", "/dist/\nnode_modules/\n");
    place.write("src/a.txt", "x");
    committed(&place.path(""));
    place.write("dist/x/package-lock.json", UNLOCKED);
    place.write("services/a/package-lock.json", UNLOCKED);
    place.write("services/a/node_modules/z/package.json", r#"{"name":"z","version":"1.0.0"}"#);
    for target in ["dist/x", "dist"] {
        let (out, err) = place.ends(0, &["sbom", target, "--form", "inventory"]);
        assert!(!out.contains("unreadable-path"), "{target}: {out}{err}");
        assert!(out.contains("shop"), "{target}: {out}");
    }
    // The control: what is ignored below a folder that is asked about is not the project's.
    let (out, _) = place.ends(0, &["sbom", "services/a", "--form", "inventory"]);
    assert!(!out.contains("pkg:npm/z@"), "{out}");
    assert!(Path::new(&place.path("dist/x")).is_dir());
}

#[test]
fn a_form_that_is_taken_for_a_format_is_told_and_a_mistyped_flag_leads_to_its_verb() {
    let place = Sample::new();
    let next = |args: &[&str]| {
        let (_, err) = place.ends(64, args);
        err.lines().last().unwrap_or_default().to_owned()
    };
    let told = next(&["scan", "--format", "sarif"]);
    assert!(told.ends_with("sarif is a form: --form sarif"), "{told}");
    let told = next(&["scan", "--form", "json"]);
    assert!(told.ends_with("json is no form of others: --format json"), "{told}");
    let told = next(&["scan", "--no-such-flag"]);
    assert!(told.contains("`portcullis help scan` says what it takes"), "{told}");
    let told = next(&["--no-such-flag"]);
    assert!(told.contains("`portcullis --help` lists every verb"), "{told}");
}

#[test]
fn a_terminal_that_knows_no_colours_gets_none() {
    let place = Sample::new();
    let said = |term: &str| {
        let output = place
            .command(&["scan", "oci:built"])
            .env("GITHUB_ACTIONS", "true")
            .env("TERM", term)
            .output();
        let output = output.expect("run");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(!said("dumb").contains('\u{1b}'));
    assert!(said("xterm").contains('\u{1b}'), "the control");
}
