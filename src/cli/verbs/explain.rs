//! `explain`: why something is in the image, and the smallest change that clears it.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::subject;
use crate::cli::args::ExplainArgs;
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::cli::shown::Shown;
use crate::cli::stored_run;
use crate::gate::GateError;
use crate::model::context::Context;
use crate::model::event::Stage;
use crate::model::explanation::{Change, Explanation};
use crate::model::inventory::Inventory;
use crate::model::verdict::Verdict;
use crate::report;
use crate::report::quantity::count;
use crate::report::text::prose;
use crate::stage::policy::evidence_file::EVIDENCE_FILE;
use crate::stage::policy::explain::explain;

/// Explains an advisory's id, a package URL or a package's name: from the evidence of a run, or from a verdict that is made now.
pub(super) async fn run(session: &Session<'_>, args: &ExplainArgs) -> Result<Answer, CliError> {
    let (inventory, verdict, from) = match folder(session, args) {
        Some(folder) => of_run(session, &folder)?,
        None => of_now(session, args).await?,
    };
    let mut explanations = explain(&args.query, &inventory, &verdict);
    if args.evidence.is_none() && args.target.is_none() && explanations.iter().any(is_unplaced) {
        by_the_tree(&mut explanations, session, args).await;
    }
    if explanations.is_empty() {
        let unseen = match verdict.gaps.len() {
            0 => String::new(),
            many => format!("; not everything could be seen: {}", count(many, "gap", "gaps")),
        };
        return Err(CliError::Missing {
            problem: format!("nothing in {from} answers to `{}`{unseen}", prose(&args.query)),
            help: "ask for an id (RUSTSEC-…, CVE-…, GHSA-…), a package URL (pkg:cargo/serde) or a package's name".to_owned(),
        });
    }
    let next = explanations.iter().find_map(|explanation| steps(&explanation.changes));
    let style = session.environment.stdout_style(session.global);
    Ok(Answer::Message {
        human: report::human::explanations(&explanations, &from, verdict.evaluated_at, style),
        json: json!({
            "schema": "portcullis/explanation/v1",
            "from": from,
            "evaluated_at": verdict.evaluated_at,
            "explanations": explanations,
        }),
        code: 0,
        next: next.unwrap_or_else(|| "nothing".to_owned()),
    })
}

/// The changes that clear it, in order: a manifest is edited before the command that would fail without it. A waiver where nothing else helps.
fn steps(changes: &[Change]) -> Option<String> {
    let mut steps = Vec::new();
    for change in changes {
        match (&change.command, change.kind) {
            (Some(_), "waive") if !steps.is_empty() => break,
            (Some(command), _) => steps.push(command.clone()),
            (None, "edit" | "update" | "rebase") => steps.push(change.text.clone()),
            // Nothing behind it can work before a person has decided.
            (None, "update-parent") => {
                steps.push(change.text.clone());
                break;
            }
            (None, _) => {}
        }
    }
    (!steps.is_empty()).then(|| steps.join("; then "))
}

/// True where something is found and nothing says who needs it: an image has no lock file.
fn is_unplaced(explanation: &Explanation) -> bool {
    explanation.paths.is_empty() && !explanation.findings.is_empty()
}

/// Takes paths and changes from this folder's own lock files where they hold the very package: the image was built from them. Where the folder cannot be
/// judged now, what the run itself knows stands.
async fn by_the_tree(explanations: &mut [Explanation], session: &Session<'_>, args: &ExplainArgs) {
    let (inventory, verdict) = match of_now(session, args).await {
        Ok((inventory, verdict, _)) => (inventory, verdict),
        Err(error) => {
            let why = Shown::of(&error).message;
            session
                .effects
                .note(Stage::Policy, format!("this folder was not asked who needs it: {why}"));
            return;
        }
    };
    for explanation in explanations.iter_mut().filter(|explanation| is_unplaced(explanation)) {
        let in_tree = explain(&explanation.purl.to_string(), &inventory, &verdict).into_iter();
        let Some(known) = in_tree.into_iter().find(|known| !known.paths.is_empty()) else {
            continue;
        };
        explanation.paths = known.paths;
        if !known.changes.is_empty() {
            explanation.changes = known.changes;
        }
        explanation.locations.extend(known.locations);
    }
}

/// The folder of the run that is asked about: the one that is named, or the last one's, if there was one and nothing else is named.
fn folder(session: &Session<'_>, args: &ExplainArgs) -> Option<PathBuf> {
    let last = &session.workspace.output;
    match (&args.evidence, &args.target) {
        (Some(named), _) => Some(named.clone()),
        (None, None) if last.join(EVIDENCE_FILE).is_file() => Some(last.clone()),
        _ => None,
    }
}

fn of_run(session: &Session<'_>, folder: &Path) -> Result<(Inventory, Verdict, String), CliError> {
    let record = stored_run::evidence(folder, &session.effects)?;
    let verdict = record.replay().map_err(GateError::from)?;
    Ok((record.inventory, verdict, folder.display().to_string()))
}

async fn of_now(session: &Session<'_>, args: &ExplainArgs) -> Result<(Inventory, Verdict, String), CliError> {
    let target = args.target.as_deref().unwrap_or(".");
    let (judge, inventory) = subject::opened(target, &args.judging, session).await?;
    let context = Context {
        asked_as_of: session.effects.clock.asked(),
        elsewhere: subject::is_elsewhere(target, session),
        waiver_authors: judge.waiver_authors(),
        ..Context::default()
    };
    let judged = judge.judge(&inventory, &context, &session.effects).await?;
    let from = if target == "." { "this folder" } else { target };
    Ok((inventory, judged.verdict, from.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_be_edited_first_comes_before_the_command() {
        let change = |kind, text: &str, command: Option<&str>| Change {
            kind,
            text: text.to_owned(),
            command: command.map(str::to_owned),
        };
        let edit = change("edit", "edit Cargo.toml:16", None);
        let update = change("update", "update a", Some("cargo update -p a"));
        let waive = change("waive", "waive it", Some("portcullis waive"));
        let ask = |changes: &[&Change]| steps(&changes.iter().copied().cloned().collect::<Vec<_>>());
        assert_eq!(
            ask(&[&edit, &update, &waive]).as_deref(),
            Some("edit Cargo.toml:16; then cargo update -p a")
        );
        assert_eq!(ask(&[&update, &waive]).as_deref(), Some("cargo update -p a"));
        let dead = change("update-parent", "no release allows it", None);
        assert_eq!(ask(&[&dead, &update, &waive]).as_deref(), Some("no release allows it"));
        // Where there is a fix, a waiver is not what comes next; where there is none, it is.
        for kind in ["rebase", "update"] {
            assert_eq!(ask(&[&change(kind, "rebuild", None), &waive]).as_deref(), Some("rebuild"));
        }
        assert_eq!(
            ask(&[&change("replace", "no release fixes it", None), &waive]).as_deref(),
            Some("portcullis waive")
        );
        assert_eq!(ask(&[]), None);
    }
}
