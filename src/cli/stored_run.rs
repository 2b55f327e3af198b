//! A result that was stored, read back whole or not at all: what was seen, what was not, and what the policy made of it.
//!
//! Takes a run's output folder, or one of its files. Invariant: nothing is called cleared that its own file does not say so of, and where several
//! files of a run lie side by side they say the same.

use std::path::Path;

use serde_json::Value;

use super::ci;
use super::error::CliError;
use crate::gate::GateError;
use crate::io::{Effects, files, git};
use crate::model::commit::Commit;
use crate::model::event::Stage;
use crate::model::excused::Excused as _;
use crate::model::outcome::{Outcome, RolloutReport};
use crate::model::verdict::{VERDICT_SCHEMA, Verdict};
use crate::report::json::{FINDINGS_SCHEMA, canonical, findings};
use crate::stage::policy::decide;
use crate::stage::policy::evidence_file::{EVIDENCE_FILE, EvidenceFile};

const VERDICT_FILE: &str = "verdict.json";
const FINDINGS_FILE: &str = "findings.json";
/// The report of a rollout.
pub(super) const ROLLOUT_FILE: &str = "rollout.json";

/// Reads an output folder, a `verdict.json`, a `findings.json` or an `evidence.json`.
///
/// # Errors
/// [`CliError::Missing`] where there is no result, or one of a commit's own; [`CliError::Stored`] for one that does not hold together.
pub(super) fn read(path: &Path, effects: &Effects) -> Result<Outcome, CliError> {
    is_of_a_run(path)?;
    is_there(path)?;
    match path.is_dir() {
        true => of_folder(path, effects),
        false => of_file(path, effects),
    }
}

/// Reads the evidence of a run: an output folder, or its `evidence.json`.
///
/// # Errors
/// As [`is_there`], and for evidence that cannot be used.
pub(super) fn evidence(path: &Path, effects: &Effects) -> Result<EvidenceFile, CliError> {
    is_there(&match path.is_dir() {
        true => path.join(EVIDENCE_FILE),
        false => path.to_owned(),
    })?;
    Ok(EvidenceFile::read(path, effects).map_err(GateError::from)?)
}

/// Refuses what a commit brought for what a run left: a CI tells it as its answer.
///
/// # Errors
/// [`CliError::Missing`].
pub(super) fn is_of_a_run(path: &Path) -> Result<(), CliError> {
    let files = match path.is_dir() {
        true => vec![
            path.join(VERDICT_FILE),
            path.join(FINDINGS_FILE),
            path.join(EVIDENCE_FILE),
            path.join(ROLLOUT_FILE),
        ],
        false => vec![path.to_owned()],
    };
    for file in files {
        match git::is_tracked(&file) {
            Ok(false) => {}
            Ok(true) => {
                return Err(CliError::Missing {
                    problem: format!("{} is part of a commit, and no result of a run", file.display()),
                    help: "name the output folder of a run; a stored result is told where it lies outside of the checkout".to_owned(),
                });
            }
            Err(error) => {
                return Err(CliError::Missing {
                    problem: format!("whether {} is part of a commit cannot be told: {error}", file.display()),
                    help: "name the output folder of a run".to_owned(),
                });
            }
        }
    }
    Ok(())
}

/// Refuses a place where nothing is, and says what could be there and what makes one. In a CI also what is of a commit: whatever a verb says of it would be
/// told as the job's answer.
///
/// # Errors
/// [`CliError::Missing`].
pub(super) fn is_there(path: &Path) -> Result<(), CliError> {
    match path.try_exists() {
        Ok(false) => Err(CliError::Missing {
            problem: format!(
                "{} is not there: it should be the output folder of a run, or one of its files",
                path.display()
            ),
            help: "`portcullis gate` leaves one in target/portcullis, `portcullis check` and `portcullis scan` where --output says"
                .to_owned(),
        }),
        // What cannot be asked for is told by the reading.
        Ok(true) | Err(_) if ci::is_one() => is_of_a_run(path),
        Ok(true) | Err(_) => Ok(()),
    }
}

fn of_folder(folder: &Path, effects: &Effects) -> Result<Outcome, CliError> {
    let file = folder.join(VERDICT_FILE);
    if !file.is_file() {
        return Err(CliError::Missing {
            problem: format!(
                "{} has no {VERDICT_FILE}: no run ended there with a verdict, and nothing can be said of what it judged",
                folder.display()
            ),
            help: "name the output folder of a run (`gate`, or `scan` and `check` with --output), or one of its files".to_owned(),
        });
    }
    let verdict = verdict(&file, &files::read(&file, effects.limits.sbom)?)?;
    let beside = folder.join(FINDINGS_FILE);
    if beside.is_file() && !is_same(&files::read(&beside, effects.limits.sbom)?, &findings(&verdict)) {
        return Err(disagree(&beside, &file));
    }
    let evidence = folder.join(EVIDENCE_FILE);
    let commit = match evidence.is_file() {
        true => vouched_for(&evidence, &verdict, &file, effects)?,
        false => None,
    };
    let rollout = rollout(&folder.join(ROLLOUT_FILE), &verdict, &file, effects)?;
    let mut outcome = outcome(verdict);
    outcome.commit = commit;
    if rollout.is_some() {
        outcome.reached = Some(Stage::Rollout);
    }
    outcome.rollout = rollout;
    Ok(outcome)
}

fn of_file(file: &Path, effects: &Effects) -> Result<Outcome, CliError> {
    let bytes = files::read(file, effects.limits.sbom)?;
    let schema = serde_json::from_slice::<Value>(&bytes)
        .or_none("no JSON has no schema, and is refused as no result")
        .and_then(|value| value.get("schema").and_then(Value::as_str).map(str::to_owned));
    match schema.as_deref() {
        Some(VERDICT_SCHEMA) => verdict(file, &bytes).map(outcome),
        Some(FINDINGS_SCHEMA) => of_findings(file, &bytes).map(outcome),
        Some(crate::stage::policy::evidence_file::EVIDENCE_SCHEMA) => {
            let record = EvidenceFile::read(file, effects).map_err(GateError::from)?;
            let mut outcome = outcome(record.replay().map_err(GateError::from)?);
            outcome.commit = record.context.commit;
            Ok(outcome)
        }
        _ => Err(CliError::Missing {
            problem: format!("{} is no result of a run", file.display()),
            help: "name an output folder, a verdict.json, a findings.json or an evidence.json".to_owned(),
        }),
    }
}

fn outcome(verdict: Verdict) -> Outcome {
    Outcome {
        service: verdict.subject.name.clone(),
        subject: Some(verdict.subject.clone()),
        reached: Some(Stage::Policy),
        verdict: Some(verdict),
        ..Outcome::default()
    }
}

/// A verdict whose bytes are those that this version writes of it: nothing in it is passed over, and its answer is what its findings give.
fn verdict(file: &Path, bytes: &[u8]) -> Result<Verdict, CliError> {
    let read: Verdict = serde_json::from_slice(bytes).map_err(|error| stored(file, error.to_string()))?;
    if canonical(&read) != bytes {
        return Err(stored(file, "it is not as this version of portcullis writes it".to_owned()));
    }
    consistent(file, read)
}

fn of_findings(file: &Path, bytes: &[u8]) -> Result<Verdict, CliError> {
    let mut value: Value = serde_json::from_slice(bytes).map_err(|error| stored(file, error.to_string()))?;
    value["schema"] = VERDICT_SCHEMA.into();
    let read: Verdict = serde_json::from_value(value).map_err(|error| stored(file, error.to_string()))?;
    if !is_same(bytes, &findings(&read)) {
        return Err(stored(file, "it is not as this version of portcullis writes it".to_owned()));
    }
    consistent(file, read)
}

fn consistent(file: &Path, verdict: Verdict) -> Result<Verdict, CliError> {
    let given = decide(&verdict.findings, &verdict.gaps);
    if verdict.verdict != given {
        let problem = format!(
            "it says {}, and its findings and gaps give {}",
            verdict.verdict.as_str(),
            given.as_str()
        );
        return Err(stored(file, problem));
    }
    Ok(verdict)
}

/// The evidence of a verdict gives that verdict; one of another version cannot be computed here, which is said.
fn vouched_for(evidence: &Path, verdict: &Verdict, file: &Path, effects: &Effects) -> Result<Option<Commit>, CliError> {
    let record = EvidenceFile::read(evidence, effects).map_err(GateError::from)?;
    if record.gate == env!("CARGO_PKG_VERSION") {
        let replayed = record.replay().map_err(GateError::from)?;
        if canonical(&replayed) != canonical(verdict) {
            return Err(disagree(file, evidence));
        }
    } else {
        let text = format!(
            "{} is of portcullis {}: the verdict was not computed again",
            evidence.display(),
            record.gate
        );
        effects.warn(Stage::Policy, text);
    }
    Ok(record.context.commit)
}

fn rollout(path: &Path, verdict: &Verdict, file: &Path, effects: &Effects) -> Result<Option<RolloutReport>, CliError> {
    if !path.is_file() {
        return Ok(None);
    }
    let bytes = files::read(path, effects.limits.sbom)?;
    let report: RolloutReport = serde_json::from_slice(&bytes).map_err(|error| stored(path, error.to_string()))?;
    match verdict.subject.digest == Some(report.digest) {
        true => Ok(Some(report)),
        false => Err(disagree(path, file)),
    }
}

fn is_same(one: &[u8], other: &[u8]) -> bool {
    let read = |bytes| serde_json::from_slice::<Value>(bytes).or_none("no JSON is no document of ours");
    read(one).is_some_and(|one| Some(one) == read(other))
}

pub(super) fn stored(file: &Path, problem: String) -> CliError {
    CliError::Stored {
        file: file.to_owned(),
        problem,
    }
}

fn disagree(one: &Path, other: &Path) -> CliError {
    stored(one, format!("it is not about what {} is about", other.display()))
}
