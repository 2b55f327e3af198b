//! What was published, and what the rollout saw.

use super::page::Page;
use crate::model::canary::StepVerdict;
use crate::model::health::Answered;
use crate::model::outcome::{Outcome, RolloutReport, RolloutResult};
use crate::model::rollout_state::RolloutState;
use crate::report::canary;
use crate::report::quantity::{bytes, count, counted, second_of_day};
use crate::report::style::Paint;

/// The reference, tags, attestations and who signed.
pub(super) fn publication(page: &mut Page, outcome: &Outcome) {
    let Some(publication) = &outcome.publication else { return };
    let aside = match publication.bytes_sent {
        0 => "it was there already, no blob was sent".to_owned(),
        sent => format!("{} sent", bytes(sent)),
    };
    page.heading("Published", &aside);
    page.labelled(2, (Paint::Dim, "image"), 10, (Paint::Strong, &publication.reference));
    if !publication.tags.is_empty() {
        page.labelled(2, (Paint::Dim, "tags"), 10, (Paint::Dim, &publication.tags.join(", ")));
    }
    match &publication.signed_by {
        Some(key) => {
            let attested = count(publication.attestations.len(), "attestation", "attestations");
            page.labelled(2, (Paint::Dim, "signed"), 10, (Paint::Dim, &format!("{attested} by {key}")));
        }
        None => page.labelled(
            2,
            (Paint::Doubt, "unsigned"),
            10,
            (Paint::Doubt, "no signing key is configured: nobody can verify this verdict"),
        ),
    }
}

/// The result, the timeline, the samples.
pub(super) fn rollout(page: &mut Page, outcome: &Outcome) {
    let Some(report) = &outcome.rollout else { return };
    let heading = if report.rollback { "Rollback" } else { "Rollout" };
    page.heading(heading, &format!("to {} as run {}", report.target, report.run));
    if let Some(reason) = &report.reason {
        let sign = page.signs().bad;
        page.labelled(2, (Paint::Bad, sign), 3, (Paint::Strong, reason));
    }
    let started = report.steps.first().map(|step| step.at);
    let rows: Vec<_> = report
        .steps
        .iter()
        .map(|step| {
            let since = started.map_or(0.0, |start| step.at.duration_since(start).as_secs_f64());
            vec![
                (Paint::Dim, second_of_day(step.at)),
                (Paint::Dim, format!("+{since:.1} s")),
                (state_paint(step.state), step.state.to_string()),
                (Paint::Dim, step.detail.clone()),
            ]
        })
        .collect();
    page.table(2, &rows);
    canary(page, report);
    if !report.samples.is_empty() {
        let text = samples(report);
        page.labelled(2, (Paint::Dim, "samples"), 10, (Paint::Dim, &text));
    }
    let when = when_cut(report.result);
    let cut = match report.cut_requests {
        Some(0) => None,
        Some(cut) => Some(format!("{} cut when {when}", counted(cut, "request was", "requests were"))),
        None => Some(format!("how many requests were cut when {when} is not known")),
    };
    if let Some(text) = cut {
        page.labelled(2, (Paint::Doubt, "drain"), 10, (Paint::Doubt, &text));
    }
    if let Some(reason) = &report.unverified {
        page.labelled(
            2,
            (Paint::Doubt, "unverified"),
            12,
            (Paint::Doubt, &format!("rolled out without a verified verdict: {reason}")),
        );
    }
    live(page, report, &outcome.command("rollout stop"));
}

/// What each step of a canary came to.
fn canary(page: &mut Page, report: &RolloutReport) {
    for row in canary::rows(report) {
        let paint = match row.step.verdict {
            StepVerdict::Passed => Paint::Good,
            StepVerdict::Failed => Paint::Bad,
            StepVerdict::Unknown => Paint::Doubt,
        };
        let [_, share, new, old, verdict, why] = row.cells;
        let why = if why.is_empty() { why } else { format!(": {why}") };
        page.labelled(2, (Paint::Dim, "canary"), 10, (paint, &format!("{share}, {verdict}{why}")));
        page.labelled(2, (Paint::Dim, ""), 10, (Paint::Dim, &format!("new {new}; old {old}")));
    }
}

/// When requests are cut off in a rollout that ends so: a version is stopped with what is under way on it.
pub(in crate::report) const fn when_cut(result: RolloutResult) -> &'static str {
    match result {
        RolloutResult::RolledBack | RolloutResult::RollbackFailed | RolloutResult::FirstFailed => "the new version was taken back",
        _ => "the old version stopped",
    }
}

const fn state_paint(state: RolloutState) -> Paint {
    match state {
        RolloutState::Committed | RolloutState::RolledBack => Paint::Good,
        RolloutState::RollingBack
        | RolloutState::VerifyingRollback
        | RolloutState::RollbackFailed
        | RolloutState::Refused
        | RolloutState::Superseded => Paint::Bad,
        _ => Paint::Strong,
    }
}

/// `12 of 12 healthy; answered by new 12, old 0, unknown 0; slowest 4.1 ms`.
pub(in crate::report) fn samples(report: &RolloutReport) -> String {
    let all = report.samples.len();
    let healthy = report.samples.iter().filter(|sample| sample.healthy).count();
    let by = |who: Answered| {
        report
            .samples
            .iter()
            .filter(|sample| sample.healthy && sample.answered == who)
            .count()
    };
    let slowest = report.samples.iter().map(|sample| sample.latency_ms).fold(0.0, f64::max);
    let mut text = format!(
        "{healthy} of {all} healthy; {} answered {}, {} {}, neither named {}; slowest {slowest:.1} ms",
        if report.rollback {
            "the version that was brought back"
        } else {
            "the new version"
        },
        by(Answered::New),
        if report.rollback { "the one before it" } else { "the old" },
        by(Answered::Old),
        by(Answered::Unknown)
    );
    if let Some(error) = report.samples.iter().rev().find_map(|sample| sample.error.as_deref()) {
        text.push_str(&format!("; last failure: {error}"));
    }
    text
}

/// What serves now, and where.
fn live(page: &mut Page, report: &RolloutReport, stop: &str) {
    match &report.live {
        Some(digest) => {
            let which = if *digest == report.digest && report.rollback {
                "the version that was brought back"
            } else if *digest == report.digest {
                "the new version"
            } else if Some(digest) == report.previous.as_ref() {
                "the version before it"
            } else {
                "another version"
            };
            page.labelled(2, (Paint::Dim, "live"), 10, (Paint::Strong, &format!("{which}, {digest}")));
        }
        None => {
            // Where nothing was changed, nothing is worse than it was.
            let paint = match report.result {
                RolloutResult::Refused | RolloutResult::Locked | RolloutResult::Planned => Paint::Dim,
                _ => Paint::Bad,
            };
            page.labelled(2, (paint, "live"), 10, (paint, "nothing that was seen to answer"));
        }
    }
    let Some(url) = &report.url else { return };
    if matches!(
        report.result,
        RolloutResult::Committed | RolloutResult::AlreadyDeployed | RolloutResult::RolledBack
    ) {
        page.labelled(2, (Paint::Dim, "see it"), 10, (Paint::Calm, &format!("curl {url}")));
        if report.target == "process" {
            page.labelled(2, (Paint::Dim, "stop it"), 10, (Paint::Calm, stop));
        }
    }
}

/// What a dry run would have done.
pub(super) fn planned(page: &mut Page, outcome: &Outcome) {
    if outcome.planned.is_empty() {
        return;
    }
    page.heading("Would be done without --dry-run", "");
    for (at, step) in outcome.planned.iter().enumerate() {
        page.labelled(2, (Paint::Dim, &format!("{}.", at + 1)), 4, (Paint::Strong, step));
    }
}
