//! The holes that users of other scanners fell into, each with the test that shows it is not here.

use std::fs;
use std::process::{Command, Stdio};

use portcullis::model::finding::Disposition;
use portcullis::model::verdict::Decision;
use portcullis::model::waiver::WaiverState;
use portcullis::stage::policy::{PolicyError, Waivers};

use crate::policy::case::{Case, named};
use crate::support::images;
use crate::support::sample::{Sample, layer};

fn waived() -> Case {
    named("vulnerable-component-waived")
}

/// The waiver file of a case, changed.
fn changed(mut case: Case, from: &str, to: &str) -> Case {
    let text = case.waivers.take().expect("waivers");
    assert!(text.contains(from), "{from}");
    case.waivers = Some(text.replace(from, to));
    case
}

fn problem(case: &Case) -> PolicyError {
    case.waivers().map(|_| ()).expect_err("it was accepted")
}

/// A waiver for the sample's only package.
const WAIVER: &str = "[[waiver]]\nid = \"DEBIAN-CVE-2026-7\"\npackage = \"pkg:deb/debian/bash\"\nreason = \"affected\"\nstatement = \"known\"\n\
                      owner = \"me\"\ncreated = 2026-11-20\nexpires = 2026-12-01\n";

const NOW: &str = "2026-11-21T12:00:00Z";

#[test]
fn a_static_image_with_zero_packages_does_not_pass() {
    let sample = Sample::new();
    let mut tar = tar::Builder::new(Vec::new());
    // A static executable without embedded audit data, as most languages make them.
    let elf = [b"\x7fELF\x02\x01\x01".as_slice(), &[0; 9], &[2, 0, 0x3e, 0], &[0; 200]].concat();
    let mut header = tar::Header::new_ustar();
    header.set_size(elf.len() as u64);
    header.set_mode(0o755);
    tar.append_data(&mut header, "service", elf.as_slice()).expect("appended");
    images::image(&sample.path("static"), &[tar.into_inner().expect("a tar")]);
    let (out, _) = sample.ends(2, &["scan", "oci:static"]);
    assert!(out.contains("empty-inventory"), "{out}");
    images::image(&sample.path("nothing"), &[]);
    let (out, _) = sample.ends(2, &["scan", "oci:nothing"]);
    assert!(out.contains("empty-inventory"), "{out}");
}

#[test]
fn a_missing_results_file_is_never_no_vulnerabilities() {
    let sample = Sample::new();
    for args in [
        &["replay", "out"][..],
        &["explain", "bash", "--evidence", "out"],
        &["diff", "before.json", "after.json"],
        &["scan", "oci:built", "--baseline", "before.json"],
        &["scan", "sbom:missing.json"],
        &["recheck", "missing"],
    ] {
        let output = sample.run(args);
        let out = String::from_utf8_lossy(&output.stdout);
        assert!(!matches!(output.status.code(), Some(0) | None), "{args:?}\n{out}");
        assert!(!out.contains("CLEARED"), "{args:?}\n{out}");
    }
    // An empty one, and half of one, are no better.
    sample.ends(0, &["--at", NOW, "scan", "oci:built", "--output", "out"]);
    let whole = fs::read(sample.path("out/evidence.json")).expect("evidence");
    for bytes in [&b""[..], b"{}", &whole[..whole.len() / 2]] {
        fs::write(sample.path("out/evidence.json"), bytes).expect("written");
        sample.ends(2, &["replay", "out"]);
        sample.ends(2, &["recheck", "out/evidence.json"]);
    }
}

#[test]
fn a_missing_feed_is_never_no_vulnerabilities() {
    let sample = Sample::new();
    fs::remove_dir_all(sample.path("feed/Debian")).expect("removed");
    let (out, _) = sample.ends(2, &["--at", NOW, "scan", "oci:built"]);
    assert!(out.contains("uncovered-ecosystem") || out.contains("missing-feed"), "{out}");
}

#[test]
fn a_full_disk_under_stdout_is_not_reported_as_passed() {
    let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") else {
        return println!("skipped: a full disk under stdout (there is no /dev/full)");
    };
    let sample = Sample::new();
    for format in ["human", "json"] {
        let output = crate::support::portcullis()
            .current_dir(sample.path(""))
            .env("XDG_CACHE_HOME", sample.path(".cache"))
            .args(["--at", NOW, "--format", format, "scan", "oci:built"])
            .stdout(Stdio::from(full.try_clone().expect("a handle")))
            .output()
            .expect("the program runs");
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert!(err.contains("could not be written"), "{err}");
    }
}

#[test]
fn a_full_disk_under_the_results_is_not_reported_as_passed() {
    let sample = Sample::new();
    let small = sample.path("small");
    fs::create_dir(&small).expect("folder");
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=8k", "tmpfs"])
        .arg(&small)
        .output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        return println!("skipped: a full disk under the results (mounting a tmpfs needs root)");
    }
    let output = sample.run(&["--at", NOW, "scan", "oci:built", "--output", "small/out"]);
    let unmounted = Command::new("umount").arg(&small).status();
    assert!(unmounted.is_ok_and(|status| status.success()));
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn one_cvss_4_vector_that_nobody_can_read_breaks_no_run_and_a_waiver_for_it_helps() {
    let sample = Sample::new();
    for vector in [
        "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:Z",
        "CVSS:4.9/XX:Y",
        "",
    ] {
        let record = format!(
            r#"{{"id":"DEBIAN-CVE-2026-7","published":"2026-11-20T00:00:00Z","modified":"2026-11-20T00:00:00Z","severity":[{{"type":"CVSS_V4","score":"{vector}"}}],"affected":[{{"package":{{"ecosystem":"Debian:12","name":"bash"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}}]}}]}}]}}"#
        );
        sample.write("feed/Debian/DEBIAN-CVE-2026-7.json", &record);
        let _ = fs::remove_file(sample.path("policies/waivers.toml"));
        // Nobody knows how bad it is, so it is bad; and the run says so instead of breaking.
        let (out, _) = sample.ends(1, &["--at", NOW, "scan", "oci:built"]);
        assert!(out.contains("DEBIAN-CVE-2026-7"), "{vector}\n{out}");
        sample.write("policies/waivers.toml", WAIVER);
        let (out, _) = sample.ends(0, &["--at", NOW, "scan", "oci:built"]);
        assert!(out.contains("1 waived"), "{vector}\n{out}");
    }
}

#[test]
fn one_malformed_advisory_blocks_nobody_unless_it_names_what_ships() {
    let sample = Sample::new();
    let broken = |package: &str| {
        format!(
            r#"{{"id":"DEBIAN-CVE-2026-8","modified":"2026-11-20T00:00:00Z","affected":[{{"package":{{"ecosystem":"Debian:12","name":"{package}"}},"ranges":[{{"type":"ECOSYSTEM","events":"none"}}]}}]}}"#
        )
    };
    sample.write("feed/Debian/DEBIAN-CVE-2026-8.json", &broken("zsh"));
    let (out, _) = sample.ends(0, &["--at", NOW, "scan", "oci:built"]);
    assert!(out.contains("1 set aside as unreadable"), "{out}");
    sample.write("feed/Debian/DEBIAN-CVE-2026-8.json", &broken("bash"));
    let (out, _) = sample.ends(2, &["--at", NOW, "scan", "oci:built"]);
    assert!(out.contains("malformed-advisory"), "{out}");
}

#[test]
fn an_invalid_waiver_file_that_was_found_by_itself_is_not_passed_over() {
    let sample = Sample::new();
    sample.write("policies/waivers.toml", &WAIVER.replace("expires", "expire"));
    let (_, err) = sample.ends(2, &["--at", NOW, "scan", "oci:built"]);
    assert!(
        err.contains("policies/waivers.toml") && err.contains("did you mean `expires`?"),
        "{err}"
    );
}

#[test]
fn an_entry_for_a_package_does_not_match_a_finding_without_one() {
    let mut case = named("root-user-fires");
    let denied = |case: &Case| case.verdict().count(Disposition::Denied);
    let before = denied(&case);
    assert!(before > 0);
    let entry = |id: &str| {
        WAIVER
            .replace("DEBIAN-CVE-2026-7", id)
            .replace("pkg:deb/debian/bash", "pkg:generic/*")
    };
    case.waivers = Some(entry("root-user"));
    assert_eq!((denied(&case), case.verdict().count(Disposition::Waived)), (before, 0));
}

#[test]
fn unused_and_unknown_entries_are_diagnostics_that_point_into_the_file() {
    let sample = Sample::new();
    let two = format!("{WAIVER}\n{}", WAIVER.replace("DEBIAN-CVE-2026-7", "CVE-2026-99999"));
    sample.write("policies/waivers.toml", &two);
    // Known, but of another package than what it is asked for.
    sample.advise("DEBIAN-CVE-2026-7", "zsh", "2026-11-20T00:00:00Z");
    sample.ends(1, &["--at", NOW, "scan", "oci:built", "--output", "out"]);
    let text = fs::read_to_string(sample.path("out/findings.json")).expect("findings");
    let findings: serde_json::Value = serde_json::from_str(&text).expect("json");
    let place = |rule: &str| {
        let all = findings["findings"].as_array().expect("findings");
        let found = all
            .iter()
            .find(|finding| finding["rule"] == rule)
            .unwrap_or_else(|| panic!("no {rule} in {text}"));
        (
            found["locations"][0]["path"].as_str().expect("path").to_owned(),
            found["locations"][0]["line"].as_u64(),
        )
    };
    assert_eq!(place("unused-waiver"), ("policies/waivers.toml".to_owned(), Some(1)));
    assert_eq!(place("unknown-waiver"), ("policies/waivers.toml".to_owned(), Some(10)));
}

#[test]
fn a_waiver_is_unused_only_where_all_that_it_could_cover_was_looked_up() {
    let sample = Sample::new();
    sample.advise("DEBIAN-CVE-2026-7", "zsh", "2026-11-20T00:00:00Z");
    let elsewhere = WAIVER.replace("pkg:deb/debian/bash", "pkg:npm/braces");
    let state = |waiver: &str, code: i32, arguments: &[&str]| {
        sample.write("policies/waivers.toml", waiver);
        sample.ends(code, &[&["--at", NOW], arguments, &["--output", "out"]].concat());
        let text = fs::read_to_string(sample.path("out/findings.json")).expect("findings");
        let findings: serde_json::Value = serde_json::from_str(&text).expect("json");
        let state = findings["waivers"][0]["state"].as_str().expect("state").to_owned();
        assert_eq!(text.contains("\"unused-waiver\""), state == "unused", "{text}");
        state
    };
    fs::create_dir(sample.path("nothing")).expect("folder");
    // No feed answered for what it names; an image that need not be ours has not what it names.
    assert_ne!(state(WAIVER, 2, &["scan", "oci:built", "--osv", "nothing"]), "unused");
    assert_ne!(state(&elsewhere, 0, &["scan", "oci:built"]), "unused");
    // The controls: looked up, and the service's own image.
    assert_eq!(state(WAIVER, 0, &["scan", "oci:built"]), "unused");
    assert_eq!(state(&elsewhere, 0, &["gate", "--until", "policy"]), "unused");
}

#[test]
fn half_a_package_database_is_not_a_whole_one() {
    let sample = Sample::new();
    let status =
        "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2\n\nPackage: half\nStatus: install ok installed\n\n";
    images::image(&sample.path("half"), &[layer(status)]);
    let (out, _) = sample.ends(2, &["--at", NOW, "scan", "oci:half"]);
    assert!(out.contains("partial-database"), "{out}");
}

#[test]
fn an_empty_inventory_is_undecidable() {
    let verdict = named("incomplete-inventory-fires").verdict();
    assert_eq!(verdict.verdict, Decision::Undecidable);
}

#[test]
fn a_missing_waiver_file_does_not_count_as_no_waivers() {
    let dir = tempfile::tempdir().expect("folder");
    let effects = portcullis::io::Effects::plain(dir.path().to_owned());
    let error = Waivers::load(Some(&dir.path().join("waivers.toml")), &effects)
        .map(|_| ())
        .expect_err("missing");
    assert_eq!(error.exit_kind().code(), 2);
}

#[test]
fn a_finding_without_a_severity_can_be_waived() {
    let mut case = waived();
    for claim in &mut case.matching.matches {
        claim.advisory.rating = None;
    }
    let verdict = case.verdict();
    assert_eq!(verdict.verdict, Decision::Cleared);
    assert_eq!(verdict.count(Disposition::Waived), 1);
}

#[test]
fn expired_waivers_are_not_pruned_silently() {
    let verdict = waived().verdict_at("2026-12-02T00:00:00Z");
    assert_eq!(verdict.waivers.len(), 1);
    assert_eq!(verdict.waivers[0].state, WaiverState::Expired);
    let named = verdict
        .findings
        .iter()
        .find(|j| j.finding.rule.as_str() == "expired-waiver")
        .expect("named");
    assert!(named.finding.message.contains("CVE-2026-1001"), "{}", named.finding.message);
}

#[test]
fn a_waiver_does_not_end_at_midnight_on_its_last_day() {
    assert_eq!(waived().verdict_at("2026-12-01T00:00:00Z").verdict, Decision::Cleared);
    assert_eq!(waived().verdict_at("2026-12-01T23:59:59Z").verdict, Decision::Cleared);
    assert_eq!(waived().verdict_at("2026-12-02T00:00:00Z").verdict, Decision::Blocked);
}

#[test]
fn a_mistyped_expiry_does_not_make_a_waiver_that_never_ends() {
    for key in ["expire", "expired_at", "Expires", "until"] {
        let error = problem(&changed(waived(), "expires =", &format!("{key} =")));
        assert_eq!(error.exit_kind().code(), 2, "{key}");
    }
    let both = changed(waived(), "expires =", "expire = 2026-11-01\nexpires =");
    assert_eq!(problem(&both).exit_kind().code(), 2);
}

#[test]
fn a_waiver_without_an_expiry_is_refused() {
    assert_eq!(problem(&changed(waived(), "expires = 2026-12-01", "")).exit_kind().code(), 2);
}

#[test]
fn a_waiver_without_a_package_is_refused() {
    assert_eq!(
        problem(&changed(waived(), "package = \"pkg:cargo/foo@1.2.*\"", ""))
            .exit_kind()
            .code(),
        2
    );
}

#[test]
fn a_package_that_lacks_what_a_waiver_asks_for_is_not_covered() {
    let mut no_version = waived();
    for component in &mut no_version.inventory.components {
        component.purl.version = None;
    }
    assert_eq!(no_version.verdict().verdict, Decision::Blocked, "no version");

    let mut no_place = changed(waived(), "reason =", "paths = [\"/usr/local/bin/*\"]\nreason =");
    assert_eq!(no_place.verdict().verdict, Decision::Cleared);
    for component in &mut no_place.inventory.components {
        component.locations.clear();
    }
    assert_eq!(no_place.verdict().verdict, Decision::Blocked, "no place");
}

#[test]
fn unused_waivers_are_detected() {
    let verdict = named("unused-waiver-fires").verdict();
    assert!(verdict.findings.iter().any(|j| j.finding.rule.as_str() == "unused-waiver"));
}

#[test]
fn any_alias_waives() {
    for id in ["CVE-2026-1001", "RUSTSEC-2026-0001"] {
        assert_eq!(changed(waived(), "CVE-2026-1001", id).verdict().verdict, Decision::Cleared, "{id}");
    }
    assert_eq!(named("waiver-covers-alias-group").verdict().verdict, Decision::Cleared);
}

#[test]
fn an_invalid_waiver_file_does_not_scan_on() {
    for text in ["[[waiver]", "[[waivers]]\nid = \"x\"\n", "{}", "waiver = \"none\""] {
        let mut case = waived();
        case.waivers = Some(text.to_owned());
        assert_eq!(problem(&case).exit_kind().code(), 2, "{text}");
    }
}

#[test]
fn an_id_that_matches_nothing_is_said() {
    let verdict = changed(waived(), "CVE-2026-1001", "CVE-2026-1010").verdict();
    let said = verdict
        .findings
        .iter()
        .find(|j| j.finding.rule.as_str() == "unknown-waiver")
        .expect("said");
    assert_eq!(said.finding.help.as_deref(), Some("did you mean `CVE-2026-1001`?"));
    assert_eq!(verdict.verdict, Decision::Blocked);
}

#[test]
fn a_waiver_for_a_package_does_not_ignore_another_one_with_the_same_advisory() {
    let verdict = named("waiver-of-one-package-does-not-cover-another").verdict();
    assert_eq!((verdict.count(Disposition::Denied), verdict.count(Disposition::Waived)), (1, 1));
}

#[test]
fn a_waived_finding_does_not_disappear() {
    let verdict = waived().verdict();
    assert_eq!(verdict.findings.len(), 1);
    assert_eq!(verdict.findings[0].waiver.as_deref(), Some("#1 CVE-2026-1001"));
}
