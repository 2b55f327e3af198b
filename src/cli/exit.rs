//! How a run ends: what goes to stdout, the diagnostic, the last line, the exit code.

use std::io::{ErrorKind, Write};
use std::path::Path;

use miette::{GraphicalReportHandler, GraphicalTheme};

use super::error::CliError;
use super::shown::Shown;
use crate::github::{self, Actions};
use crate::io::environment;
use crate::model::event::Stage;
use crate::model::excused::Excused as _;
use crate::model::exit_kind::ExitKind;
use crate::model::outcome::{Failure, Outcome};
use crate::model::verdict::Decision;
use crate::report::Style;

/// The exit code of an outcome that has no error.
#[must_use]
pub(super) fn code(outcome: &Outcome) -> u8 {
    if let Some(rollout) = &outcome.rollout {
        return rollout.result.code();
    }
    match outcome.verdict.as_ref().map(|verdict| verdict.verdict) {
        None | Some(Decision::Cleared) => 0,
        Some(Decision::Blocked) => 1,
        Some(Decision::Undecidable) => 2,
    }
}

/// Says why nothing could begin, and gives the exit code.
#[must_use]
pub(super) fn without_session(error: &CliError) -> u8 {
    let style = Style {
        color: false,
        width: 100,
        cuts: false,
        unicode: true,
    };
    outside_of_a_session(&diagnostic(error, &style));
    let code = error.exit_kind().code();
    if let Some(actions) = Actions::detect() {
        let outcome = Outcome {
            failure: Some(failure(error, None)),
            ..Outcome::default()
        };
        last_line(&actions.commands(&outcome, code));
        let recorded = actions.record(&outcome, code, Path::new("."));
        recorded.dismissed("the run has failed already: a runner that cannot be told as well changes nothing");
    }
    last_line(&format!("portcullis: exit {code}. Next: correct what is named above"));
    code
}

/// Says something before there is a session: in a workflow's log, no line of it is a command.
pub(super) fn outside_of_a_session(text: &str) {
    match environment::variable("GITHUB_ACTIONS").is_some() {
        true => last_line(&github::escaped(text)),
        false => last_line(text),
    }
}

/// Shows an error with its source, span and help.
#[must_use]
pub(super) fn diagnostic(error: &CliError, style: &Style) -> String {
    let error = &Shown::of(error);
    let theme = match (style.color, style.unicode) {
        (true, true) => GraphicalTheme::unicode(),
        (false, true) => GraphicalTheme::unicode_nocolor(),
        _ => GraphicalTheme::none(),
    };
    let mut text = String::new();
    let shown = GraphicalReportHandler::new_themed(theme)
        .with_width(style.columns())
        .with_links(false)
        .render_report(&mut text, error);
    if shown.is_err() {
        text = error.to_string();
    }
    text
}

/// What an error is in an outcome.
#[must_use]
pub(super) fn failure(error: &CliError, stage: Option<Stage>) -> Failure {
    let shown = Shown::of(error);
    let mut causes = Vec::new();
    let mut cause = &shown.cause;
    while let Some(next) = cause {
        causes.push(next.message.clone());
        cause = &next.cause;
    }
    Failure {
        stage,
        message: shown.message.clone(),
        causes,
        help: shown.help,
    }
}

/// Writes to stdout, and gives the code to end with: `code`, unless it promises an answer that could not be written. A reader that has gone
/// away is no error; a full disk is, for half an answer must not pass for a whole one.
#[must_use]
pub(super) fn print(text: &str, code: u8) -> u8 {
    match write(text) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let code = if code == 0 { ExitKind::Undecidable.code() } else { code };
            last_line(&format!(
                "portcullis: exit {code}, the answer could not be written to stdout: {error}. Next: make room, and run it again"
            ));
            code
        }
        _ => code,
    }
}

fn write(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Writes a line to stderr.
pub(super) fn last_line(text: &str) {
    let mut err = std::io::stderr().lock();
    writeln!(err, "{}", text.trim_end()).dismissed("what nobody can see is no failure of the run");
}
