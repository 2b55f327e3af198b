//! What `rollout status`, `stop` and an idle `resume` say.

use std::fmt::Write as _;

use serde_json::json;

use crate::cli::program::quoted;
use crate::cli::session::Answer;
use crate::model::excused::Excused as _;
use crate::model::exit_kind::ExitKind;
use crate::model::outcome::RolloutResult;
use crate::model::planned_rollout::PlannedRollout;
use crate::report::rollout_plan;
use crate::report::text::prose;
use crate::stage::rollout::{InstanceStatus, RolloutStatus, StopReport};

/// What serves, since when, and what is unfinished.
pub(super) fn status(status: &RolloutStatus) -> Answer {
    let mut text = format!("{} ({})\n", status.service, status.target);
    match (&status.live, &status.unseen) {
        (None, Some(reason)) => {
            writeln!(text, "  serves     cannot be seen: {reason}").dismissed("a string takes everything");
        }
        (Some(live), _) => {
            let commit = live
                .deployed
                .release
                .commit
                .as_ref()
                .map_or("no commit", |commit| &commit[..commit.len().min(12)]);
            writeln!(
                text,
                "  serves     {} of {commit}, run {}",
                live.deployed.release.digest.short(),
                live.deployed.run
            )
            .dismissed("a string takes everything");
        }
        (None, None) => text.push_str("  serves     nothing\n"),
    }
    if let Some(url) = &status.url {
        writeln!(
            text,
            "  at         {url}{}",
            if status.switch || status.target != "process" {
                ""
            } else {
                " (the switch does not answer)"
            }
        )
        .dismissed("a string takes everything");
    }
    for instance in &status.instances {
        writeln!(text, "  instance   {}", instance_line(instance)).dismissed("a string takes everything");
    }
    if let Some(canary) = &status.canary {
        let (percent, backend) = (canary.share.percent, &canary.share.backend);
        let (digest, figures) = (backend.digest.short(), canary.figures.shown());
        writeln!(text, "  canary     {percent} % to {digest} of run {}: {figures}", backend.run).dismissed("a string takes everything");
    }
    if let Some(good) = status.good.last() {
        writeln!(text, "  last good  {} of run {}", good.release.digest.short(), good.run).dismissed("a string takes everything");
    }
    if let Some(run) = status.last_run.as_ref().filter(|run| run.result.code() != 0) {
        let reason = run.reason.as_deref().unwrap_or("no reason was recorded");
        writeln!(
            text,
            "  last run   {} {} at {:.0}: {}",
            run.deployed.release.shown(),
            ended(run.result),
            run.at,
            prose(reason)
        )
        .dismissed("a string takes everything");
    }
    if let Some(fallen) = &status.fallen {
        writeln!(text, "  fallen     {} served, and does not run any more", fallen.release.shown()).dismissed("a string takes everything");
    }
    if let Some(open) = &status.interrupted {
        writeln!(text, "  unfinished run {} at {}", open.deployed.run, open.state).dismissed("a string takes everything");
    }
    if let Some(holder) = &status.locked_by {
        writeln!(text, "  locked by  {holder}").dismissed("a string takes everything");
    }
    let next = match (&status.interrupted, &status.live) {
        _ if status.unseen.is_some() && status.target != "process" => {
            "correct what is named above: nothing can be rolled out before it is seen what runs"
        }
        _ if status.unseen.is_some() => "portcullis rollout stop, which ends what does not answer",
        _ if status.locked_by.is_some() => {
            "let it finish: a deployer is at work; where it is gone, portcullis rollout resume ends what it began"
        }
        (Some(_), _) => "portcullis rollout resume",
        _ if status.fallen.is_some() => "portcullis rollout resume, which starts it again",
        (None, Some(_)) if status.target == "process" => "portcullis rollout stop, or nothing",
        (None, Some(_)) => "nothing",
        (None, None) => "portcullis gate",
    };
    message(text, json!(status), next)
}

const fn ended(result: RolloutResult) -> &'static str {
    match result {
        RolloutResult::Committed | RolloutResult::AlreadyDeployed | RolloutResult::Planned => "ended well",
        RolloutResult::RolledBack => "was rolled back",
        RolloutResult::RollbackFailed => "failed, and so did the way back",
        RolloutResult::FirstFailed => "failed, with nothing to go back to",
        RolloutResult::Refused => "was refused",
        RolloutResult::Locked | RolloutResult::Superseded => "gave way to another deployer",
        RolloutResult::Interrupted => "was interrupted",
    }
}

fn instance_line(instance: &InstanceStatus) -> String {
    let mut text = match instance.pid {
        Some(pid) => format!("pid {pid}"),
        None => instance.deployed.release.shown(),
    };
    if let Some(address) = instance.address {
        text.push_str(&format!(" on {address}"));
    }
    if let Some(log) = &instance.log {
        text.push_str(&format!(", log {}", log.display()));
    }
    text
}

/// The plan; 12 where it cannot work.
pub(super) fn planned(plan: &PlannedRollout) -> Answer {
    let mut human = rollout_plan::lines(plan).join("\n");
    human.push('\n');
    let (code, next) = match plan.refused.first() {
        Some(refusal) => (ExitKind::Refused.code(), refusal.next.clone()),
        None => (0, "the same command without --plan carries it out".to_owned()),
    };
    Answer::Message {
        human,
        json: json!(plan),
        code,
        next,
    }
}

pub(super) fn stopped(report: &StopReport) -> Answer {
    let text = if report.stopped.is_empty() {
        format!("{}: no instance was running; the switch was stopped", report.service)
    } else {
        let count = report.stopped.len();
        let cut = match report.cut_requests {
            Some(1) => "1 request cut".to_owned(),
            Some(cut) => format!("{cut} requests cut"),
            None => "how many requests were cut is not known".to_owned(),
        };
        format!(
            "{}: stopped {count} {}, {cut}",
            report.service,
            if count == 1 { "instance" } else { "instances" },
        )
    };
    message(text, json!(report), &back(report))
}

/// Whatever is checked out and published here meanwhile, and though it may have been gone back to: by its name.
fn back(report: &StopReport) -> String {
    let Some(image) = &report.served else {
        return "`portcullis rollout` deploys what is published of this commit".to_owned();
    };
    let reason = if report.needs_reason { "--again REASON " } else { "" };
    format!("`portcullis rollout {reason}{}` brings it back", quoted(image))
}

/// No run was interrupted.
pub(super) fn nothing_to_resume(service: &str) -> Answer {
    let json = json!({ "schema": "portcullis/rollout-resume/v1", "service": service, "resumed": false });
    message(
        format!("{service}: no run was interrupted, and nothing has fallen over"),
        json,
        "nothing",
    )
}

/// A job that may roll out nothing: no target was asked.
pub(super) fn not_resumed(service: &str, barred: &str) -> Answer {
    let json = json!({ "schema": "portcullis/rollout-resume/v1", "service": service, "resumed": false, "barred": barred });
    message(
        format!("{service}: nothing is resumed for {barred}, which rolls nothing out; no target was asked"),
        json,
        "nothing here; a rollout that was interrupted is finished by a job that may roll out",
    )
}

fn message(human: String, json: serde_json::Value, next: &str) -> Answer {
    Answer::Message {
        human,
        json,
        code: 0,
        next: next.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stopped_comes_back_by_its_own_name() {
        let report = |served: Option<&str>, needs_reason| StopReport {
            service: "shop".to_owned(),
            stopped: vec!["run".to_owned()],
            cut_requests: Some(0),
            served: served.map(str::to_owned),
            needs_reason,
        };
        assert_eq!(
            back(&report(Some("oci:my reg@sha256:ab"), false)),
            "`portcullis rollout 'oci:my reg@sha256:ab'` brings it back"
        );
        let failed = back(&report(Some("oci:reg@sha256:ab"), true));
        assert_eq!(failed, "`portcullis rollout --again REASON oci:reg@sha256:ab` brings it back");
        assert!(back(&report(None, false)).contains("what is published of this commit"));
    }
}
