//! The first lines: the answer, what it is about, and the reason in one sentence.

use super::page::Page;
use crate::model::finding::{Cause, Disposition};
use crate::model::outcome::{Outcome, RolloutReport, RolloutResult};
use crate::model::verdict::{Decision, Verdict};
use crate::report::quantity::{age_with, count, minute};
use crate::report::style::Paint;
use crate::report::text::{fit, visible, width};

pub(super) fn write(page: &mut Page, outcome: &Outcome) {
    let mut blocks = Vec::new();
    if let Some(verdict) = &outcome.verdict {
        let (paint, word) = decision(verdict.verdict);
        blocks.push(page.paint(paint, &format!(" {word} ")));
    }
    if let Some(rollout) = &outcome.rollout {
        let (paint, word) = result(rollout.result);
        blocks.push(page.paint(paint, &format!(" {word} ")));
    }
    if outcome.verdict.is_some() && outcome.rollout.is_none() && outcome.failure.is_some() {
        blocks.push(page.paint(Paint::BadBlock, " STOPPED "));
    }
    if blocks.is_empty() {
        let (paint, word) = match (&outcome.failure, outcome.reached) {
            (Some(_), _) => (Paint::BadBlock, "STOPPED".to_owned()),
            (None, Some(stage)) => (Paint::GoodBlock, format!("{} DONE", stage.as_str().to_uppercase())),
            (None, None) => (Paint::DoubtBlock, "NOTHING DONE".to_owned()),
        };
        blocks.push(page.paint(paint, &format!(" {word} ")));
    }
    let name = outcome.subject.as_ref().map_or(outcome.service.as_str(), |subject| &subject.name);
    let name = visible(name);
    let name = page.paint(Paint::Strong, &fit(&name, page.columns() / 3, page.signs().cut));
    let commit = commit(outcome).map(|text| page.paint(Paint::Dim, &text)).unwrap_or_default();
    let code = match code_unchanged(outcome) {
        true => page.paint(Paint::Doubt, "  the code is not why"),
        false => String::new(),
    };
    let line = format!("{}  {name}  {commit}{code}", blocks.join(" "));
    if width(&line) <= page.columns() {
        page.line(&line);
    } else {
        page.line(&format!("{}  {name}{code}", blocks.join(" ")));
        page.line(&commit);
    }
    if let Some(verdict) = &outcome.verdict {
        subject(page, outcome, verdict);
        page.blank();
        page.prose(0, Paint::Strong, &sentence(verdict));
        if let Some(text) = why_today(outcome) {
            page.prose(0, Paint::Doubt, &text);
        }
        if let Some(text) = outcome.rollout.as_ref().and_then(trouble) {
            page.prose(0, Paint::Bad, &text);
        }
    } else if let Some(digest) = outcome.subject.as_ref().and_then(|subject| subject.digest) {
        let digest = page.paint(Paint::Dim, &digest.to_string());
        page.line(&digest);
    }
    failure(page, outcome);
}

/// The verdict as a word and its colour.
pub(super) fn decision(decision: Decision) -> (Paint, &'static str) {
    match decision {
        Decision::Cleared => (Paint::GoodBlock, "CLEARED"),
        Decision::Blocked => (Paint::BadBlock, "BLOCKED"),
        Decision::Undecidable => (Paint::DoubtBlock, "UNDECIDABLE"),
    }
}

fn result(result: RolloutResult) -> (Paint, &'static str) {
    match result {
        RolloutResult::Committed => (Paint::GoodBlock, "LIVE"),
        RolloutResult::AlreadyDeployed => (Paint::GoodBlock, "LIVE ALREADY"),
        RolloutResult::Planned => (Paint::GoodBlock, "DRY RUN"),
        RolloutResult::RolledBack => (Paint::BadBlock, "ROLLED BACK"),
        RolloutResult::RollbackFailed => (Paint::BadBlock, "ROLLBACK FAILED"),
        RolloutResult::FirstFailed => (Paint::BadBlock, "FIRST VERSION FAILED"),
        RolloutResult::Refused => (Paint::BadBlock, "ROLLOUT REFUSED"),
        RolloutResult::Locked => (Paint::DoubtBlock, "LOCKED"),
        RolloutResult::Superseded => (Paint::DoubtBlock, "SUPERSEDED"),
        RolloutResult::Interrupted => (Paint::DoubtBlock, "INTERRUPTED"),
    }
}

/// What a rollout that did not commit means for the service.
pub(in crate::report) fn trouble(report: &RolloutReport) -> Option<String> {
    let meaning = match report.result {
        RolloutResult::Committed | RolloutResult::AlreadyDeployed | RolloutResult::Planned => return None,
        RolloutResult::RolledBack => "The new version did not hold; the old one serves again, verified",
        RolloutResult::RollbackFailed => "The new version did not hold, and the old one could not be brought back",
        RolloutResult::FirstFailed => "The first version did not become healthy; nothing ran before it, and nothing runs now",
        RolloutResult::Refused => "The rollout was refused; nothing was changed",
        RolloutResult::Locked => "Another deployer holds the lock; nothing was changed",
        RolloutResult::Superseded => "Somebody else changed the target meanwhile; nothing was restored",
        RolloutResult::Interrupted => "The rollout was interrupted; `portcullis rollout resume` finishes it",
    };
    Some(
        report
            .reason
            .as_ref()
            .map_or_else(|| format!("{meaning}."), |reason| format!("{meaning}: {reason}")),
    )
}

fn commit(outcome: &Outcome) -> Option<String> {
    let commit = outcome.commit.as_ref();
    if let Some(commit) = commit {
        let dirty = if commit.dirty {
            ", with changes that are not committed"
        } else {
            ""
        };
        return Some(format!("commit {}{dirty}", commit.sha.short()));
    }
    let sha = outcome.subject.as_ref()?.commit.as_ref()?;
    Some(format!("commit {}", sha.short()))
}

/// The digest, and what the verdict was made of.
fn subject(page: &mut Page, outcome: &Outcome, verdict: &Verdict) {
    if let Some(digest) = &verdict.subject.digest {
        let digest = page.paint(Paint::Dim, &digest.to_string());
        page.line(&digest);
    }
    let mut parts = vec![
        count(verdict.components, "component", "components"),
        format!("policy {} {}", verdict.inputs.policy.name, verdict.inputs.policy.digest.short()),
        format!("judged {}", minute(verdict.evaluated_at)),
    ];
    if let layers @ 1.. = verdict.inputs.cached_layers.len() {
        parts.push(format!("{} from the cache", count(layers, "layer", "layers")));
    }
    if verdict.only_new {
        parts.push("only what is new blocks".to_owned());
    }
    if outcome.dry_run {
        parts.push("dry run".to_owned());
    }
    let dot = format!(" {} ", page.signs().dot);
    page.prose(0, Paint::Dim, &parts.join(&dot));
}

/// The whole result in one sentence.
pub(in crate::report) fn sentence(verdict: &Verdict) -> String {
    let denied = verdict.count(Disposition::Denied);
    let warned = verdict.count(Disposition::Warned);
    let waived = verdict.count(Disposition::Waived);
    let gaps = |disposition| verdict.gaps.iter().filter(|gap| gap.disposition == disposition).count();
    let mut parts = Vec::new();
    if denied > 0 {
        parts.push(format!("{denied} denied"));
    }
    if gaps(Disposition::Denied) > 0 {
        parts.push(format!(
            "{} that the policy does not accept",
            count(gaps(Disposition::Denied), "gap", "gaps")
        ));
    }
    if warned > 0 {
        parts.push(format!("{warned} warned"));
    }
    if waived > 0 {
        parts.push(format!("{waived} waived"));
    }
    if gaps(Disposition::Warned) > 0 {
        parts.push(format!("{} accepted", count(gaps(Disposition::Warned), "gap", "gaps")));
    }
    let list = if parts.is_empty() {
        "no finding, no gap".to_owned()
    } else {
        parts.join(", ")
    };
    match verdict.verdict {
        Decision::Cleared => format!("Nothing stands in the way: {list}."),
        Decision::Blocked => format!("The policy denies it: {list}."),
        Decision::Undecidable => format!("The gate cannot know, so it stays shut: {list}."),
    }
}

/// The cause of each denied finding; none where a baseline is missing or says nothing of one of them.
fn causes(outcome: &Outcome) -> Option<Vec<Cause>> {
    let verdict = outcome.verdict.as_ref().filter(|v| v.verdict == Decision::Blocked)?;
    let denied = verdict
        .findings
        .iter()
        .filter(|judgement| judgement.disposition == Disposition::Denied);
    denied.map(|judgement| judgement.cause).collect()
}

/// True when a baseline shows that nothing that blocks came with the code.
#[must_use]
pub(in crate::report) fn code_unchanged(outcome: &Outcome) -> bool {
    causes(outcome).is_some_and(|causes| !causes.is_empty() && !causes.contains(&Cause::IntroducedByChange))
}

/// What changed since the baseline, first of all whether the code did.
pub(in crate::report) fn why_today(outcome: &Outcome) -> Option<String> {
    let verdict = outcome.verdict.as_ref()?;
    let causes = causes(outcome).filter(|causes| !causes.is_empty())?;
    let of = |cause: Cause| causes.iter().filter(|c| **c == cause).count();
    let mut reasons = Vec::new();
    for (cause, text) in CAUSES {
        match of(*cause) {
            0 => {}
            number => reasons.push(format!("{number} {text}")),
        }
    }
    let since = outcome.baseline.as_ref().map_or_else(String::new, |baseline| {
        let at = match age_with(baseline.evaluated_at, verdict.evaluated_at, "ago") {
            Some(ago) => format!("{ago}, {}", minute(baseline.evaluated_at)),
            None => minute(baseline.evaluated_at),
        };
        match &baseline.subject.commit {
            Some(sha) => format!(" since the last cleared run (commit {}, {at})", sha.short()),
            None => format!(" since the last cleared run ({at})"),
        }
    });
    let first = match of(Cause::IntroducedByChange) {
        0 => "The code is not why",
        number if number == causes.len() => "This change is why",
        _ => "This change is part of why",
    };
    Some(format!("{first}: {}{since}.", reasons.join(", ")))
}

const CAUSES: &[(Cause, &str)] = &[
    (Cause::IntroducedByChange, "introduced by the change"),
    (Cause::NewlyPublished, "newly published"),
    (Cause::FixReleased, "with a fix that is new"),
    (Cause::SeverityRaised, "raised in severity"),
    (Cause::WaiverExpired, "whose waiver has expired"),
    (Cause::PolicyChanged, "denied by a changed policy"),
    (Cause::GraceEnded, "whose days of grace are over"),
    (Cause::Unchanged, "there before"),
];

/// A finding's cause in words.
pub(in crate::report) fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::IntroducedByChange => "introduced by this change",
        Cause::NewlyPublished => "newly published",
        Cause::FixReleased => "a fix exists now",
        Cause::SeverityRaised => "severity raised",
        Cause::WaiverExpired => "its waiver has expired",
        Cause::PolicyChanged => "the policy changed",
        Cause::GraceEnded => "its days of grace are over, the code is not why",
        Cause::Unchanged => "there before",
    }
}

/// The error that stopped the run, in one line: its diagnostic with source and help goes to stderr.
fn failure(page: &mut Page, outcome: &Outcome) {
    let Some(failure) = &outcome.failure else { return };
    let after = failure.stage.map_or_else(String::new, |stage| format!(" after {}", stage.as_str()));
    let sign = page.signs().bad;
    let message: Vec<&str> = std::iter::once(&failure.message)
        .chain(failure.causes.first())
        .map(String::as_str)
        .collect();
    let message = message.join(": ");
    page.blank();
    page.labelled(
        0,
        (Paint::Bad, &format!("{sign} stopped{after}")),
        after.len() + 11,
        (Paint::Strong, &message),
    );
}
