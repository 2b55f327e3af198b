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
    /// The answer before and the answer after.
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

/// What came, went and weighs otherwise; which findings are the same, [`Finding::is_same`](crate::model::finding::Finding::is_same) says.
#[must_use]
pub fn difference<'a>(before: &'a Verdict, after: &'a Verdict) -> Difference<'a> {
    let (old, new) = (Known::of(&before.findings), Known::of(&after.findings));
    let moved = after.findings.iter().filter_map(|judgement| {
        let known = old.same(judgement)?;
        (known.disposition != judgement.disposition).then_some((known.disposition, judgement))
    });
    Difference {
        schema: "portcullis/difference/v1",
        verdict: (before.verdict, after.verdict),
        came: after.findings.iter().filter(|j| old.same(j).is_none()).collect(),
        went: before.findings.iter().filter(|j| new.same(j).is_none()).collect(),
        moved: moved.collect(),
        inputs: inputs(before, after),
    }
}

/// The findings of a verdict, by rule and package: an alias group may have grown meanwhile.
pub(super) struct Known<'a>(BTreeMap<(&'a str, String), Vec<&'a Judgement>>);

impl<'a> Known<'a> {
    pub(super) fn of(findings: &'a [Judgement]) -> Self {
        let mut known: BTreeMap<_, Vec<&Judgement>> = BTreeMap::new();
        for judgement in findings {
            known.entry(key(&judgement.finding)).or_default().push(judgement);
        }
        Self(known)
    }

    /// The one that says the same of the same thing.
    pub(super) fn same(&self, judgement: &Judgement) -> Option<&'a Judgement> {
        let (rule, package) = key(&judgement.finding);
        let near = self.0.get(&(rule, package))?;
        near.iter().copied().find(|known| known.finding.is_same(&judgement.finding))
    }
}

fn key(finding: &Finding) -> (&str, String) {
    (
        finding.rule.as_str(),
        finding.purl.as_ref().map(ToString::to_string).unwrap_or_default(),
    )
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
