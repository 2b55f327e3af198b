//! The holes that users of other scanners fell into, each with the test that shows it is not here.

use portcullis::model::finding::Disposition;
use portcullis::model::verdict::Decision;
use portcullis::model::waiver::WaiverState;
use portcullis::stage::policy::{PolicyError, Waivers};

use crate::policy_case::{Case, named};

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

#[test]
fn an_image_with_zero_packages_does_not_pass() {
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
    assert_eq!(error.fault().code(), 2);
}

#[test]
fn one_severity_that_nobody_can_read_breaks_no_run_and_can_be_waived() {
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
        assert_eq!(error.fault().code(), 2, "{key}");
    }
    let both = changed(waived(), "expires =", "expire = 2026-11-01\nexpires =");
    assert_eq!(problem(&both).fault().code(), 2);
}

#[test]
fn a_waiver_without_an_expiry_is_refused() {
    assert_eq!(problem(&changed(waived(), "expires = 2026-12-01", "")).fault().code(), 2);
}

#[test]
fn a_waiver_without_a_package_is_refused() {
    assert_eq!(
        problem(&changed(waived(), "package = \"pkg:cargo/foo@1.2.*\"", "")).fault().code(),
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
        assert_eq!(problem(&case).fault().code(), 2, "{text}");
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
