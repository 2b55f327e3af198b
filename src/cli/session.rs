//! One run of a verb: its workspace, its effects, and how it ends.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde_json::Value;

use super::args::{Format, Global};
use super::barring::Barring;
use super::environment::Environment;
use super::error::CliError;
use super::exit;
use super::folders;
use super::program::{named, program};
use super::progress::Screen;
use super::results::{self, Held};
use super::signals::{self, Phase};
use super::wiring::{DOCKERFILES, Workspace};
use crate::gate;
use crate::io::clock::{At, Clock, System};
use crate::io::limits::Limits;
use crate::io::{Effects, files, secret};
use crate::model::commit::Commit;
use crate::model::event::Observer;
use crate::model::excused::Excused as _;
use crate::model::exit_kind::ExitKind;
use crate::model::outcome::{Failure, Outcome, SourceFile};
use crate::model::plan::Builder;
use crate::report::progress::{Fanout, Log};
use crate::report::{self, Form};
use crate::stage::policy::rules::RULES;

/// What a verb works with.
pub(super) struct Session<'a> {
    /// What every verb takes.
    pub global: &'a Global,
    pub environment: &'a Environment,
    /// The folder and its configuration.
    pub workspace: Workspace,
    /// What stages may do.
    pub effects: Effects,
    /// The form of a run's result on stdout, where not the usual one.
    pub form: Option<Form>,
    /// The folder for results, where the verb keeps files there.
    pub held: Held,
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
    Message {
        /// For people.
        human: String,
        /// For programs.
        json: Value,
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
    pub(super) fn open(global: &'a Global, environment: &'a Environment, logged: bool, needs_folders: bool) -> Result<Self, CliError> {
        let limits = Limits::default();
        if needs_folders {
            folders::own(&environment.folders.cache, "XDG_CACHE_HOME")?;
            folders::own(&environment.folders.state, "XDG_STATE_HOME")?;
        }
        let mut workspace = Workspace::open(global, &environment.folders, &limits)?;
        workspace.base = environment.github.as_ref().and_then(|actions| actions.event.base.clone());
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
            form: None,
            held: Held::default(),
            screen,
        })
    }

    /// What keeps this run from publishing and rolling out, where something does.
    #[must_use]
    pub(in crate::cli) fn barring_event(&self) -> Option<Barring<'_>> {
        Barring::of(self.environment.github.as_ref(), self.global.config.as_deref(), &self.workspace)
    }

    /// Refuses to publish or to roll out for a pull request.
    ///
    /// # Errors
    /// [`CliError::Missing`].
    pub(super) fn may_publish(&self) -> Result<(), CliError> {
        match self.barring_event() {
            None => Ok(()),
            Some(barring) => Err(CliError::Missing {
                problem: format!("nothing is published or rolled out for {}", barring.said()),
                help: barring.help(),
            }),
        }
    }

    /// Prints an answer and gives the exit code.
    #[must_use]
    pub(super) fn close(&self, answer: Answer) -> u8 {
        self.screen.close();
        match answer {
            Answer::Run { outcome, error, files } => self.close_run(*outcome, error, files),
            Answer::Bytes(bytes) => exit::print(&String::from_utf8_lossy(&bytes), 0),
            Answer::Message { human, json, code, next } => {
                let printed = match self.global.format {
                    Format::Human => exit::print(&self.environment.safe(&human), code),
                    Format::Json => exit::print(&self.environment.safe_json(format!("{json:#}").as_bytes()), code),
                };
                if printed == code {
                    let next = named(&next, &self.program());
                    exit::last_line(&self.environment.safe(&format!("portcullis: exit {code}. Next: {next}")));
                }
                printed
            }
        }
    }

    fn close_run(&self, mut outcome: Outcome, mut error: Option<CliError>, files: bool) -> u8 {
        outcome.output = self.workspace.output.display().to_string();
        self.explain(&mut outcome);
        let is_refused = self.is_refused(&outcome, error.as_ref());
        if files && is_refused && outcome.rollout.is_none() {
            results::left_without_a_verdict(&self.workspace.output);
        }
        let files = files && !is_refused;
        // Before the files: a report of a run that did not get to its end says so.
        if let Some(error) = &error {
            outcome.failure = Some(failure(error, &outcome));
        }
        if files
            && let Err(failed) = self.write_files(&mut outcome)
            && error.is_none()
        {
            // Without its files the run is not over well, whatever the verdict was.
            outcome.failure = Some(failure(&failed, &outcome));
            error = Some(failed);
        }
        let code = error
            .as_ref()
            .map_or_else(|| exit::code(&outcome), |error| error.exit_kind().code());
        if let Some(error) = &error {
            let diagnostic = exit::diagnostic(error, &self.environment.stderr_style(self.global));
            exit::last_line(&self.environment.safe(&diagnostic));
        }
        let style = self.environment.stdout_style(self.global);
        let printed = match (self.form, self.global.format, &outcome.verdict) {
            (Some(form), _, _) => form.render(&outcome).map_or_else(String::new, |text| self.written(&text)),
            (None, Format::Json, Some(verdict)) => self.environment.safe_json(&report::json::findings(verdict)),
            (None, Format::Json, None) => self.environment.safe_json(&report::json::outcome(&outcome)),
            (None, Format::Human, _) => self.environment.safe(&report::human(&outcome, style)).into_owned(),
        };
        let code = exit::print(&printed, code);
        let code = self.tell_github(&outcome, code);
        exit::last_line(&self.environment.safe(&named(&report::exit::line(&outcome, code), &outcome.program)));
        code
    }

    /// True for what was refused before it began or was locked out: the report and evidence of the last run, or of the one at work, stay.
    fn is_refused(&self, outcome: &Outcome, error: Option<&CliError>) -> bool {
        let is_usage = error.is_some_and(|error| error.exit_kind() == ExitKind::Usage);
        let rollout = outcome.rollout.as_ref().filter(|_| outcome.verdict.is_none());
        let output = &self.workspace.output;
        (is_usage && outcome.reached.is_none()) || rollout.is_some_and(|report| results::stay(output, report))
    }

    /// Annotations, job summary, outputs. A runner that could not be told makes a good end a bad one.
    fn tell_github(&self, outcome: &Outcome, code: u8) -> u8 {
        let Some(actions) = &self.environment.github else { return code };
        exit::last_line(&actions.commands(outcome, code));
        match actions.record(outcome, code, &self.workspace.output) {
            Ok(()) => code,
            Err(error) => {
                exit::last_line(&self.environment.safe(&format!("portcullis: {error}: {}", error.reason())));
                if code == 0 { ExitKind::Bug.code() } else { code }
            }
        }
    }

    /// The program's name with what names this service.
    #[must_use]
    pub(super) fn program(&self) -> String {
        program(self.global)
    }

    /// A form as it goes to stdout.
    #[must_use]
    pub(super) fn written(&self, form: &[u8]) -> String {
        self.environment.safe(&String::from_utf8_lossy(form)).into_owned()
    }

    /// Adds what reports name commands by, point into and explain with.
    pub(super) fn explain(&self, outcome: &mut Outcome) {
        outcome.program = self.program();
        outcome.rolls_out = self.workspace.config.rollout.is_some();
        self.add_sources(outcome);
    }

    fn add_sources(&self, outcome: &mut Outcome) {
        let root = &self.workspace.root;
        let repository = root.ancestors().find(|folder| folder.join(".git").exists());
        let inside = repository.and_then(|repository| {
            root.strip_prefix(repository)
                .or_none("outside of the repository: annotations name the path as it is")
        });
        outcome.folder = inside.map(|folder| folder.to_string_lossy().into_owned()).unwrap_or_default();
        outcome.code_scanning = self.environment.github.is_some();
        let lock_files = report::source_location::lock_files().map(PathBuf::from);
        outcome.sources = lock_files
            .chain(self.dockerfiles(outcome.until.is_some(), outcome.commit.clone()))
            .filter_map(|path| {
                let text = files::read_text(&self.workspace.root.join(&path), self.effects.limits.document)
                    .or_none("without its text a finding has no line")?;
                Some(SourceFile {
                    path: path.display().to_string(),
                    text,
                })
            })
            .collect();
        outcome.rules = RULES.iter().map(|entry| *entry.about).collect();
    }

    /// The Dockerfiles that the image was built from. For an image that somebody else has built: those that lie where they usually do.
    fn dockerfiles(&self, is_built: bool, commit: Option<Commit>) -> Vec<PathBuf> {
        let built_from = self.workspace.build_plan(commit).map(|plan| plan.builder);
        match built_from {
            Ok(builder) if is_built && !matches!(builder, Builder::Image(_)) => builder.dockerfiles(),
            _ => DOCKERFILES.iter().map(PathBuf::from).collect(),
        }
    }

    fn write_files(&self, outcome: &mut Outcome) -> Result<(), CliError> {
        // A rollout alone says nothing of what was judged.
        if outcome.until.is_some() || outcome.verdict.is_some() || outcome.rollout.is_none() {
            gate::leave_only(&self.workspace.output, &outcome.files, outcome.until.is_some())?;
        }
        // A rollout alone says nothing of findings: the judgement's report stays beside its own.
        let beside = outcome.verdict.is_none() && outcome.rollout.is_some() && self.workspace.output.join("verdict.json").is_file();
        for (name, bytes) in report::files(outcome) {
            let name = match name {
                "report.html" if beside => "rollout-report.html",
                "summary.md" if beside => "rollout-summary.md",
                name => name,
            };
            files::write_result(&self.workspace.output.join(name), &bytes)?;
            outcome.files.push(name.to_owned());
        }
        outcome.files.sort();
        outcome.files.dedup();
        Ok(())
    }
}

/// What stopped a run, with the commands of its help as they are called here.
fn failure(error: &CliError, outcome: &Outcome) -> Failure {
    let mut failure = exit::failure(error, outcome.reached);
    failure.help = failure.help.map(|help| named(&help, &outcome.program));
    failure
}

/// `events.ndjson` of the run, begun anew with its first event: what is refused before leaves the last run's as it was.
fn event_log(workspace: &Workspace) -> Result<Arc<dyn Observer>, CliError> {
    let path = workspace.output.join("events.ndjson");
    folders::writable(&workspace.output)?;
    let begun = LateFile { path, file: None };
    Ok(Arc::new(Log::new(Box::new(begun), || System.now())))
}

/// A file that is begun anew when something is written to it.
struct LateFile {
    path: PathBuf,
    file: Option<std::fs::File>,
}

impl std::io::Write for LateFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                if let Some(folder) = self.path.parent() {
                    std::fs::create_dir_all(folder)?;
                }
                // A new file in the old one's place: a link that lies there, a commit's too, is not written through.
                match std::fs::remove_file(&self.path) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                    _ => none.insert(std::fs::File::create_new(&self.path)?),
                }
            }
        };
        file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.as_mut().map_or(Ok(()), std::io::Write::flush)
    }
}
