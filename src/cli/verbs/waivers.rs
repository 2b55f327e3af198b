//! `waive` and `waivers`: writing, listing and importing waivers.

use std::io::{BufRead, Write as _};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;

use super::waiver_list;
use crate::cli::args::{Judging, WaiveArgs, WaiversVerb};
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::gate::GateError;
use crate::io::files;
use crate::model::excused::Excused as _;
use crate::model::purl::Purl;
use crate::model::waiver::{Justification, VexStatus};
use crate::stage::policy::evidence_file::EvidenceFile;
use crate::stage::policy::import::import;
use crate::stage::policy::waive::{NewWaiver, waive};

/// How long a waiver holds where nobody says: well within every default of the policy.
const USUAL_DAYS: i64 = 14;

/// Adds an entry. What flags leave out is asked for on a terminal, and refused elsewhere.
pub(super) fn add(session: &Session<'_>, args: &WaiveArgs) -> Result<Answer, CliError> {
    let today = today(session);
    let ask = |flag: &'static str, what: &str, given: Option<String>, usual: Option<String>| answer_to(session, flag, what, given, usual);
    let package = ask(
        "--package",
        "package pattern",
        args.package.clone(),
        found_package(session, &args.id),
    )?;
    // What a waiver claims is never guessed.
    let reason = ask(
        "--reason",
        "OpenVEX status (not_affected, affected, under_investigation, fixed)",
        args.reason.clone(),
        None,
    )?;
    let reason = parse::<VexStatus>("--reason", &reason)?;
    let justification = match (args.justification.clone(), reason) {
        (None, VexStatus::Affected | VexStatus::Fixed | VexStatus::UnderInvestigation) => None,
        (given, _) => {
            let text = ask(
                "--justification",
                "why it is not affected, such as vulnerable_code_not_in_execute_path",
                given,
                None,
            )?;
            Some(parse::<Justification>("--justification", &text)?)
        }
    };
    let statement = ask("--statement", "why, in a sentence", args.statement.clone(), None)?;
    let owner = ask("--owner", "who answers for it", args.owner.clone(), None)?;
    let usual_end = today
        .checked_add(jiff::Span::new().days(USUAL_DAYS))
        .map(|date| date.to_string())
        .or_none("no such day: then the date is asked for without a proposal");
    let expires: Date = ask("--expires", "last day it holds", args.expires.clone(), usual_end)?
        .parse()
        .map_err(|problem| CliError::setting("--expires", format!("{problem}")))?;
    let waiver = NewWaiver {
        id: args.id.clone(),
        package,
        paths: args.path.clone(),
        reason,
        justification,
        statement,
        owner,
        approved_by: args.approved_by.clone(),
        created: today,
        expires,
    };
    let path = file(session);
    waive(&path, &waiver, &session.effects).map_err(GateError::from)?;
    Ok(Answer::Message {
        human: format!(
            "added {} for {} to {}, until the end of {expires} (UTC)",
            waiver.id,
            waiver.package,
            path.display()
        ),
        json: json!({ "schema": "portcullis/waive/v1", "file": path.display().to_string(), "id": waiver.id, "package": waiver.package, "expires": expires }),
        code: 0,
        next: "review and commit it, then run the gate again".to_owned(),
    })
}

pub(super) async fn run(session: &Session<'_>, verb: &WaiversVerb) -> Result<Answer, CliError> {
    match verb {
        WaiversVerb::List => waiver_list::list(session).await,
        WaiversVerb::Import { file } => bring(session, file),
    }
}

/// Prints another tool's file as waivers; the gate refuses them until a human has filled in every mark.
fn bring(session: &Session<'_>, file: &Path) -> Result<Answer, CliError> {
    let text = files::read_text(file, session.effects.limits.document)?;
    let name = file.display().to_string();
    let imported = import(&name, None, &text, today(session)).map_err(GateError::from)?;
    for note in &imported.notes {
        session.effects.warn(crate::model::event::Stage::Policy, note.clone());
    }
    Ok(Answer::Message {
        json: json!({ "schema": "portcullis/waivers-import/v1", "entries": imported.entries, "notes": imported.notes, "text": imported.text }),
        human: imported.text,
        code: 0,
        next: "put it into policies/waivers.toml and fill in every TODO: until then the gate refuses it".to_owned(),
    })
}

fn file(session: &Session<'_>) -> PathBuf {
    let usual = || session.workspace.root.join("policies/waivers.toml");
    session.workspace.waivers_file(&Judging::default()).unwrap_or_else(usual)
}

fn today(session: &Session<'_>) -> Date {
    session.effects.clock.evaluation().to_zoned(TimeZone::UTC).date()
}

/// The package that the last run found the advisory in, if it was one only.
fn found_package(session: &Session<'_>, id: &str) -> Option<String> {
    let record =
        EvidenceFile::read(&session.workspace.output, &session.effects).or_none("without a last run there is nothing to propose")?;
    let verdict = record.replay().or_none("without a last verdict there is nothing to propose")?;
    let named = verdict
        .findings
        .iter()
        .filter(|j| j.finding.ids.iter().any(|known| known.eq_ignore_ascii_case(id)));
    let mut purls: Vec<&Purl> = named.filter_map(|j| j.finding.purl.as_ref()).collect();
    purls.dedup();
    match purls.as_slice() {
        [only] => {
            let mut pattern = only.package();
            pattern.version.clone_from(&only.version);
            Some(pattern.to_string())
        }
        _ => None,
    }
}

/// A flag's value, or what somebody types, or the usual value where nobody is there to ask.
fn answer_to(
    session: &Session<'_>,
    flag: &'static str,
    what: &str,
    given: Option<String>,
    usual: Option<String>,
) -> Result<String, CliError> {
    if let Some(given) = given {
        return Ok(given);
    }
    if session.environment.stdin_terminal && session.environment.stderr_terminal {
        let shown = usual.as_ref().map(|usual| format!(" [{usual}]")).unwrap_or_default();
        let mut err = std::io::stderr().lock();
        let asked = write!(err, "{what}{shown}: ").and_then(|()| err.flush());
        asked.dismissed("whoever does not see the question sees no other one");
        let mut line = String::new();
        let answered = std::io::stdin().lock().read_line(&mut line);
        answered.map_err(|error| CliError::setting(flag, format!("the answer cannot be read: {error}")))?;
        let line = line.trim();
        if !line.is_empty() {
            return Ok(line.to_owned());
        }
    }
    usual.ok_or_else(|| CliError::setting(flag, format!("it is needed: {what}")))
}

fn parse<T: serde::de::DeserializeOwned>(flag: &'static str, text: &str) -> Result<T, CliError> {
    serde_json::from_value(json!(text)).map_err(|problem| CliError::setting(flag, problem.to_string()))
}
