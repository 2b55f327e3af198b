//! What is different between two verdicts: findings that came, went or weigh otherwise, and the inputs that changed.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::finding::{Disposition, Finding, Judgement};
use crate::model::verdict::{Decision, Verdict};

/// The difference of two verdicts, from the older one to the newer one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference<'a> {
    /// `portcullis/difference/v1`.
    pub schema: &'static str,
    /// The answers.
    pub verdict: (Decision, Decision),
    /// Findings that only the newer one has.
    pub came: Vec<&'a Judgement>,
    /// Findings that only the older one has.
    pub went: Vec<&'a Judgement>,
    /// Findings that weigh otherwise, with what they weighed before.
    pub moved: Vec<(Disposition, &'a Judgement)>,
    /// What the verdicts were computed from and differ in: `image`, `policy`, `osv:crates.io`.
    pub inputs: Vec<String>,
}

/// What makes two findings of two verdicts the same one.
type Key<'a> = (&'a str, &'a str, String, &'a str);

fn key(finding: &Finding) -> Key<'_> {
    (
        finding.rule.as_str(),
        finding.ids.first().map_or("", String::as_str),
        finding.purl.as_ref().map(ToString::to_string).unwrap_or_default(),
        finding.subject.as_deref().unwrap_or_default(),
    )
}

/// Compares two verdicts.
#[must_use]
pub fn difference<'a>(before: &'a Verdict, after: &'a Verdict) -> Difference<'a> {
    let old: BTreeMap<Key<'_>, &Judgement> = before.findings.iter().map(|j| (key(&j.finding), j)).collect();
    let new: BTreeMap<Key<'_>, &Judgement> = after.findings.iter().map(|j| (key(&j.finding), j)).collect();
    let moved = after.findings.iter().filter_map(|judgement| {
        let known = old.get(&key(&judgement.finding))?;
        (known.disposition != judgement.disposition).then_some((known.disposition, judgement))
    });
    Difference {
        schema: "portcullis/difference/v1",
        verdict: (before.verdict, after.verdict),
        came: after.findings.iter().filter(|j| !old.contains_key(&key(&j.finding))).collect(),
        went: before.findings.iter().filter(|j| !new.contains_key(&key(&j.finding))).collect(),
        moved: moved.collect(),
        inputs: inputs(before, after),
    }
}

fn inputs(before: &Verdict, after: &Verdict) -> Vec<String> {
    let mut changed = Vec::new();
    let mut note = |name: &str, same: bool| {
        if !same {
            changed.push(name.to_owned());
        }
    };
    note("commit", before.subject.commit == after.subject.commit);
    note("image", before.subject.digest == after.subject.digest);
    note("inventory", before.inputs.inventory == after.inputs.inventory);
    note("policy", before.inputs.policy.digest == after.inputs.policy.digest);
    note("waivers", before.inputs.waivers == after.inputs.waivers);
    note("gate", before.inputs.gate == after.inputs.gate);
    let revision = |verdict: &Verdict, name: &str| verdict.inputs.feeds.iter().find(|f| f.name == name).map(|f| f.revision);
    let mut feeds: Vec<&str> = before
        .inputs
        .feeds
        .iter()
        .chain(&after.inputs.feeds)
        .map(|feed| feed.name.as_str())
        .collect();
    feeds.sort_unstable();
    feeds.dedup();
    for feed in feeds {
        note(feed, revision(before, feed) == revision(after, feed));
    }
    changed
}
