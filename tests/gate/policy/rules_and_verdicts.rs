//! The policy stage: rules, waivers, verdicts.

use std::fs;

use portcullis::model::verdict::Decision;
use portcullis::stage::policy::rules::RULES;

use crate::policy::case::{Case, all, named, summary};

/// Set to rewrite every `expected.txt`.
const BLESS: &str = "PORTCULLIS_BLESS";

#[test]
fn every_case_gives_its_expected_verdict() {
    let mut wrong = Vec::new();
    let cases = all();
    assert!(cases.len() >= 2 * RULES.len(), "only {} cases", cases.len());
    for case in cases {
        let path = case.folder.join("expected.txt");
        let actual = summary(&case.verdict());
        if std::env::var_os(BLESS).is_some() {
            fs::write(&path, &actual).expect("written");
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if actual != expected {
            wrong.push(format!("--- {}\nexpected:\n{expected}actual:\n{actual}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}\n({BLESS}=1 rewrites them)", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_case_that_fires_and_one_that_does_not() {
    let cases = all();
    for entry in RULES {
        let code = entry.about.code;
        let find = |suffix: &str| {
            let name = format!("{code}-{suffix}");
            cases
                .iter()
                .find(|case| case.name == name)
                .unwrap_or_else(|| panic!("no fixture {name}"))
        };
        assert!(objects(find("fires"), code), "{code} does not fire");
        assert!(!objects(find("silent"), code), "{code} is not silent");
    }
}

/// A rule on gaps objects by making the verdict undecidable.
fn objects(case: &Case, code: &str) -> bool {
    let verdict = case.verdict();
    match code {
        "incomplete-inventory" | "stale-feed" => verdict.verdict == Decision::Undecidable,
        code => verdict.findings.iter().any(|judgement| judgement.finding.rule.as_str() == code),
    }
}

#[test]
fn the_default_policy_states_every_default() {
    let stated = named("vulnerable-component-fires");
    for case in all().into_iter().filter(|case| case.policy.0 == "embedded:gate.toml") {
        let mut empty = named(&case.name);
        empty.policy = (case.policy.0.clone(), String::new());
        let (mut with, without) = (case.verdict(), empty.verdict());
        with.inputs.policy = without.inputs.policy.clone();
        assert_eq!(with, without, "{}", case.name);
    }
    assert!(stated.policy.1.contains("[rules.root-user]"));
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    for case in all() {
        let again = named(&case.name);
        assert_eq!(
            serde_json::to_vec(&case.verdict()).expect("json"),
            serde_json::to_vec(&again.verdict()).expect("json"),
            "{}",
            case.name
        );
    }
}

#[test]
fn what_is_found_all_the_same_is_not_listed_as_not_applicable() {
    let verdict = named("vulnerable-component-upstream-where-the-policy-asks").verdict();
    let listed: Vec<&str> = verdict.not_applicable.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(listed, ["GHSA-2026-0002"]);
}

#[test]
fn a_waiver_holds_to_the_end_of_its_last_day_in_utc() {
    let on = |at: &str| named("vulnerable-component-waived").verdict_at(at).verdict;
    assert_eq!(on("2026-12-01T23:59:59Z"), Decision::Cleared);
    assert_eq!(on("2026-12-02T00:00:00Z"), Decision::Blocked);
    // The same instants in other places: what counts is the day in UTC.
    assert_eq!(on("2026-12-01T20:00:00-03:00"), Decision::Cleared);
    assert_eq!(on("2026-12-01T21:00:00-03:00"), Decision::Blocked);
}
