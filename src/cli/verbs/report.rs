//! `report`: a stored result in the form that somebody else reads; or the shares of a fleet, as one answer.

use super::fleet_answer;
use crate::cli::args::ReportArgs;
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::cli::stored_run;

/// Writes the result to stdout. What it says decides no exit code: that was the run's; that of joined shares does, as `recheck` itself.
pub(super) fn run(session: &Session<'_>, args: &ReportArgs) -> Result<Answer, CliError> {
    let Some(form) = args.form else {
        return fleet_answer::merge(session, &args.merge);
    };
    let from = args.from.as_ref().unwrap_or(&session.workspace.output);
    let mut outcome = stored_run::read(from, &session.effects)?;
    outcome.output = from.display().to_string();
    session.explain(&mut outcome);
    let text = form.render(&outcome).ok_or_else(|| CliError::Missing {
        problem: format!("{} has nothing for the form `{}`", from.display(), form.as_str()),
        help: "name the output folder of a run that ended with a verdict".to_owned(),
    })?;
    Ok(Answer::Bytes(session.written(&text).into_bytes()))
}
