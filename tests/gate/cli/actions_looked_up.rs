//! The actions that workflows use, looked up: by `check`, `scan` and `gate`.

use serde_json::Value;

use crate::support::sample::Sample;

const COMMIT: &str = "11bd71901bbe5b1630ceea73d27597364c9af683";

/// A project whose workflow uses `acme/act` so, and an advisory about it from 4.0.0 up to 4.1.3.
fn project(uses: &str) -> Sample {
    let place = Sample::new();
    advise(&place);
    workflow(&place, uses);
    // Without a package of its own it would be a tree of which nothing is known.
    place.write("Cargo.lock", "version = 4\n\n[[package]]\nname = \"own\"\nversion = \"1.0.0\"\n");
    place
}

fn advise(place: &Sample) {
    let record = r#"{"id":"GHSA-xxxx-acme-0001","modified":"2026-11-20T00:00:00Z","published":"2026-01-01T00:00:00Z",
        "affected":[{"package":{"ecosystem":"GitHub Actions","name":"acme/act"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"4.0.0"},{"fixed":"4.1.3"}]}]}],
        "database_specific":{"severity":"CRITICAL"}}"#;
    place.write("feed/GitHub Actions/GHSA-xxxx-acme-0001.json", record);
    place.write("feed/GitHub Actions/modified_id.csv", "2026-11-20T00:00:00Z,GHSA-xxxx-acme-0001\n");
}

fn workflow(place: &Sample, uses: &str) {
    place.write(
        ".github/workflows/ci.yml",
        &format!("on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - uses: {uses}\n"),
    );
}

fn judged(place: &Sample, code: i32, arguments: &[&str]) -> Value {
    let (out, _) = place.ends(code, &[arguments, &["--format", "json"]].concat());
    serde_json::from_str(&out).unwrap()
}

#[test]
fn an_action_with_a_denied_advisory_blocks_check_scan_and_gate() {
    for uses in [
        "acme/act@v4.1.2".to_owned(),
        "acme/act/sub@4.1.2".to_owned(),
        format!("acme/act@{COMMIT} # v4.1.2"),
    ] {
        let place = project(&uses);
        for verb in [&["check"][..], &["scan", "."], &["gate", "--until", "policy"]] {
            let findings = judged(&place, 1, verb);
            let found = &findings["findings"]
                .as_array()
                .unwrap()
                .iter()
                .find(|found| found["rule"] == "vulnerable-component");
            let found = found.unwrap_or_else(|| panic!("{uses} {verb:?}: {findings:#}"));
            assert_eq!(found["ids"][0], "GHSA-xxxx-acme-0001", "{uses} {verb:?}");
            assert_eq!(found["locations"][0]["path"], ".github/workflows/ci.yml", "{uses} {verb:?}");
            assert_eq!(found["locations"][0]["line"], 6, "{uses} {verb:?}");
        }
    }
    // The controls.
    for uses in [
        "acme/act@v4.1.3".to_owned(),
        format!("acme/act@{COMMIT} # v4.1.3"),
        "acme/other@v4.1.2".to_owned(),
    ] {
        let place = project(&uses);
        for verb in [&["check"][..], &["gate", "--until", "policy"]] {
            judged(&place, 0, verb);
        }
    }
}

#[test]
fn an_action_of_which_nobody_knows_the_version_is_told() {
    // Weighed as `unpinned-action` is: what builds an image is not in it.
    for (uses, code, kind, disposition) in [
        ("acme/act@v4".to_owned(), 0, "unchecked-action", "warned"),
        ("acme/act@main".to_owned(), 0, "unchecked-action", "warned"),
        (format!("acme/act@{COMMIT}"), 0, "unchecked-action", "warned"),
    ] {
        let place = project(&uses);
        let findings = judged(&place, code, &["check"]);
        let gaps = findings["gaps"].as_array().unwrap();
        assert!(
            gaps.iter().any(|gap| gap["kind"] == kind && gap["disposition"] == disposition),
            "{uses}: {gaps:#?}"
        );
    }
    for uses in ["acme/act@v3", "acme/act@v5"] {
        let findings = judged(&project(uses), 0, &["check"]);
        assert_eq!(findings["gaps"].as_array().unwrap().len(), 0, "{uses}");
    }
}

#[test]
fn a_feed_that_knows_nothing_of_actions_is_a_gap_that_says_so() {
    let place = Sample::new();
    workflow(&place, "acme/act@v4.1.2");
    // A tree of which nothing else is known is still one of which nothing is known.
    let findings = judged(&place, 2, &["check"]);
    let kinds: Vec<&str> = findings["gaps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|gap| gap["kind"].as_str().unwrap())
        .collect();
    assert!(kinds.contains(&"empty-inventory"), "{kinds:?}");
    let gaps = findings["gaps"].as_array().unwrap();
    let gap = gaps.iter().find(|gap| gap["kind"] == "unchecked-action").unwrap();
    assert_eq!(gap["subject"], "GitHub Actions");
    assert!(gap["detail"].as_str().unwrap().contains("1 components were not looked up"), "{gap}");
    // The control.
    workflow(&place, "./own");
    let findings = judged(&place, 2, &["check"]);
    assert_eq!(findings["gaps"][0]["kind"], "empty-inventory");
    assert_eq!(findings["gaps"].as_array().unwrap().len(), 1);
}
