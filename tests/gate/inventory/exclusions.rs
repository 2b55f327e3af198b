//! What of a source tree is not looked into: each report says so, and why; a configuration excludes nothing in silence, or where the policy forbids it.

use std::fs;

use serde_json::Value;

use crate::support::sample::{CONFIG, Sample};

const VULNERABLE: &str =
    "version = 4\n\n[[package]]\nname = \"old\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
const SERVICE: &str = "version = 4\n\n[[package]]\nname = \"svc\"\nversion = \"0.1.0\"\n";

/// A project with a vulnerable lock file among its fixtures.
fn project(exclude: &str) -> Sample {
    let place = Sample::new();
    let record = r#"{"id":"RUSTSEC-2026-0001","published":"2026-01-01T00:00:00Z","modified":"2026-01-01T00:00:00Z","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"affected":[{"package":{"ecosystem":"crates.io","name":"old"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}"#;
    place.write("feed/crates.io/modified_id.csv", "2026-01-01T00:00:00Z,RUSTSEC-2026-0001\n");
    place.write("feed/crates.io/RUSTSEC-2026-0001.json", record);
    place.write("Cargo.lock", SERVICE);
    place.write("fixtures/old/Cargo.lock", VULNERABLE);
    place.write("portcullis.toml", &format!("{CONFIG}{exclude}"));
    place
}

const FIXTURES: &str = "[[inventory.exclude]]\npath = \"./fixtures/\"\nreason = \"lock files that tests <b>read</b>\"\n";

#[test]
fn what_is_excluded_is_counted_and_shown_with_its_reason_in_every_report() {
    // The control.
    project("").ends(1, &["--output", "out", "check"]);

    let place = project(FIXTURES);
    for verb in [&["--output", "out", "check"][..], &["--output", "out", "scan", "."]] {
        let (human, _) = place.ends(0, verb);
        assert!(
            human.contains("Not looked into") && human.contains("lock files that tests"),
            "{human}"
        );
    }
    let read = |name: &str| fs::read_to_string(place.path("out").join(name)).unwrap();
    for name in ["findings.json", "verdict.json"] {
        let passed = serde_json::from_str::<Value>(&read(name)).unwrap()["passed_over"][0].clone();
        assert_eq!(passed["reason"], "excluded", "{name}");
        assert_eq!(passed["statement"], "lock files that tests <b>read</b>");
        assert_eq!((&passed["count"], &passed["paths"][0]), (&1.into(), &"fixtures".into()));
    }
    for name in ["summary.md", "report.html"] {
        let text = read(name);
        assert!(text.contains("ooked into") && text.contains("fixtures"), "{name}: {text}");
        assert!(!text.contains("<b>read"), "{name}");
    }
    let (sbom, told) = place.ends(0, &["sbom", "."]);
    assert!(told.contains("excluded by the configuration"), "{told}");
    // The SBOM says it to those who read it later.
    place.write("sbom.json", &sbom);
    let (human, _) = place.ends(0, &["scan", "sbom:sbom.json"]);
    assert!(human.contains("Not looked into"), "{human}");
}

#[test]
fn a_folder_that_somebody_names_is_looked_into_although_it_is_excluded() {
    let place = project(FIXTURES);
    place.ends(1, &["scan", "fixtures"]);
    place.ends(1, &["scan", "fixtures/old"]);
    place.ends(1, &["scan", "fixtures/old/Cargo.lock"]);
}

#[test]
fn an_exclusion_holds_for_what_it_names_alone() {
    let place = project("[[inventory.exclude]]\npath = \"fixture\"\nreason = \"x\"\n");
    let (_, told) = place.ends(1, &["check"]);
    assert!(told.contains("names fixture, which is not there"), "{told}");
    let place = project("[[inventory.exclude]]\npath = \"old\"\nreason = \"x\"\n");
    place.ends(1, &["check"]);
    let place = project("[[inventory.exclude]]\npath = \"fixtures/old/Cargo.lock\"\nreason = \"x\"\n");
    place.ends(0, &["check"]);
}

#[test]
fn an_exclusion_without_a_reason_or_of_another_place_is_refused() {
    for (entry, said) in [
        ("path = \"fixtures\"", "missing field `reason`"),
        ("path = \"fixtures\"\nreason = \" \"", "has no reason"),
        ("path = \"..\"\nreason = \"x\"", "no folder or file below"),
        ("path = \".\"\nreason = \"x\"", "no folder or file below"),
        ("path = \"/\"\nreason = \"x\"", "no folder or file below"),
        ("path = \"fix*\"\nreason = \"x\"", "without patterns"),
    ] {
        let place = project(&format!("[[inventory.exclude]]\n{entry}\n"));
        let (_, told) = place.ends(64, &["check"]);
        assert!(told.contains(said), "{entry}: {told}");
    }
}

#[test]
fn a_policy_from_elsewhere_forbids_exclusions() {
    let place = project(FIXTURES);
    place.write("strict.toml", "[require]\nexclusions = false\n");
    let (_, told) = place.ends(64, &["check", "--policy", "strict.toml"]);
    assert!(told.contains("inventory.exclude"), "{told}");
    // The control: it has nothing against a project that excludes nothing.
    project("").write("strict.toml", "[require]\nexclusions = false\n");
    let place = project("");
    place.write("strict.toml", "[require]\nexclusions = false\n");
    place.ends(1, &["check", "--policy", "strict.toml"]);
}

#[test]
fn installed_and_ignored_folders_are_shown() {
    let place = project(FIXTURES);
    place.write("node_modules/a/package.json", "{\"name\":\"a\",\"version\":\"1.0.0\"}");
    place.write("web/node_modules/b/package.json", "{\"name\":\"b\",\"version\":\"1.0.0\"}");
    let (out, _) = place.ends(0, &["--format", "json", "check"]);
    let passed = serde_json::from_str::<Value>(&out).unwrap()["passed_over"].clone();
    let installed = passed.as_array().unwrap().iter().find(|one| one["reason"] == "built-or-installed");
    let installed = installed.unwrap_or_else(|| panic!("{passed}"));
    assert_eq!(installed["paths"], serde_json::json!(["node_modules", "web/node_modules"]));
}

#[test]
fn a_lock_file_alone_names_the_local_packages_that_nobody_could_look_up() {
    let lock = |dependencies: &str| format!("{SERVICE}{dependencies}\n[[package]]\nname = \"old\"\nversion = \"1.0.0\"\n");
    let place = project("");
    // Somebody needs it, and it is local: the service's own crate, or a copy that stands in for the published one.
    place.write("alone/Cargo.lock", &lock("dependencies = [\"old\"]\n"));
    let (human, _) = place.ends(0, &["--output", "out", "scan", "alone/Cargo.lock"]);
    assert!(human.contains("Not looked into") && human.contains("old 1.0.0"), "{human}");
    let verdict = fs::read_to_string(place.path("out/verdict.json")).unwrap();
    let verdict: Value = serde_json::from_str(&verdict).unwrap();
    assert_eq!(verdict["passed_over"][0]["reason"], "local-packages");
    assert_eq!(verdict["gaps"].as_array().map(Vec::len), Some(0), "a note, and no gap");
    // The control: what nobody needs is the project itself.
    place.write("alone/Cargo.lock", &lock(""));
    let (human, _) = place.ends(0, &["scan", "alone/Cargo.lock"]);
    assert!(!human.contains("Not looked into"), "{human}");
}
