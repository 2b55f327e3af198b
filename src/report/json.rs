//! JSON for programs: `findings.json` (what `--format json` prints), `verdict.json`, `rollout.json`.

use serde::Serialize;
use serde_json::{Value, json};

use super::Reporter;
use crate::model::canonical::of_value;
use crate::model::finding::Judgement;
use crate::model::outcome::Outcome;
use crate::model::verdict::Verdict;

/// The canonical bytes of a report. All of them are types of ours that JSON can hold: another one is a bug, and ends the run rather than
/// leaving a file without content.
#[must_use]
pub fn canonical<T: Serialize>(report: &T) -> Vec<u8> {
    of_value(json!(report))
}

/// The `schema` of `findings.json`.
pub const FINDINGS_SCHEMA: &str = "portcullis/findings/v1";

/// `findings.json`.
pub struct Findings;

impl Reporter for Findings {
    fn file(&self) -> &'static str {
        "findings.json"
    }

    fn finish(&self, outcome: &Outcome) -> Option<Vec<u8>> {
        outcome.verdict.as_ref().map(findings)
    }
}

/// `verdict.json`: the verdict's canonical bytes.
pub struct VerdictFile;

impl Reporter for VerdictFile {
    fn file(&self) -> &'static str {
        "verdict.json"
    }

    fn finish(&self, outcome: &Outcome) -> Option<Vec<u8>> {
        outcome.verdict.as_ref().map(canonical)
    }
}

/// `rollout.json`.
pub struct Rollout;

impl Reporter for Rollout {
    fn file(&self) -> &'static str {
        "rollout.json"
    }

    fn finish(&self, outcome: &Outcome) -> Option<Vec<u8>> {
        outcome.rollout.as_ref().map(canonical)
    }
}

/// What `--format json` prints, and `findings.json` holds.
#[must_use]
pub fn findings(verdict: &Verdict) -> Vec<u8> {
    let mut document = json!({
        "schema": FINDINGS_SCHEMA,
        "subject": verdict.subject,
        "verdict": verdict.verdict,
        "evaluated_at": verdict.evaluated_at,
        "components": verdict.components,
        "findings": verdict.findings.iter().map(finding).collect::<Vec<_>>(),
        "gaps": verdict.gaps,
        "waivers": verdict.waivers,
        "not_applicable": verdict.not_applicable,
        "passed_over": verdict.passed_over,
        "inputs": verdict.inputs,
    });
    // What nothing is published by says so in every form.
    if let Some(asked) = verdict.asked_as_of {
        document["asked_as_of"] = json!(asked);
    }
    if verdict.only_new {
        document["only_new"] = json!(true);
    }
    canonical(&document)
}

/// What any other run prints with `--format json`: the whole outcome.
#[must_use]
pub fn outcome(outcome: &Outcome) -> Vec<u8> {
    match &outcome.verdict {
        Some(verdict) if outcome.rollout.is_none() && outcome.publication.is_none() => findings(verdict),
        _ => canonical(outcome),
    }
}

/// One entry of `findings`: the documented keys are always there, `null` or empty where nothing is known.
fn finding(judgement: &Judgement) -> Value {
    let Value::Object(mut map) = json!(judgement) else {
        unreachable!("a judgement is an object")
    };
    for list in ["ids", "fixed", "locations"] {
        map.entry(list).or_insert_with(|| json!([]));
    }
    for key in ["purl", "severity", "severity_source", "waiver", "cause", "source"] {
        map.entry(key).or_insert(Value::Null);
    }
    if let Some(Value::Array(locations)) = map.get_mut("locations") {
        for location in locations.iter_mut().filter_map(Value::as_object_mut) {
            location.entry("layer").or_insert(Value::Null);
            location.entry("line").or_insert(Value::Null);
        }
    }
    Value::Object(map)
}
