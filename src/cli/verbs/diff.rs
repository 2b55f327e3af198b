//! `diff`: what is different between two verdicts.

use std::path::Path;

use crate::cli::args::DiffArgs;
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::cli::stored_run;
use crate::io::files;
use crate::model::verdict::Verdict;
use crate::report;
use crate::report::difference::difference;

/// Compares two verdicts: `verdict.json` files, or output folders that hold one.
pub(super) fn run(session: &Session<'_>, args: &DiffArgs) -> Result<Answer, CliError> {
    let before = read(session, &args.before)?;
    let after = read(session, &args.after)?;
    let difference = difference(&before, &after);
    Ok(Answer::Message {
        human: report::human::compared(&difference, session.environment.stdout_style(session.global)),
        json: serde_json::to_value(&difference)?,
        code: 0,
        next: "`portcullis explain ID` says where one of them comes from".to_owned(),
    })
}

fn read(session: &Session<'_>, path: &Path) -> Result<Verdict, CliError> {
    let file = if path.is_dir() {
        path.join("verdict.json")
    } else {
        path.to_owned()
    };
    stored_run::is_there(&file)?;
    let bytes = files::read(&file, session.effects.limits.sbom)?;
    serde_json::from_slice(&bytes).map_err(|error| CliError::Missing {
        problem: format!("{} is not a verdict: {error}", file.display()),
        help: "name a `verdict.json`, or the output folder of a run".to_owned(),
    })
}
