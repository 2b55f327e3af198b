//! From evidence to a verdict. Pure: the same inputs give the same bytes.

use std::cmp::Reverse;

use crate::io::hash;
use crate::model::advisory::Match;
use crate::model::coverage::Gap;
use crate::model::digest::Digest;
use crate::model::finding::{Disposition, Finding, Judgement, Level, Reason, ReasonCode};
use crate::model::inventory::Component;
use crate::model::purl::Purl;
use crate::model::verdict::{Decision, Inputs, JudgedGap, NotApplicable, VERDICT_SCHEMA, Verdict};

use super::rules::Objections;
use super::waivers::{Covered, cover};
use super::{Evidence, Policy, Waivers, custom};

/// Judges. Pure: the same inputs give the same bytes.
#[must_use]
pub fn judge(policy: &Policy, waivers: &Waivers, evidence: &Evidence<'_>) -> Verdict {
    judge_inventory(policy, waivers, evidence, hash::of_json(evidence.inventory))
}

/// As [`judge`], with the inventory's digest given.
pub(super) fn judge_inventory(policy: &Policy, waivers: &Waivers, evidence: &Evidence<'_>, inventory: Digest) -> Verdict {
    let mut objections = Objections::default();
    for configured in &policy.rules {
        configured.rule.check(evidence, &mut objections);
    }
    let denies =
        |component: &Component, matched: &Match| policy.rules.iter().any(|other| other.rule.denies(component, matched, evidence.at));
    for configured in &policy.rules {
        configured.rule.check_beside(evidence, &denies, &mut objections);
    }
    custom::check(&policy.document.custom, evidence, &mut objections);
    let mut findings = merged(std::mem::take(&mut objections.findings));
    let Covered { mut by, ended, standings } = cover(waivers, &policy.document.waivers, &findings, evidence);
    for ((finding, ended), by) in findings.iter_mut().zip(ended).zip(&by) {
        let is_back = by.is_none() && finding.level == Level::Deny;
        finding.reasons.extend(ended.filter(|_| is_back).map(|detail| Reason {
            code: ReasonCode::ExpiredWaiver,
            detail,
        }));
    }
    for configured in &policy.rules {
        configured.rule.check_waivers(&standings, &mut objections);
    }
    findings.append(&mut objections.findings);
    by.resize(findings.len(), None);

    let mut judged: Vec<Judgement> = findings
        .into_iter()
        .zip(by)
        .map(|(finding, waiver)| judgement(finding, waiver))
        .collect();
    judged.sort_by_cached_key(rank);
    let gaps = weighed(policy, evidence, &objections.gaps);
    Verdict {
        schema: VERDICT_SCHEMA.to_owned(),
        subject: evidence.inventory.subject.clone(),
        verdict: decide(&judged, &gaps),
        evaluated_at: evidence.at,
        asked_as_of: evidence.context.asked_as_of,
        not_applicable: not_applicable(evidence, &judged),
        findings: judged,
        gaps,
        waivers: standings.into_iter().map(|standing| standing.report).collect(),
        passed_over: evidence.inventory.passed_over.clone(),
        only_new: false,
        denies_ended_waivers: policy.rules.iter().any(|configured| configured.rule.denies_ended_waivers()),
        components: evidence.inventory.components.len(),
        inputs: Inputs {
            gate: env!("CARGO_PKG_VERSION").to_owned(),
            policy: policy.input(),
            waivers: waivers.digest(),
            vex: waivers.vex_inputs(),
            cached_layers: evidence.context.cached_layers.clone(),
            inventory,
            feeds: evidence.matching.feeds.clone(),
            release_times: objections.release_times,
            linked: evidence.matching.linked.clone(),
        },
    }
}

/// One finding for each rule, advisory and component: the same package at two places (two platforms, two layers) is one finding with two places.
fn merged(mut findings: Vec<Finding>) -> Vec<Finding> {
    let key = |f: &Finding| {
        (
            f.rule.clone(),
            f.purl.as_ref().map(ToString::to_string),
            f.ids.clone(),
            f.subject.clone(),
            f.message.clone(),
        )
    };
    findings.sort_by_cached_key(|f| (key(f), Reverse(f.level)));
    findings.dedup_by(|next, kept| {
        if key(next) != key(kept) {
            return false;
        }
        kept.locations.append(&mut next.locations);
        kept.reasons.append(&mut next.reasons);
        true
    });
    for finding in &mut findings {
        finding.locations.sort();
        finding.locations.dedup();
        finding.reasons.sort();
        finding.reasons.dedup();
    }
    findings
}

fn judgement(mut finding: Finding, waiver: Option<String>) -> Judgement {
    let says_why = finding.reasons.iter().any(|reason| reason.code != ReasonCode::ExpiredWaiver);
    if finding.level == Level::Deny && !says_why {
        finding.reasons.push(Reason {
            code: ReasonCode::Rule,
            detail: format!("the policy denies what {} finds", finding.rule),
        });
    }
    let disposition = match (&waiver, finding.level) {
        (Some(_), _) => Disposition::Waived,
        (None, Level::Deny) => Disposition::Denied,
        (None, Level::Warn | Level::Off) => Disposition::Warned,
    };
    Judgement {
        finding,
        disposition,
        waiver,
        cause: None,
    }
}

/// Denied first, then by severity (the unknown ones last), rule, purl and id.
pub(super) type Rank = (Disposition, Reverse<u8>, String, String, Vec<String>, String, String);

pub(super) fn rank(judgement: &Judgement) -> Rank {
    let finding = &judgement.finding;
    let severity = finding.severity.map_or(0, |severity| severity as u8 + 1);
    (
        judgement.disposition,
        Reverse(severity),
        finding.rule.to_string(),
        finding.purl.as_ref().map(ToString::to_string).unwrap_or_default(),
        finding.ids.clone(),
        finding.subject.clone().unwrap_or_default(),
        finding.message.clone(),
    )
}

/// Every gap with its disposition. A gap that no rule weighs is denied: nothing is lowered by accident.
fn weighed(policy: &Policy, evidence: &Evidence<'_>, of_rules: &[Gap]) -> Vec<JudgedGap> {
    let level = |gap: &Gap| {
        let levels = policy.rules.iter().filter_map(|configured| configured.rule.weigh(gap));
        levels.max().unwrap_or(Level::Deny)
    };
    let seen = evidence
        .inventory
        .gaps
        .iter()
        .chain(&evidence.matching.gaps)
        .chain(&evidence.context.gaps);
    let all = seen.chain(of_rules);
    let mut gaps: Vec<JudgedGap> = all
        .map(|gap| {
            let disposition = if level(gap) == Level::Deny {
                Disposition::Denied
            } else {
                Disposition::Warned
            };
            JudgedGap::new(gap, disposition)
        })
        .collect();
    gaps.sort_by(|a, b| (a.disposition, a).cmp(&(b.disposition, b)));
    gaps.dedup();
    gaps
}

/// The answer that findings and gaps give.
#[must_use]
pub fn decide(findings: &[Judgement], gaps: &[JudgedGap]) -> Decision {
    if findings.iter().any(|judgement| judgement.disposition == Disposition::Denied) {
        Decision::Blocked
    } else if gaps.iter().any(|gap| gap.disposition == Disposition::Denied) {
        Decision::Undecidable
    } else {
        Decision::Cleared
    }
}

/// What does not apply, but for what the policy asked for all the same.
fn not_applicable(evidence: &Evidence<'_>, judged: &[Judgement]) -> Vec<NotApplicable> {
    let is_found = |matched: &Match, purl: &Purl| {
        let mut findings = judged.iter().map(|judgement| &judgement.finding);
        findings.any(|finding| finding.ids.first() == Some(&matched.advisory.id) && finding.purl.as_ref() == Some(purl))
    };
    let mut all: Vec<NotApplicable> = evidence
        .matching
        .matches
        .iter()
        .filter_map(|matched| {
            let reason = matched.not_applicable.clone()?;
            let purl = &evidence.inventory.components.get(matched.component)?.purl;
            (!matched.owned_by_os || !is_found(matched, purl)).then(|| NotApplicable {
                id: matched.advisory.id.clone(),
                purl: purl.to_string(),
                reason,
            })
        })
        .collect();
    all.sort();
    all.dedup();
    all
}
