//! One run of a verb: its workspace, its effects, and how it ends.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde_json::Value;

use super::args::{Format, Global};
use super::end;
use super::environment::Environment;
use super::error::CliError;
use super::screen::Screen;
use super::signals::{self, Phase};
use super::wiring::Workspace;
use crate::io::clock::{At, Clock, System};
use crate::io::limits::Limits;
use crate::io::{Effects, files, secret};
use crate::model::event::Observer;
use crate::model::outcome::Outcome;
use crate::report;
use crate::report::progress::{Fanout, Log};

/// What a verb works with.
pub(super) struct Session<'a> {
    /// What every verb takes.
    pub global: &'a Global,
    /// The environment.
    pub environment: &'a Environment,
    /// The folder and its configuration.
    pub workspace: Workspace,
    /// What stages may do.
    pub effects: Effects,
    screen: Screen,
}

/// What a verb answers.
pub(super) enum Answer {
    /// A run of stages.
    Run {
        /// How far it came and what it gave.
        outcome: Box<Outcome>,
        /// Why it stopped before its end.
        error: Option<CliError>,
        /// Whether its files go to the output folder.
        files: bool,
    },
    /// Bytes for stdout as they are: an SBOM, a script.
    Bytes(Vec<u8>),
    /// A short answer.
    Said {
        /// For people.
        human: String,
        /// For programs.
        json: Value,
        /// Exit code.
        code: u8,
        /// What to do next.
        next: String,
    },
}

impl<'a> Session<'a> {
    /// Reads the configuration and starts to listen for signals. Must run inside tokio.
    ///
    /// # Errors
    /// [`CliError`] for a configuration that is invalid.
    pub(super) fn open(global: &'a Global, environment: &'a Environment, logged: bool) -> Result<Self, CliError> {
        let limits = Limits::default();
        let workspace = Workspace::open(global, &environment.folders, &limits)?;
        let clock: Arc<dyn Clock> = match global.at {
            Some(at) => Arc::new(At(at)),
            None => Arc::new(System),
        };
        let phase = Arc::new(Phase::default());
        let cancelled = Arc::new(AtomicBool::new(false));
        signals::listen(Arc::clone(&cancelled), Arc::clone(&phase));
        let events = if logged { Some(event_log(&workspace)?) } else { None };
        let screen = Screen::open(global, environment);
        let mut watchers: Vec<Arc<dyn Observer>> = vec![phase, screen.observer()];
        if let Some(log) = events {
            watchers.push(log);
        }
        let effects = Effects {
            clock,
            limits,
            observer: Arc::new(Fanout(watchers)),
            cancelled,
            cache: environment.folders.cache.clone(),
            offline: global.offline,
            secrets: Arc::new(secret::Environment),
            logins: Arc::new(environment.logins()),
        };
        Ok(Self {
            global,
            environment,
            workspace,
            effects,
            screen,
        })
    }

    /// Prints an answer and gives the exit code.
    #[must_use]
    pub(super) fn close(&self, answer: Answer) -> u8 {
        self.screen.close();
        match answer {
            Answer::Run { outcome, error, files } => self.close_run(*outcome, error, files),
            Answer::Bytes(bytes) => {
                end::print(&String::from_utf8_lossy(&bytes));
                0
            }
            Answer::Said { human, json, code, next } => {
                match self.global.format {
                    Format::Human => end::print(&human),
                    Format::Json => end::print(&format!("{json:#}")),
                }
                end::last_line(&format!("portcullis: exit {code}. Next: {next}"));
                code
            }
        }
    }

    fn close_run(&self, mut outcome: Outcome, mut error: Option<CliError>, files: bool) -> u8 {
        outcome.output = self.workspace.output.display().to_string();
        if files && let Err(failed) = self.write_files(&mut outcome) {
            // Without its files the run is not over well, whatever the verdict was.
            error = error.or(Some(failed));
        }
        if let Some(error) = &error {
            outcome.failure = Some(end::failure(error, outcome.reached));
        }
        let code = error.as_ref().map_or_else(|| end::code(&outcome), |error| error.fault().code());
        if let Some(error) = &error {
            end::last_line(&end::diagnostic(error, &self.environment.stderr_style(self.global)));
        }
        match (self.global.format, &outcome.verdict) {
            (Format::Json, Some(verdict)) => end::print(&String::from_utf8_lossy(&report::json::findings(verdict))),
            (Format::Json, None) => end::print(&String::from_utf8_lossy(&report::json::outcome(&outcome))),
            (Format::Human, _) => end::print(&report::human(&outcome, self.environment.stdout_style(self.global))),
        }
        end::last_line(&report::exit::line(&outcome, code));
        code
    }

    fn write_files(&self, outcome: &mut Outcome) -> Result<(), CliError> {
        for (name, _) in report::files(outcome) {
            outcome.files.push(name.to_owned());
        }
        outcome.files.sort();
        outcome.files.dedup();
        for (name, bytes) in report::files(outcome) {
            files::write(&self.workspace.output.join(name), &bytes)?;
        }
        Ok(())
    }
}

/// `events.ndjson` of the run, begun anew.
fn event_log(workspace: &Workspace) -> Result<Arc<dyn Observer>, CliError> {
    let path = workspace.output.join("events.ndjson");
    files::write(&path, b"")?;
    let file = std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .map_err(|source| files::FileError::Write { path, source })?;
    Ok(Arc::new(Log::new(Box::new(file), || System.now())))
}
