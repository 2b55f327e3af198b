//! One finding as a result.

use serde_json::{Map, Value, json};

use super::address::uri;
use super::rules::Rules;
use crate::model::finding::{Disposition, Finding, Judgement, Level};
use crate::model::inventory::Location;
use crate::model::outcome::Outcome;
use crate::model::verdict::Verdict;
use crate::report::group::message;
use crate::report::human::location;
use crate::report::source_location::{SourceLocation, place_or_configuration};
use crate::report::text::prose;

/// GitHub refuses a file with a result of more than 1,000 places; nobody reads 50.
const PLACES: usize = 50;

pub(super) fn result(judgement: &Judgement, outcome: &Outcome, verdict: &Verdict, rules: &Rules<'_>, fingerprint: String) -> Value {
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
pub(super) fn level(judgement: &Judgement) -> &'static str {
    match (judgement.disposition, judgement.finding.level) {
        (Disposition::Denied, _) | (Disposition::Waived, Level::Deny) => "error",
        (Disposition::Warned, _) | (Disposition::Waived, Level::Warn) => "warning",
        (Disposition::Waived, Level::Off) => "note",
    }
}

pub(super) fn text(judgement: &Judgement) -> String {
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

pub(super) fn properties(judgement: &Judgement) -> Value {
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
    if let Some(reachability) = &finding.reachability {
        properties["reachability"] = json!({"answer": reachability.answer, "evidence": prose(&reachability.evidence)});
        if let Some(applied) = reachability.applied {
            properties["reachability"]["applied"] = json!(applied);
        }
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
