//! What is said of a fleet: of one that was judged here, or of shares that are joined.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::cli::stored_run;
use crate::gate::GateError;
use crate::io::{files, folder};
use crate::model::excused::Excused as _;
use crate::model::verdict::Decision;
use crate::report::text::prose;
use crate::stage::policy::recheck::{FleetAnswer, Rechecked};

/// Joins the answers of shares.
///
/// # Errors
/// [`CliError::Missing`] for a share that is not there or that a commit brought, [`CliError::Stored`] for shares that make no answer.
pub(super) fn merge(session: &Session<'_>, shares: &[PathBuf]) -> Result<Answer, CliError> {
    let mut answers = Vec::new();
    for file in listed(shares)? {
        stored_run::is_of_a_run(&file)?;
        let bytes = files::read(&file, session.effects.limits.sbom).map_err(GateError::from)?;
        let share: FleetAnswer =
            serde_json::from_slice(&bytes).map_err(|error| stored_run::stored(&file, format!("it is no answer of `recheck`: {error}")))?;
        answers.push((file.display().to_string(), share));
    }
    answer(&FleetAnswer::merge(answers)?)
}

/// Files as they are, and every `*.json` of folders.
fn listed(shares: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let mut all = Vec::new();
    for share in shares {
        if !share.is_dir() {
            all.push(share.clone());
            continue;
        }
        let entries = folder::listed(share).map_err(|error| missing(share, &error.to_string()))?;
        let files = entries.into_iter().map(|entry| entry.path());
        let mut files: Vec<PathBuf> = files.filter(|file| file.extension().is_some_and(|end| end == "json")).collect();
        if files.is_empty() {
            return Err(missing(share, "it holds no share"));
        }
        files.sort();
        all.append(&mut files);
    }
    Ok(all)
}

fn missing(share: &Path, problem: &str) -> CliError {
    CliError::Missing {
        problem: format!("{}: {problem}", share.display()),
        help: "name what `portcullis recheck --shard I/N --format json` printed, or the folder of it".to_owned(),
    }
}

/// In words, with the exit code.
///
/// # Errors
/// [`CliError::Json`].
pub(super) fn answer(answer: &FleetAnswer) -> Result<Answer, CliError> {
    let mut text = String::new();
    let (code, next) = of_policy(answer, &mut text);
    let (code, next) = match answer.missing.as_slice() {
        [] => (code, next),
        missing => {
            let named: Vec<String> = missing.iter().take(NAMED).map(ToString::to_string).collect();
            let more = missing.len().saturating_sub(NAMED);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            line(
                &mut text,
                &format!("\nundecidable  nobody answered for the shares {}{more}", named.join(", ")),
            );
            (
                if code == 1 { 1 } else { 2 },
                "judge the missing shares, and join them again".to_owned(),
            )
        }
    };
    Ok(Answer::Message {
        human: text,
        json: serde_json::to_value(answer)?,
        code,
        next,
    })
}

/// So many missing shares, and gaps of one inventory, are named.
const NAMED: usize = 10;

fn of_policy(answer: &FleetAnswer, text: &mut String) -> (u8, String) {
    for result in answer.results.iter().filter(|result| result.verdict != Decision::Cleared) {
        line(text, &format!("{:<12} {}", result.verdict.as_str(), prose(&result.file)));
        for denied in &result.denied {
            line(text, &format!("             {}", prose(denied)));
        }
        why_unknown(result, text);
    }
    let FleetAnswer {
        cleared,
        blocked,
        undecidable,
        ..
    } = answer;
    write!(
        text,
        "{} rechecked: {cleared} cleared, {blocked} blocked, {undecidable} undecidable",
        answer.results.len()
    )
    .dismissed("a string takes everything");
    let (code, next) = match (blocked, undecidable) {
        (0, 0) => (0, "nothing"),
        (0, _) => (2, "close what could not be decided above"),
        _ => (
            1,
            "build and gate the blocked services again, with what `portcullis explain` suggests",
        ),
    };
    (code, next.to_owned())
}

fn why_unknown(result: &Rechecked, text: &mut String) {
    for problem in result.problem.iter().chain(result.gaps.iter().take(NAMED)) {
        line(text, &format!("             {}", prose(problem)));
    }
    let more = result.gaps.len().saturating_sub(NAMED);
    if more > 0 {
        line(text, &format!("             and {more} more gaps"));
    }
}

fn line(text: &mut String, content: &str) {
    writeln!(text, "{content}").dismissed("a string takes everything");
}
