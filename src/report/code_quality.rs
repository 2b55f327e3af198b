//! Code Quality JSON, as GitLab shows it beside a merge request: a list of issues, each with a line of the repository.
//!
//! The list has no place for an answer, so that an empty one is "nothing to object": what is not known is an issue too, and a blocked or
//! undecidable verdict is the first of them.

use serde_json::{Value, json};

use super::answer;
use super::fingerprint::{Fingerprints, fingerprint};
use super::group::message;
use super::json::canonical;
use super::source_location::{SourceLocation, configuration, place_or_configuration};
use super::text::prose;
use crate::model::finding::{Disposition, Judgement};
use crate::model::outcome::Outcome;
use crate::model::severity::Severity;
use crate::model::verdict::{Decision, JudgedGap};

/// `gl-code-quality-report.json`.
#[must_use]
pub fn code_quality(outcome: &Outcome) -> Vec<u8> {
    let mut fingerprints = Fingerprints::default();
    let decision = outcome.verdict.as_ref().map(|verdict| verdict.verdict);
    let is_clear = outcome.failure.is_none() && decision == Some(Decision::Cleared);
    let first = (!is_clear).then(|| whole(outcome));
    let verdict = outcome.verdict.iter();
    let gaps = verdict.clone().flat_map(|verdict| &verdict.gaps).map(|gap| of_gap(gap, outcome));
    let findings = verdict
        .flat_map(|verdict| &verdict.findings)
        .map(|judgement| of_finding(judgement, outcome, &fingerprints.of(&judgement.finding)));
    canonical(&first.into_iter().chain(gaps).chain(findings).collect::<Vec<_>>())
}

fn issue(check: &str, text: &str, severity: &str, at: &SourceLocation, fingerprint: &str) -> Value {
    json!({
        "type": "issue",
        "check_name": prose(check),
        "description": prose(text),
        "categories": ["Security"],
        "severity": severity,
        "fingerprint": fingerprint,
        "location": {"path": prose(&at.file), "lines": {"begin": at.line.max(1)}},
    })
}

fn whole(outcome: &Outcome) -> Value {
    let text = format!("portcullis: {}", answer::sentence(outcome));
    issue(
        "verdict",
        &text,
        "blocker",
        &configuration(outcome),
        &fingerprint(&["verdict", &outcome.service]),
    )
}

fn of_gap(gap: &JudgedGap, outcome: &Outcome) -> Value {
    let severity = if gap.disposition == Disposition::Denied {
        "blocker"
    } else {
        "minor"
    };
    let text = format!("not known: {}: {}", gap.subject, gap.detail);
    let fingerprint = fingerprint(&["gap", gap.kind.as_str(), &gap.subject, &gap.detail]);
    issue(gap.kind.as_str(), &text, severity, &configuration(outcome), &fingerprint)
}

fn of_finding(judgement: &Judgement, outcome: &Outcome, fingerprint: &str) -> Value {
    let finding = &judgement.finding;
    let mut text = String::new();
    for part in finding
        .ids
        .iter()
        .take(1)
        .cloned()
        .chain(finding.purl.as_ref().map(ToString::to_string))
    {
        text.push_str(&format!("{part}: "));
    }
    text.push_str(message(finding));
    if !finding.fixed.is_empty() {
        text.push_str(&format!(" (fixed in {})", finding.fixed.join(", ")));
    }
    if let Some(waiver) = &judgement.waiver {
        text.push_str(&format!(" (waived: {waiver})"));
    }
    issue(
        finding.rule.as_str(),
        &text,
        severity(judgement),
        &place_or_configuration(finding, outcome),
        fingerprint,
    )
}

const fn severity(judgement: &Judgement) -> &'static str {
    match (judgement.disposition, judgement.finding.severity) {
        (Disposition::Waived, _) | (_, Some(Severity::None)) => "info",
        (_, Some(Severity::Low)) => "minor",
        (_, Some(Severity::Medium)) | (Disposition::Warned, None) => "major",
        (_, Some(Severity::High)) | (Disposition::Denied, None) => "critical",
        (_, Some(Severity::Critical)) => "blocker",
    }
}
