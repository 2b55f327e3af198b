//! The last line on stderr: which exit code, what it means, what to do next.

use super::closing::closing;
use super::human::code_unchanged;
use super::quantity::count;
use super::text::prose;
use crate::model::commit::CLEAN_TREE;
use crate::model::event::Stage;
use crate::model::finding::Disposition;
use crate::model::outcome::{Outcome, RolloutResult};
use crate::model::verdict::{Decision, Verdict};

/// What an exit code of the program means; the whole list of them.
pub const CODES: &[(u8, &str)] = &[
    (0, "cleared, committed or verified"),
    (1, "blocked by policy"),
    (2, "undecidable: the gate could not know, and fails closed"),
    (10, "rolled back, and the old version verified"),
    (11, "rollback failed, or there was nothing to restore"),
    (12, "rollout refused, nothing changed"),
    (13, "locked or superseded by another deployer"),
    (14, "interrupted"),
    (64, "usage or configuration error"),
    (69, "a service that is needed is unreachable after retries"),
    (70, "a bug in portcullis"),
];

/// After what works as it is, where nothing says how it gets to production.
pub const NO_ROLLOUT: &str = "nothing to do; [rollout] in portcullis.toml would say how to bring it to production";

/// The last line on stderr, without a line end. Always one line.
#[must_use]
pub fn line(outcome: &Outcome, code: u8) -> String {
    let next = next(outcome, code);
    format!("portcullis: exit {code}, {}. Next: {next}", meaning(outcome, code))
}

/// What a code means for this run.
#[must_use]
pub fn meaning(outcome: &Outcome, code: u8) -> String {
    let denied = outcome.verdict.as_ref().map_or(0, |v| v.count(Disposition::Denied));
    let gaps = outcome
        .verdict
        .as_ref()
        .map_or(0, |v| v.gaps.iter().filter(|gap| gap.disposition == Disposition::Denied).count());
    match code {
        0 => well(outcome),
        11 if is_first_failed(outcome) => {
            "the first version did not become healthy; nothing ran before it, and nothing runs now".to_owned()
        }
        1 if denied > 0 => {
            let code = if code_unchanged(outcome) { " (the code is not why)" } else { "" };
            format!("blocked by policy: {} denied{code}", count(denied, "finding", "findings"))
        }
        2 if gaps > 0 => format!("undecidable: {} that the policy does not accept", count(gaps, "gap", "gaps")),
        code => CODES
            .iter()
            .find(|(known, _)| *known == code)
            .map_or("an unknown code", |(_, meaning)| meaning)
            .to_owned(),
    }
}

/// What a good end means: what was really done, and nothing else.
fn well(outcome: &Outcome) -> String {
    let result = outcome.rollout.as_ref().map(|rollout| rollout.result);
    let cleared = outcome.verdict.is_some();
    if let Some(barred) = &outcome.barred {
        let cleared = if cleared { "cleared, and nothing" } else { "nothing" };
        return format!("{cleared} was published or rolled out for {}", prose(&barred.what));
    }
    if outcome.dry_run || result == Some(RolloutResult::Planned) {
        return match cleared {
            true => "cleared (dry run: nothing was published or rolled out)",
            false => "a dry run: nothing was rolled out",
        }
        .to_owned();
    }
    let mut parts = Vec::new();
    if cleared {
        parts.push("cleared");
    }
    if outcome.publication.is_some() {
        parts.push("published");
    }
    match result {
        Some(RolloutResult::AlreadyDeployed) => parts.push("this digest serves already, verified"),
        Some(_) if outcome.rollout.as_ref().is_some_and(|rollout| rollout.rollback) => {
            parts.extend(["gone back to the version before", "verified"])
        }
        Some(_) => parts.extend(["rolled out", "verified"]),
        None => {}
    }
    match parts.as_slice() {
        [] => "done".to_owned(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// What to do next, as one sentence or command.
#[must_use]
pub fn next(outcome: &Outcome, code: u8) -> String {
    if let Some(help) = outcome.failure.as_ref().and_then(|failure| failure.help.as_deref()) {
        return prose(help);
    }
    match code {
        0 => next_when_well(outcome),
        1 => next_when_blocked(outcome),
        2 => next_when_undecidable(outcome),
        10 => "the old version serves; read why the new one failed above, fix it, and run the gate on the fix".to_owned(),
        11 if is_first_failed(outcome) => {
            "nothing serves, as before; read above why the first version failed, correct it, and run again".to_owned()
        }
        11 => format!(
            "look at the service now, nothing verified serves it; then `{}`",
            prose(&outcome.command("rollout status"))
        ),
        12 => match outcome.rollout.as_ref().and_then(|rollout| rollout.next.as_deref()) {
            Some(next) => prose(next),
            None => "correct what is named above; nothing was touched".to_owned(),
        },
        13 => format!(
            "let the other deployer finish, then `{}` and run again",
            prose(&outcome.command("rollout status"))
        ),
        14 if outcome.until.is_some() && outcome.reached.is_none_or(|stage| stage < Stage::Publish) => {
            "nothing was published or rolled out: run it again".to_owned()
        }
        14 => format!(
            "`{}` finishes or reverts what was under way",
            prose(&outcome.command("rollout resume"))
        ),
        64 => "correct what is named above".to_owned(),
        69 => "check the network and the service named above, then run again; nothing half done was left behind".to_owned(),
        70 => "please report it with the message above and events.ndjson".to_owned(),
        _ => "see the message above".to_owned(),
    }
}

fn is_first_failed(outcome: &Outcome) -> bool {
    outcome
        .rollout
        .as_ref()
        .is_some_and(|rollout| rollout.result == RolloutResult::FirstFailed)
}

fn next_when_well(outcome: &Outcome) -> String {
    if let Some(barred) = &outcome.barred {
        return prose(&barred.help);
    }
    if outcome.dry_run
        || outcome
            .rollout
            .as_ref()
            .is_some_and(|rollout| rollout.result == RolloutResult::Planned)
    {
        return "run it without --dry-run".to_owned();
    }
    if let Some(rollout) = &outcome.rollout {
        return match &rollout.url {
            Some(url) if rollout.target == "process" => {
                format!("curl {}  (stop it with `{}`)", prose(url), prose(&outcome.command("rollout stop")))
            }
            _ => format!("`{}` shows what serves", prose(&outcome.command("rollout status"))),
        };
    }
    if outcome.publication.is_some() {
        return match outcome.rolls_out {
            true => format!("`{}` brings it to production", prose(&outcome.command("rollout"))),
            false => NO_ROLLOUT.to_owned(),
        };
    }
    match &outcome.verdict {
        Some(verdict) if verdict.subject.digest.is_some() && outcome.until.is_some() => next_when_cleared(outcome, verdict),
        None if outcome.reached == Some(Stage::Build) => {
            format!("`{}` judges this image and publishes it", prose(&outcome.command("publish")))
        }
        _ => "nothing to do".to_owned(),
    }
}

/// After a run that stopped at its verdict: only what will work.
fn next_when_cleared(outcome: &Outcome, verdict: &Verdict) -> String {
    if let Some(asked) = verdict.asked_as_of {
        return format!("nothing to do: it was asked as of {asked}, and says nothing of today");
    }
    let does = if outcome.rolls_out {
        "publishes and rolls it out"
    } else {
        "publishes it"
    };
    let gate = prose(&outcome.command("gate"));
    match &outcome.commit {
        None => format!("commit it to git; then `{gate}` {does}"),
        Some(commit) if commit.dirty => format!("{CLEAN_TREE}; then `{gate}` {does}"),
        Some(_) => format!("`{gate}` {does}"),
    }
}

fn next_when_blocked(outcome: &Outcome) -> String {
    let first = outcome
        .verdict
        .iter()
        .flat_map(|verdict| &verdict.findings)
        .find(|judgement| judgement.disposition == Disposition::Denied);
    match first {
        Some(judgement) => match (&judgement.finding.help, judgement.finding.ids.first()) {
            (Some(help), _) => prose(help),
            (None, Some(id)) => format!(
                "`{}` says where it comes from and what clears it",
                prose(&outcome.command(&format!("explain {id}")))
            ),
            (None, None) => "correct what is denied above".to_owned(),
        },
        None => "correct what is denied above".to_owned(),
    }
}

fn next_when_undecidable(outcome: &Outcome) -> String {
    let Some(verdict) = outcome.verdict.as_ref().filter(|v| v.verdict == Decision::Undecidable) else {
        return "read the reason above; nothing was published".to_owned();
    };
    match closing(verdict).into_iter().next() {
        Some((_, help)) => help,
        None => "read the reason above; nothing was published".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest::Digest;
    use crate::model::outcome::{Barred, RolloutReport};

    fn rolled_out(result: RolloutResult) -> String {
        let report = RolloutReport::new("shop", "process", "r".to_owned(), Digest::from_bytes([1; 32]), result);
        let outcome = Outcome {
            reached: Some(Stage::Rollout),
            rollout: Some(report),
            ..Outcome::default()
        };
        line(&outcome, result.code())
    }

    #[test]
    fn a_dry_run_never_says_that_anything_was_rolled_out() {
        let planned = rolled_out(RolloutResult::Planned);
        assert!(
            planned.contains("nothing was rolled out") && planned.ends_with("run it without --dry-run"),
            "{planned}"
        );
        assert!(!planned.contains("verified") && !planned.contains("published"), "{planned}");
        assert!(rolled_out(RolloutResult::Committed).contains("rolled out and verified"));
    }

    #[test]
    fn a_run_that_may_not_publish_does_not_end_as_one_that_did() {
        let barred = Outcome {
            barred: Some(Barred {
                what: "the event `pull_request`".to_owned(),
                help: "run it for a push".to_owned(),
            }),
            ..Outcome::default()
        };
        let told = line(&barred, 0);
        assert!(
            told.contains("nothing was published or rolled out for the event `pull_request`"),
            "{told}"
        );
        assert!(told.ends_with("Next: run it for a push"), "{told}");
        // The control: what is wrong comes first.
        assert!(!line(&barred, 1).contains("nothing was published"), "{}", line(&barred, 1));
    }

    #[test]
    fn a_rollback_is_not_told_as_a_rollout() {
        let mut report = RolloutReport::new(
            "shop",
            "process",
            "r".to_owned(),
            Digest::from_bytes([1; 32]),
            RolloutResult::Committed,
        );
        report.rollback = true;
        report.live = Some(report.digest);
        let outcome = Outcome {
            reached: Some(Stage::Rollout),
            rollout: Some(report),
            ..Outcome::default()
        };
        let told = line(&outcome, 0);
        assert!(told.contains("gone back") && !told.contains("rolled out"), "{told}");
        let human = crate::report::human(&outcome, crate::report::style::Style::PLAIN);
        assert!(human.contains("Rollback") && !human.contains("the new version"), "{human}");
        let files = crate::report::files(&outcome);
        for (name, word) in [
            ("summary.md", "### Rollback to"),
            ("report.html", "Gone back, live"),
            ("rollout.json", "\"rollback\": true"),
        ] {
            let bytes = files.iter().find(|(file, _)| *file == name).map(|(_, bytes)| bytes);
            let text = bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
            assert!(text.contains(word), "{name}: {text}");
        }
    }

    #[test]
    fn a_build_that_was_interrupted_has_no_rollout_to_resume() {
        let build = Outcome {
            until: Some(Stage::Rollout),
            ..Outcome::default()
        };
        assert!(!line(&build, 14).contains("resume"), "{}", line(&build, 14));
        // The controls: what was under way is finished.
        assert!(rolled_out(RolloutResult::Interrupted).contains("rollout resume"));
        assert!(line(&Outcome::default(), 14).contains("rollout resume"));
    }

    #[test]
    fn a_failed_first_deployment_is_not_told_as_a_failed_rollback() {
        let first = rolled_out(RolloutResult::FirstFailed);
        assert!(
            first.contains("exit 11") && first.contains("nothing ran before it, and nothing runs now"),
            "{first}"
        );
        assert!(!first.contains("rollback"), "{first}");
        assert!(rolled_out(RolloutResult::RollbackFailed).contains("rollback failed"));
    }
}
