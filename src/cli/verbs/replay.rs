//! `replay`: computes a stored verdict again, offline, and says whether every byte is the same.

use serde_json::json;

use crate::cli::args::ReplayArgs;
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::cli::stored_run;
use crate::gate::GateError;
use crate::io::files;
use crate::model::exit_kind::ExitKind;
use crate::stage::policy::comparison::compare;
use crate::stage::publish::{PublishError, verdict_file};

/// Replays the evidence of a run.
pub(super) fn run(session: &Session<'_>, args: &ReplayArgs) -> Result<Answer, CliError> {
    let folder = args.evidence.clone().unwrap_or_else(|| session.workspace.output.clone());
    let record = stored_run::evidence(&folder, &session.effects)?;
    let replayed = verdict_file(&record.replay().map_err(GateError::from)?).map_err(|error| GateError::from(PublishError::from(error)))?;
    let file = folder.join("verdict.json");
    stored_run::is_there(&file)?;
    let stored = files::read(&file, session.effects.limits.sbom)?;
    let comparison = compare(&stored, &replayed);
    let human = match &comparison.first_difference {
        None => format!("identical: {} is what its evidence gives", file.display()),
        Some(difference) => format!("different: {} is not what its evidence gives\n  {difference}", file.display()),
    };
    let json = json!({
        "schema": "portcullis/replay/v1",
        "identical": comparison.identical,
        "first_difference": comparison.first_difference,
        "gate": record.gate,
    });
    let (code, next) = if comparison.identical {
        (0, "nothing")
    } else {
        (ExitKind::Undecidable.code(), "do not trust this verdict: run the gate again")
    };
    Ok(Answer::Message {
        human,
        json,
        code,
        next: next.to_owned(),
    })
}
