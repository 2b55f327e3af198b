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
use crate::stage::policy::recheck::{Asked, FleetAnswer, Rechecked};

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
    let (code, next) = match &answer.advisory {
        Some(asked) => of_advisory(answer, asked, &mut text),
        None => of_policy(answer, &mut text),
    };
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

fn of_advisory(answer: &FleetAnswer, asked: &Asked, text: &mut String) -> (u8, String) {
    // One that is blocked for something else may have gaps as well.
    let unknown = |result: &&Rechecked| result.affected.is_empty() && (result.verdict == Decision::Undecidable || !result.gaps.is_empty());
    for result in answer.results.iter().filter(|result| !result.affected.is_empty()) {
        line(text, &format!("affected     {}", prose(&result.file)));
        if let Some(subject) = &result.subject {
            let digest = subject.digest.map(|digest| format!(" {digest}")).unwrap_or_default();
            line(text, &format!("             {}{digest}", prose(&subject.name)));
        }
        for affected in &result.affected {
            let since = affected
                .published
                .map(|at| format!(", known since {}", at.strftime("%Y-%m-%d")))
                .unwrap_or_default();
            let fixed = match affected.fixed.as_slice() {
                [] => ", no fix is known".to_owned(),
                fixed => format!(", fixed in {}", fixed.join(", ")),
            };
            let not = affected.not_applicable.as_ref().map(|why| format!(", does not apply: {why}"));
            let what = format!("{} {}{since}{fixed}{}", affected.id, affected.purl, not.unwrap_or_default());
            line(text, &format!("             {}", prose(&what)));
        }
    }
    let unknown: Vec<&Rechecked> = answer.results.iter().filter(unknown).collect();
    for result in &unknown {
        line(text, &format!("not known    {}", prose(&result.file)));
        why_unknown(result, text);
    }
    let affected = answer.affected();
    let all = answer.results.len();
    let names: Vec<&str> = asked.known.iter().map(String::as_str).filter(|name| *name != asked.id).collect();
    let also = if names.is_empty() {
        String::new()
    } else {
        format!(" (also {})", names.join(", "))
    };
    write!(
        text,
        "{}{}: {affected} of {all} have it, of {} it is not known",
        prose(&asked.id),
        prose(&also),
        unknown.len()
    )
    .dismissed("a string takes everything");
    if affected > 0 {
        return (1, "update what is affected, and gate it again".to_owned());
    }
    if asked.known.is_empty() {
        line(text, "");
        write!(
            text,
            "no feed that was asked knows {}: that it is nowhere is not said",
            prose(&asked.id)
        )
        .dismissed("a string takes everything");
        return (
            2,
            "look at the id's spelling, and at the age of the feeds (`portcullis feeds list`)".to_owned(),
        );
    }
    match unknown.is_empty() {
        true => (0, "nothing".to_owned()),
        false => (2, "close what could not be decided above".to_owned()),
    }
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
