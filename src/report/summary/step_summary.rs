//! The whole page, section by section.

use super::findings::{denied, name, place, table, todo};
use super::markdown::{ROWS, rest};
use super::markdown::{code, escape};
use crate::model::finding::{Disposition, Judgement};
use crate::model::outcome::{Outcome, RolloutReport, RolloutResult};
use crate::model::verdict::{Decision, Verdict};
use crate::report::Reporter;
use crate::report::canary;
use crate::report::exit;
use crate::report::group::groups;
use crate::report::human::{code_unchanged, sentence, why_today};
use crate::report::quantity::{age, bytes, count, minute, second_of_day, thousands, until_day};

/// `summary.md`.
pub struct Summary;

impl Reporter for Summary {
    fn file(&self) -> &'static str {
        "summary.md"
    }

    fn finish(&self, outcome: &Outcome) -> Option<Vec<u8>> {
        Some(summary(outcome).into_bytes())
    }
}

/// The page that a workflow run shows, as GitHub's Markdown.
#[must_use]
pub fn summary(outcome: &Outcome) -> String {
    let mut out = String::new();
    head(&mut out, outcome);
    if let Some(verdict) = &outcome.verdict {
        todo(&mut out, verdict);
        denied(&mut out, verdict);
        gaps(&mut out, verdict);
        others(&mut out, verdict);
        inputs(&mut out, verdict);
    }
    publication(&mut out, outcome);
    if let Some(report) = &outcome.rollout {
        rollout(&mut out, report);
    }
    if !outcome.planned.is_empty() {
        out.push_str("\n### Would be done without `--dry-run`\n\n");
        for step in &outcome.planned {
            out.push_str(&format!("1. {}\n", escape(step)));
        }
    }
    out
}

fn head(out: &mut String, outcome: &Outcome) {
    let (sign, word) = match outcome.verdict.as_ref().map(|verdict| verdict.verdict) {
        Some(Decision::Cleared) => ("✅", "Cleared"),
        Some(Decision::Blocked) => ("⛔", "Blocked"),
        Some(Decision::Undecidable) => ("⚠️", "Undecidable"),
        None if outcome.failure.is_some() => ("⚠️", "Stopped"),
        None => ("▫️", "No verdict"),
    };
    let name = outcome.subject.as_ref().map_or(outcome.service.as_str(), |subject| &subject.name);
    let is_stopped = outcome.verdict.is_some() && outcome.failure.is_some();
    let sign = match outcome.rollout.as_ref().map(|report| report.result) {
        _ if is_stopped => "⚠️",
        // A cleared image whose rollout failed is no good news.
        Some(RolloutResult::RolledBack | RolloutResult::RollbackFailed | RolloutResult::FirstFailed | RolloutResult::Refused) => "⛔",
        Some(RolloutResult::Locked | RolloutResult::Superseded | RolloutResult::Interrupted) => "⚠️",
        _ => sign,
    };
    let rollout = match &outcome.rollout {
        Some(report) if report.rollback && report.result == RolloutResult::Committed => ", gone back and live",
        Some(report) => result(report.result),
        None if is_stopped => ", then stopped",
        None => "",
    };
    let why = if code_unchanged(outcome) { ", and the code is not why" } else { "" };
    out.push_str(&format!("## {sign} {word}{rollout}: {}{why}\n\n", code(name)));
    if let Some(failure) = &outcome.failure {
        let after = failure.stage.map_or_else(String::new, |stage| format!(" after {}", stage.as_str()));
        out.push_str(&format!("**Stopped{after}:** {}\n\n", escape(&failure.message)));
        for cause in &failure.causes {
            out.push_str(&format!("- because {}\n", escape(cause)));
        }
        if let Some(help) = &failure.help {
            out.push_str(&format!("\nNext: {}\n\n", escape(help)));
        }
    }
    let Some(verdict) = &outcome.verdict else { return };
    out.push_str(&format!("**{}**\n\n", escape(&sentence(verdict))));
    if let Some(text) = why_today(outcome) {
        out.push_str(&format!("> {}\n\n", escape(&text)));
    }
    let mut rows = Vec::new();
    if let Some(digest) = &verdict.subject.digest {
        rows.push(("Image", code(&digest.to_string())));
    }
    if let Some(commit) = &verdict.subject.commit {
        rows.push(("Commit", code(commit.as_str())));
    }
    rows.push(("Components", thousands(verdict.components as u64)));
    rows.push(("Policy", code(&verdict.inputs.policy.name)));
    rows.push(("Judged", minute(verdict.evaluated_at)));
    if let layers @ 1.. = verdict.inputs.cached_layers.len() {
        rows.push(("Layers from the cache", format!("{layers}, which the policy trusts")));
    }
    for passed in &verdict.passed_over {
        let said = format!("{}, {}: {}", thousands(passed.count as u64), passed.why(), passed.named(5));
        rows.push(("Not looked into", escape(&said)));
    }
    if let Some(times) = &verdict.inputs.release_times {
        for said in times.unknown_words(5).into_iter().chain(times.fixes_words()) {
            rows.push(("Ages of releases", escape(&said)));
        }
    }
    for (id, words) in verdict.not_linked().take(5) {
        rows.push(("Not linked", escape(&format!("{id}: {words}"))));
    }
    out.push_str("| | |\n|---|---|\n");
    for (key, value) in rows {
        out.push_str(&format!("| {key} | {value} |\n"));
    }
}

const fn result(result: RolloutResult) -> &'static str {
    match result {
        RolloutResult::Committed => " and live",
        RolloutResult::AlreadyDeployed => ", live already",
        RolloutResult::Planned => ", not rolled out (dry run)",
        RolloutResult::RolledBack => ", rolled back",
        RolloutResult::RollbackFailed => ", rollback failed",
        RolloutResult::FirstFailed => ", the first version failed and nothing runs",
        RolloutResult::Refused => ", rollout refused",
        RolloutResult::Locked => ", rollout locked",
        RolloutResult::Superseded => ", rollout superseded",
        RolloutResult::Interrupted => ", rollout interrupted",
    }
}

pub(super) fn gaps(out: &mut String, verdict: &Verdict) {
    if verdict.gaps.is_empty() {
        return;
    }
    out.push_str("\n### Not known\n\n| Gap | About | What happened | |\n|---|---|---|---|\n");
    for gap in verdict.gaps.iter().take(ROWS) {
        let accepted = if gap.disposition == Disposition::Denied {
            "denied"
        } else {
            "accepted by the policy"
        };
        out.push_str(&format!(
            "| {} | {} | {} | {accepted} |\n",
            gap.kind.as_str(),
            code(&gap.subject),
            escape(&gap.detail)
        ));
    }
    rest(out, verdict.gaps.len(), ROWS);
}

/// Warned and waived findings, and waivers: folded, since they do not decide.
fn others(out: &mut String, verdict: &Verdict) {
    let warned = groups(verdict, Disposition::Warned);
    if !warned.is_empty() {
        let all = verdict.count(Disposition::Warned);
        out.push_str(&format!(
            "\n<details><summary>Warned: {}</summary>\n\n",
            count(all, "finding", "findings")
        ));
        table(out, &warned);
        out.push_str("\n</details>\n");
    }
    let waived: Vec<&Judgement> = verdict.findings.iter().filter(|j| j.disposition == Disposition::Waived).collect();
    if !waived.is_empty() {
        out.push_str(&format!(
            "\n<details><summary>Waived: {}</summary>\n\n",
            count(waived.len(), "finding", "findings")
        ));
        out.push_str("| Finding | Package | Where | Waived | Until | Owner |\n|---|---|---|---|---|---|\n");
        for judgement in waived.iter().take(ROWS) {
            let finding = &judgement.finding;
            let package = finding.purl.as_ref().map(ToString::to_string).unwrap_or_default();
            let waiver = verdict.waiver_of(judgement);
            let why = waiver
                .map(|waiver| format!("{}: {}", waiver.reason, waiver.statement))
                .unwrap_or_default();
            out.push_str(&format!(
                "| {} | {} | {} | {} {} | {} | {} |\n",
                name(finding),
                code(&package),
                place(finding),
                code(judgement.waiver.as_deref().unwrap_or_default()),
                escape(&why),
                waiver.map(|waiver| waiver.expires.to_string()).unwrap_or_default(),
                escape(waiver.map(|waiver| waiver.owner.as_str()).unwrap_or_default()),
            ));
        }
        rest(out, waived.len(), ROWS);
        out.push_str("\n</details>\n");
    }
    waivers(out, verdict);
}

fn waivers(out: &mut String, verdict: &Verdict) {
    if verdict.waivers.is_empty() {
        return;
    }
    out.push_str(&format!("\n<details><summary>Waivers: {}</summary>\n\n", verdict.waivers.len()));
    out.push_str("| State | Waiver | Package | Until | Owner | Covers |\n|---|---|---|---|---|---|\n");
    for waiver in verdict.waivers.iter().take(ROWS) {
        out.push_str(&format!(
            "| {} | {} | {} | {} ({}) | {} | {} |\n",
            waiver.state.as_str(),
            code(&waiver.waiver),
            code(&waiver.package),
            waiver.expires,
            until_day(waiver.expires, verdict.evaluated_at),
            escape(&waiver.owner),
            waiver.covers
        ));
    }
    rest(out, verdict.waivers.len(), ROWS);
    out.push_str("\n</details>\n");
}

fn inputs(out: &mut String, verdict: &Verdict) {
    let policy = &verdict.inputs.policy;
    out.push_str(&format!(
        "\nJudged by the policy {} {}\n",
        code(&policy.name),
        code(&policy.digest.to_string())
    ));
    if verdict.inputs.feeds.is_empty() {
        return;
    }
    out.push_str("\n<details><summary>Advisory data</summary>\n\n| Feed | Age | Records | Revision | From |\n|---|---|---|---|---|\n");
    for feed in &verdict.inputs.feeds {
        out.push_str(&format!(
            "| {} | {} | {} | {} | {} |\n",
            code(&feed.name),
            age(feed.as_of, verdict.evaluated_at),
            thousands(feed.records),
            code(&feed.revision.to_string()),
            code(&feed.source)
        ));
    }
    out.push_str("\n</details>\n");
}

fn publication(out: &mut String, outcome: &Outcome) {
    let Some(publication) = &outcome.publication else { return };
    let tags = publication.tags.iter().map(|tag| code(tag)).collect::<Vec<_>>().join(" ");
    let signed = publication.signed_by.as_ref().map_or_else(
        || "unsigned: no key is configured".to_owned(),
        |key| {
            let attested = count(publication.attestations.len(), "attestation", "attestations");
            format!("{attested} signed by {}", code(key))
        },
    );
    out.push_str(&format!(
        "\n### Published\n\n{} {tags}, {} sent, {signed}\n",
        code(&publication.reference),
        bytes(publication.bytes_sent)
    ));
}

fn rollout(out: &mut String, report: &RolloutReport) {
    let what = if report.rollback { "Rollback" } else { "Rollout" };
    out.push_str(&format!("\n### {what} to {}\n\n", escape(&report.target)));
    if let Some(reason) = &report.reason {
        out.push_str(&format!("**{}**\n\n", escape(reason)));
    }
    if let Some(reason) = &report.unverified {
        out.push_str(&format!("⚠️ Rolled out without a verified verdict: {}\n\n", escape(reason)));
    }
    out.push_str("| Time (UTC) | State | |\n|---|---|---|\n");
    for step in report.steps.iter().take(ROWS) {
        out.push_str(&format!(
            "| {} | {} | {} |\n",
            second_of_day(step.at),
            code(step.state.as_str()),
            escape(&step.detail)
        ));
    }
    rest(out, report.steps.len(), ROWS);
    canary(out, report);
    if !report.samples.is_empty() {
        out.push_str(&format!("\nSamples: {}\n", escape(&super::super::human::samples(report))));
    }
    let live = report
        .live
        .as_ref()
        .map_or_else(|| "nothing that was seen to answer".to_owned(), |digest| code(&digest.to_string()));
    out.push_str(&format!("\nLive: {live}\n"));
}

/// What each step of a canary came to.
fn canary(out: &mut String, report: &RolloutReport) {
    let rows = canary::rows(report);
    if rows.is_empty() {
        return;
    }
    out.push_str(&format!(
        "\nCanary:\n\n| {} |\n|{}\n",
        canary::HEADS.join(" | "),
        "---|".repeat(canary::HEADS.len())
    ));
    for row in rows {
        out.push_str(&format!("| {} |\n", row.cells.each_ref().map(|cell| escape(cell)).join(" | ")));
    }
}

/// The line that says what the exit code means, for the end of the page.
#[must_use]
pub fn ending(outcome: &Outcome, exit_code: u8) -> String {
    format!("\n{}\n", code(&exit::line(outcome, exit_code)))
}
