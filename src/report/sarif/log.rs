//! The log of one run: its rules, results, notifications and provenance.

use serde_json::{Value, json};

use super::result::result;
use super::rules::Rules;
use crate::model::finding::{Disposition, Judgement};
use crate::model::outcome::Outcome;
use crate::model::verdict::Verdict;
use crate::report::Reporter;
use crate::report::answer;
use crate::report::difference::Known;
use crate::report::fingerprint::Fingerprints;
use crate::report::json::canonical;
use crate::report::text::prose;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// GitHub refuses a file with more results, all of it.
const RESULTS: usize = 25_000;

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
            // Where something was not looked at, what is not listed is not gone.
            "executionSuccessful": !answer::is_partial(outcome),
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
