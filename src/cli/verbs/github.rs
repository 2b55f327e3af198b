//! `github`: a stored result, shown there. The verdict stands whatever becomes of it.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::args::{GitHubArgs, GitHubVerb};
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::cli::stored_run;
use crate::github::{self, Actions, Api, ApiError, Commented};

/// Comments, or tells of a deployment or of dependencies.
pub(super) async fn run(session: &Session<'_>, args: &GitHubArgs) -> Result<Answer, CliError> {
    let Some(actions) = &session.environment.github else {
        return Err(CliError::Usage {
            problem: "this is no run of GitHub Actions: nothing says which repository and which pull request are meant".to_owned(),
            help: "run it in a step of a workflow".to_owned(),
        });
    };
    let api = || Api::of(actions, session.effects.secrets.as_ref(), session.workspace.offline);
    let place = |from: &Option<PathBuf>| from.clone().unwrap_or_else(|| session.workspace.output.clone());
    let (what, done) = match &args.verb {
        GitHubVerb::Comment { from } => {
            let outcome = read(&place(from), session)?;
            let done = async { github::comment(&api()?, actions, &outcome).await }.await;
            ("comment", done.map(|done| commented(&done).to_owned()))
        }
        GitHubVerb::Deployment { from, environment } => {
            let outcome = read(&place(from), session)?;
            let done = async { github::deployment(&api()?, actions, &outcome, environment).await }.await;
            (
                "deployment",
                done.map(|done| format!("deployment {} in {environment}: {}", done.id, done.state)),
            )
        }
        GitHubVerb::Dependencies { from } => {
            let record = stored_run::evidence(&place(from), &session.effects)?;
            let done = async { github::snapshot(&api()?, actions, &record.inventory, record.at).await }.await;
            ("dependencies", done.map(|count| format!("{count} components submitted")))
        }
    };
    match done {
        Ok(said) => Ok(told(what, "done", &said)),
        Err(ApiError::Permission { .. }) if actions.may_only_read() => Ok(told(what, "skipped", &skipped(what, actions))),
        Err(error) => Err(error.into()),
    }
}

fn read(from: &Path, session: &Session<'_>) -> Result<crate::model::outcome::Outcome, CliError> {
    let mut outcome = stored_run::read(from, &session.effects)?;
    outcome.output = from.display().to_string();
    session.explain(&mut outcome);
    Ok(outcome)
}

const fn commented(done: &Commented) -> &'static str {
    match done {
        Commented::Made => "commented on the pull request",
        Commented::Edited => "the comment on the pull request says something else now, and was edited",
        Commented::Same => "the comment on the pull request says it already",
        Commented::NothingToSay => "it passes, and no comment says otherwise: none was made",
        Commented::Later => "a later run has commented on the pull request, or speaks of a later commit: what is there was left",
    }
}

/// What a fork's pull request cannot have, and what it has all the same.
fn skipped(what: &str, actions: &Actions) -> String {
    let who = match actions.event.head_repository.as_ref().filter(|from| **from != actions.repository) {
        Some(_) => "a pull request of a fork",
        None => "a run of Dependabot's",
    };
    format!("{what} skipped: {who} gets a token that can only read; the verdict stands, and it is in the run's summary")
}

fn told(what: &str, state: &str, said: &str) -> Answer {
    Answer::Message {
        human: said.to_owned(),
        json: json!({"schema": "portcullis/github/v1", "what": what, "state": state, "detail": said}),
        code: 0,
        next: "nothing to do".to_owned(),
    }
}
