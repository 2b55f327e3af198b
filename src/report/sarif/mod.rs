//! `findings.sarif`: SARIF 2.1.0 for code scanning.
//!
//! Takes an [`Outcome`] with a verdict. Gives every finding as a result (waived ones with their suppression, which GitHub does not understand: it
//! gets none of them), every gap as a notification. What is over a limit of those who read it is counted in a notification.
//! Invariant: locations are relative to the repository, and a finding keeps its fingerprint when lines or versions move.

mod address;
mod rules;

use address::uri;

use serde_json::{Map, Value, json};

use super::Reporter;
use super::difference::Known;
use super::fingerprint::Fingerprints;
use super::group::message;
use super::human::location;
use super::json::canonical;
use super::source_location::{SourceLocation, place_or_configuration};
use super::text::prose;
use crate::model::finding::{Disposition, Finding, Judgement, Level};
use crate::model::inventory::Location;
use crate::model::outcome::Outcome;
use crate::model::verdict::Verdict;
use rules::Rules;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// GitHub refuses a file with more results, all of it.
const RESULTS: usize = 25_000;
/// GitHub refuses a file with a result of more than 1,000 places; nobody reads 50.
const PLACES: usize = 50;

/// `findings.sarif`.
pub struct Sarif;

impl Reporter for Sarif {
    fn file(&self) -> &'static str {
        "findings.sarif"
    }

    fn finish(&self, outcome: &Outcome) -> Option<Vec<u8>> {
        outcome.verdict.as_ref().map(|verdict| canonical(&sarif(outcome, verdict)))
    }
}

/// The whole log: one run.
fn sarif(outcome: &Outcome, verdict: &Verdict) -> Value {
    let gone = absent(outcome, verdict);
    // To GitHub every result is an open alert.
    let is_shown = |judgement: &&Judgement| !(outcome.code_scanning && judgement.disposition == Disposition::Waived);
    // They are sorted: denied first, then by severity.
    let shown: Vec<&Judgement> = verdict.findings.iter().filter(is_shown).collect();
    let left_out = (shown.len() + gone.len()).saturating_sub(RESULTS);
    let rules = Rules::new(&outcome.rules, shown.iter().copied().chain(gone.iter().copied()));
    let mut fingerprints = Fingerprints::default();
    let before = outcome.baseline.as_ref().map(|_| Known::of(&outcome.before));
    let there = shown.into_iter().map(|j| (j, before.as_ref().map(|before| state(j, before))));
    let results: Vec<Value> = there
        .chain(gone.iter().map(|j| (*j, Some("absent"))))
        .take(RESULTS)
        .map(|(judgement, state)| {
            let mut value = result(judgement, outcome, verdict, &rules, fingerprints.of(&judgement.finding));
            if let Some(state) = state {
                value["baselineState"] = json!(state);
            }
            value
        })
        .collect();
    let mut run = json!({
        "tool": {"driver": {
            "name": "portcullis",
            "version": verdict.inputs.gate,
            "semanticVersion": verdict.inputs.gate,
            "rules": rules.descriptors(),
        }},
        "automationDetails": {"id": format!("portcullis/{}/", prose(&outcome.service))},
        "invocations": [{
            "executionSuccessful": outcome.failure.is_none(),
            "endTimeUtc": verdict.evaluated_at,
            "toolExecutionNotifications": notifications(verdict, left_out),
        }],
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "the repository"}}},
        "properties": {
            "verdict": verdict.verdict,
            "digest": verdict.subject.digest,
            "policy": verdict.inputs.policy.digest,
        },
        "results": results,
    });
    if let Some(provenance) = provenance(outcome) {
        run["versionControlProvenance"] = json!([provenance]);
    }
    json!({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})
}

/// How a result stands against the baseline.
fn state(judgement: &Judgement, before: &Known<'_>) -> &'static str {
    match before.same(judgement) {
        None => "new",
        Some(then) if then.disposition == judgement.disposition && then.finding.severity == judgement.finding.severity => "unchanged",
        Some(_) => "updated",
    }
}

/// What the baseline had found and is gone. A service that takes every result for one that is there does not get them.
fn absent<'a>(outcome: &'a Outcome, verdict: &Verdict) -> Vec<&'a Judgement> {
    let now = Known::of(&verdict.findings);
    let before = if outcome.code_scanning { &[] } else { outcome.before.as_slice() };
    before.iter().filter(|then| now.same(then).is_none()).collect()
}

fn provenance(outcome: &Outcome) -> Option<Value> {
    let commit = outcome.commit.as_ref()?;
    let source = commit.source.as_ref().filter(|source| source.starts_with("https://"))?;
    Some(json!({"repositoryUri": source, "revisionId": commit.sha}))
}

/// What could not be seen.
fn notifications(verdict: &Verdict, left_out: usize) -> Vec<Value> {
    let more = (left_out > 0).then(|| {
        json!({
            "descriptor": {"id": "results-left-out"},
            "level": "warning",
            "message": {"text": format!("{left_out} findings more are in findings.json: a file of results may hold {RESULTS}")},
        })
    });
    let level = |disposition| if disposition == Disposition::Denied { "error" } else { "warning" };
    verdict
        .gaps
        .iter()
        .map(|gap| {
            json!({
                "descriptor": {"id": gap.kind.as_str()},
                "level": level(gap.disposition),
                "message": {"text": prose(&format!("{}: {}", gap.subject, gap.detail))},
            })
        })
        .chain(more)
        .collect()
}

fn result(judgement: &Judgement, outcome: &Outcome, verdict: &Verdict, rules: &Rules<'_>, fingerprint: String) -> Value {
    let finding = &judgement.finding;
    let (id, index) = rules.of(finding);
    let mut value = json!({
        "ruleId": id,
        "ruleIndex": index,
        "level": level(judgement),
        "message": {"text": text(judgement)},
        "locations": [place_of(judgement, outcome)],
        // The second is the one that GitHub looks at.
        "partialFingerprints": {"portcullis/v1": fingerprint, "primaryLocationLineHash": fingerprint},
        "properties": properties(judgement),
    });
    if judgement.disposition == Disposition::Waived {
        value["suppressions"] = json!([suppression(judgement, verdict)]);
    }
    value
}

/// What a finding weighs; a waived one what it would weigh.
fn level(judgement: &Judgement) -> &'static str {
    match (judgement.disposition, judgement.finding.level) {
        (Disposition::Denied, _) | (Disposition::Waived, Level::Deny) => "error",
        (Disposition::Warned, _) | (Disposition::Waived, Level::Warn) => "warning",
        (Disposition::Waived, Level::Off) => "note",
    }
}

fn text(judgement: &Judgement) -> String {
    let finding = &judgement.finding;
    let mut text = String::new();
    if let Some(id) = finding.ids.first() {
        text.push_str(&format!("{id}: "));
    }
    if let Some(purl) = &finding.purl {
        text.push_str(&format!("{} {}: ", purl.full_name(), purl.version.as_deref().unwrap_or_default()));
    }
    text.push_str(message(finding));
    if !finding.fixed.is_empty() {
        text.push_str(&format!(". Fixed in {}", finding.fixed.join(", ")));
    }
    for reason in finding.reasons.iter().filter(|reason| reason.is_news()) {
        text.push_str(&format!(". Denied because {}", reason.detail));
    }
    if let Some(help) = &finding.help {
        text.push_str(&format!(". To do: {help}"));
    }
    if let more @ 1.. = in_image(finding).count().saturating_sub(PLACES) {
        text.push_str(&format!(". {more} places more are in findings.json"));
    }
    prose(&text)
}

fn properties(judgement: &Judgement) -> Value {
    let finding = &judgement.finding;
    let mut properties = json!({
        "disposition": judgement.disposition,
        "ids": finding.ids.iter().map(|id| prose(id)).collect::<Vec<_>>(),
        "purl": finding.purl,
        "severity": finding.severity,
        "score": finding.score,
        "fixed": finding.fixed.iter().map(|version| prose(version)).collect::<Vec<_>>(),
        "cause": judgement.cause,
    });
    if !finding.reasons.is_empty() {
        let reasons = finding.reasons.iter();
        properties["reasons"] = reasons
            .map(|reason| json!({"code": reason.code, "detail": prose(&reason.detail)}))
            .collect();
    }
    properties
}

/// Where it is: a line of the tree, and the places in the image.
fn place_of(judgement: &Judgement, outcome: &Outcome) -> Value {
    let finding = &judgement.finding;
    let SourceLocation { file, line } = place_or_configuration(finding, outcome);
    let mut value = json!({
        "physicalLocation": {
            "artifactLocation": {"uri": uri(&file), "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": line.max(1)},
        },
    });
    let in_image: Vec<Value> = in_image(finding).take(PLACES).map(logical).collect();
    if !in_image.is_empty() {
        value["logicalLocations"] = Value::Array(in_image);
    }
    value
}

fn in_image(finding: &Finding) -> impl Iterator<Item = &Location> {
    finding.locations.iter().filter(|place| place.layer.is_some())
}

fn logical(place: &Location) -> Value {
    let layer = place.layer.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut value = Map::new();
    value.insert("kind".to_owned(), json!("resource"));
    value.insert("name".to_owned(), json!(prose(&location(place))));
    value.insert("fullyQualifiedName".to_owned(), json!(prose(&format!("{layer}{}", place.path))));
    Value::Object(value)
}

/// The waiver that covers a finding.
fn suppression(judgement: &Judgement, verdict: &Verdict) -> Value {
    let name = judgement.waiver.as_deref().unwrap_or_default();
    let justification = verdict.waiver_of(judgement).map_or_else(
        || format!("waiver {name}"),
        |w| format!("waiver {name}, {}: {} ({}, until {})", w.reason, w.statement, w.owner, w.expires),
    );
    json!({"kind": "external", "status": "accepted", "justification": prose(&justification)})
}
