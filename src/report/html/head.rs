//! The first screen: the answer, why, what changed since the last cleared verdict, what to do next.

use super::chart::Share;
use crate::model::finding::{Cause, Disposition, Judgement};
use crate::model::outcome::{Outcome, RolloutReport, RolloutResult};
use crate::model::severity::Severity;
use crate::model::verdict::{Decision, Verdict};
use crate::model::waiver::{WaiverReport, WaiverState};
use crate::report::closing::closing;
use crate::report::exit;
use crate::report::group::{Group, groups};
use crate::report::human::{cause_in_words, code_unchanged, sentence, trouble, why_today};
use crate::report::quantity::{count, minute, thousands, until_day};
use crate::report::text::prose;

/// Steps of the list of what to do next; the findings hold the rest.
const STEPS: usize = 12;

pub(super) struct Head {
    /// `payments: blocked`.
    pub(super) title: String,
    pub(super) name: String,
    /// `cleared`, `blocked`, `undecidable`, `stopped`, `none`: a class of the style sheet.
    pub(super) state: &'static str,
    /// The class of the whole answer: a cleared image whose rollout failed is no good news.
    pub(super) tone: &'static str,
    pub(super) word: &'static str,
    /// How it ended after the verdict, by a rollout or an error: class and word.
    pub(super) rollout: Option<(&'static str, &'static str)>,
    pub(super) sentence: String,
    pub(super) why_today: Option<String>,
    pub(super) code_unchanged: bool,
    pub(super) trouble: Option<String>,
    pub(super) failure: Option<Failure>,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) judged: String,
    pub(super) next: Vec<Step>,
    /// Steps that are left out of the list.
    pub(super) more: usize,
    pub(super) severities: Vec<Bar>,
    pub(super) causes: Vec<(usize, &'static str)>,
    pub(super) dry_run: bool,
}

pub(super) struct Failure {
    pub(super) after: Option<&'static str>,
    pub(super) message: String,
    pub(super) causes: Vec<String>,
    pub(super) help: Option<String>,
}

pub(super) struct Step {
    pub(super) about: String,
    pub(super) helps: Vec<String>,
}

/// Findings of one severity, and where the parts of its bar end.
pub(super) struct Bar {
    pub(super) word: &'static str,
    pub(super) denied: usize,
    pub(super) warned: usize,
    pub(super) waived: usize,
    pub(super) denied_end: Share,
    pub(super) warned_end: Share,
    pub(super) waived_end: Share,
}

impl Head {
    pub(super) fn new(outcome: &Outcome) -> Self {
        let verdict = outcome.verdict.as_ref();
        let (state, word) = state(outcome);
        let stopped = || (verdict.is_some() && outcome.failure.is_some()).then_some(("undecidable", "Stopped"));
        let rollout = outcome.rollout.as_ref().map(ending).or_else(stopped);
        let name = prose(outcome.subject.as_ref().map_or(outcome.service.as_str(), |subject| &subject.name));
        let denied = verdict.map(|verdict| groups(verdict, Disposition::Denied)).unwrap_or_default();
        let mut steps = steps(&denied);
        let gaps = verdict.map(closing).unwrap_or_default();
        steps.extend(gaps.into_iter().map(|(about, help)| Step { about, helps: vec![help] }));
        steps.extend(verdict.map(ending_waivers).unwrap_or_default());
        steps.extend(after_the_rollout(outcome));
        Self {
            title: format!("{name}: {}", word.to_lowercase()),
            name,
            state,
            word,
            tone: rollout.map_or(
                state,
                |(class, _)| if matches!(class, "blocked" | "undecidable") { class } else { state },
            ),
            rollout,
            sentence: verdict.map(|verdict| after_all(&sentence(verdict), rollout)).unwrap_or_default(),
            why_today: why_today(outcome),
            code_unchanged: code_unchanged(outcome),
            trouble: outcome.rollout.as_ref().and_then(trouble).map(|text| prose(&text)),
            failure: outcome.failure.as_ref().map(|failure| Failure {
                after: failure.stage.map(|stage| stage.as_str()),
                message: prose(&failure.message),
                causes: failure.causes.iter().map(|cause| prose(cause)).collect(),
                help: failure.help.as_deref().map(prose),
            }),
            facts: facts(outcome),
            judged: verdict.map(|verdict| minute(verdict.evaluated_at)).unwrap_or_default(),
            more: steps.len().saturating_sub(STEPS),
            next: steps.into_iter().take(STEPS).collect(),
            severities: verdict.map(bars).unwrap_or_default(),
            causes: verdict.map(causes).unwrap_or_default(),
            dry_run: outcome.dry_run,
        }
    }
}

/// The policy's sentence, over a rollout that did not hold: something stood in the way after all.
fn after_all(sentence: &str, rollout: Option<(&str, &str)>) -> String {
    match rollout {
        Some(("blocked" | "undecidable", _)) => sentence.replacen("Nothing stands in the way", "The policy has nothing against it", 1),
        _ => sentence.to_owned(),
    }
}

/// Promises that end soon: whoever reads this still has the time.
fn ending_waivers(verdict: &Verdict) -> Vec<Step> {
    let expiring = verdict.waivers.iter().filter(|waiver| waiver.state == WaiverState::Expiring);
    let step = |waiver: &WaiverReport| Step {
        about: prose(&waiver.waiver),
        helps: vec![format!(
            "its waiver ends on {}, {}: mend what it covers, or have it renewed by {}",
            waiver.expires,
            until_day(waiver.expires, verdict.evaluated_at),
            prose(&waiver.owner)
        )],
    };
    expiring.map(step).collect()
}

/// What the last line of the run said, where a rollout has not ended well.
fn after_the_rollout(outcome: &Outcome) -> Option<Step> {
    let report = outcome.rollout.as_ref().filter(|_| outcome.failure.is_none())?;
    let code = report.result.code();
    (code != 0).then(|| Step {
        about: "the rollout".to_owned(),
        helps: vec![exit::next(outcome, code)],
    })
}

fn state(outcome: &Outcome) -> (&'static str, &'static str) {
    match outcome.verdict.as_ref().map(|verdict| verdict.verdict) {
        Some(Decision::Cleared) => ("cleared", "Cleared"),
        Some(Decision::Blocked) => ("blocked", "Blocked"),
        Some(Decision::Undecidable) => ("undecidable", "Undecidable"),
        None if outcome.failure.is_some() => ("undecidable", "Stopped"),
        None => ("none", "No verdict"),
    }
}

const fn ending(report: &RolloutReport) -> (&'static str, &'static str) {
    match report.result {
        RolloutResult::Committed if report.rollback => ("cleared", "Gone back, live"),
        RolloutResult::Committed => ("cleared", "Live"),
        RolloutResult::AlreadyDeployed => ("cleared", "Live already"),
        RolloutResult::Planned => ("none", "Dry run"),
        RolloutResult::RolledBack => ("blocked", "Rolled back"),
        RolloutResult::RollbackFailed => ("blocked", "Rollback failed"),
        RolloutResult::FirstFailed => ("blocked", "First version failed"),
        RolloutResult::Refused => ("blocked", "Rollout refused"),
        RolloutResult::Locked => ("undecidable", "Locked by another deployer"),
        RolloutResult::Superseded => ("undecidable", "Superseded"),
        RolloutResult::Interrupted => ("undecidable", "Interrupted"),
    }
}

fn facts(outcome: &Outcome) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let Some(verdict) = &outcome.verdict else { return facts };
    if let Some(digest) = &verdict.subject.digest {
        facts.push(("Image", digest.to_string()));
    }
    let dirty = outcome.commit.as_ref().is_some_and(|commit| commit.dirty);
    if let Some(commit) = &verdict.subject.commit {
        let dirty = if dirty { ", with changes that are not committed" } else { "" };
        facts.push(("Commit", format!("{commit}{dirty}")));
    }
    let policy = &verdict.inputs.policy;
    facts.push(("Policy", format!("{} ({})", prose(&policy.name), policy.digest.short())));
    facts.push(("Components", thousands(verdict.components as u64)));
    let asked = verdict
        .asked_as_of
        .map_or_else(String::new, |at| format!(", asked as of {}", minute(at)));
    facts.push(("Judged", format!("{}{asked}", minute(verdict.evaluated_at))));
    facts.push((
        "Compared with",
        match &outcome.baseline {
            Some(baseline) => format!("{}, {}", prose(&baseline.source), minute(baseline.evaluated_at)),
            None => "nothing: no --baseline was named".to_owned(),
        },
    ));
    if verdict.only_new {
        facts.push(("Blocks", "only what the change brings".to_owned()));
    }
    facts
}

/// What to do about what is denied. A newer base image is one step, however many packages of it have findings.
fn steps(denied: &[Group<'_>]) -> Vec<Step> {
    let mut known: Vec<&str> = Vec::new();
    let mut out = Vec::new();
    let of_base: Vec<&Group<'_>> = denied.iter().filter(|group| is_of_base(group)).collect();
    let mut is_told = of_base.len() < 2;
    for group in denied {
        if of_base.len() > 1 && is_of_base(group) {
            if !std::mem::replace(&mut is_told, true) {
                out.push(newer_base(&of_base));
            }
            continue;
        }
        let helps: Vec<&str> = group.helps().into_iter().filter(|help| !known.contains(help)).collect();
        known.extend(&helps);
        if !helps.is_empty() {
            out.push(Step {
                about: prose(&group.title),
                helps: helps.into_iter().map(prose).collect(),
            });
        }
    }
    out
}

/// True where a newer base image clears all of it.
fn is_of_base(group: &Group<'_>) -> bool {
    let helps = group.helps();
    !helps.is_empty() && helps.iter().all(|help| help.starts_with("rebuild on a base image with "))
}

fn newer_base(groups: &[&Group<'_>]) -> Step {
    const NAMED: usize = 5;
    let findings = groups.iter().map(|group| group.judgements.len()).sum();
    let mut named: Vec<String> = groups.iter().take(NAMED).map(|group| prose(&group.title)).collect();
    if groups.len() > NAMED {
        named.push(format!("{} more packages", groups.len() - NAMED));
    }
    let findings = count(findings, "finding", "findings");
    Step {
        about: "the base image".to_owned(),
        helps: vec![format!("update it: {findings}, each with a fix, in {}", named.join(", "))],
    }
}

fn bars(verdict: &Verdict) -> Vec<Bar> {
    let mut rows: Vec<Bar> = Vec::new();
    let worst_first = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::None].map(Some);
    for severity in worst_first.into_iter().chain([None]) {
        let of = |disposition| {
            let same = |judgement: &&Judgement| {
                judgement.disposition == disposition && !judgement.finding.ids.is_empty() && judgement.finding.severity == severity
            };
            verdict.findings.iter().filter(same).count()
        };
        rows.push(bar(severity.map_or("unknown", Severity::as_str), of));
    }
    rows.push(bar("other rules", |disposition| {
        let same = |judgement: &&Judgement| judgement.disposition == disposition && judgement.finding.ids.is_empty();
        verdict.findings.iter().filter(same).count()
    }));
    rows.retain(|row| row.denied + row.warned + row.waived > 0);
    let longest = rows.iter().map(|row| row.denied + row.warned + row.waived).max().unwrap_or(1);
    for row in &mut rows {
        row.denied_end = Share::of(row.denied, longest);
        row.warned_end = Share::of(row.denied + row.warned, longest);
        row.waived_end = Share::of(row.denied + row.warned + row.waived, longest);
    }
    rows
}

fn bar(word: &'static str, of: impl Fn(Disposition) -> usize) -> Bar {
    Bar {
        word,
        denied: of(Disposition::Denied),
        warned: of(Disposition::Warned),
        waived: of(Disposition::Waived),
        denied_end: Share(0),
        warned_end: Share(0),
        waived_end: Share(0),
    }
}

/// How many denied findings have each cause, where a baseline tells.
fn causes(verdict: &Verdict) -> Vec<(usize, &'static str)> {
    let denied = || {
        verdict
            .findings
            .iter()
            .filter(|judgement| judgement.disposition == Disposition::Denied)
    };
    let mut known: Vec<Cause> = denied().filter_map(|judgement| judgement.cause).collect();
    known.sort_unstable();
    known.dedup();
    let of = |cause| denied().filter(|judgement| judgement.cause == Some(cause)).count();
    known.into_iter().map(|cause| (of(cause), cause_in_words(cause))).collect()
}
