//! From the command line to an exit code.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue};

use super::args::Cli;
use super::environment::Environment;
use super::error::CliError;
use super::{args, exit, folders, results, verbs};
use crate::model::excused::Excused as _;
use crate::model::exit_kind::ExitKind;
use crate::report::Form;

/// Parses the command line, runs its verb and gives its exit code; a signal ends it as the README's table says.
#[must_use]
pub fn main() -> ExitCode {
    if let Err(error) = crate::io::environment::seal() {
        exit::last_line(&format!(
            "portcullis: exit {}, secrets cannot be taken out of the environment: {error}. Next: is /proc there, and may this program start itself?",
            ExitKind::Undecidable.code()
        ));
        return ExitCode::from(ExitKind::Undecidable.code());
    }
    let mut cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(refused(&error)),
    };
    // First of all: whatever ends a run now, nobody takes an earlier one's answer for its own.
    let earlier = results::begin(&cli);
    let code = run_there(&mut cli);
    results::end(earlier);
    ExitCode::from(code)
}

/// Goes where the command line leads and runs its verb there.
fn run_there(cli: &mut Cli) -> u8 {
    // Every path is below `-C`: those of arguments, of image references and of variables alike.
    if cli.global.directory != std::path::Path::new(".") {
        let directory = std::mem::replace(&mut cli.global.directory, ".".into());
        cli.global.started = std::env::current_dir().or_none("a folder that is gone holds no commit");
        if let Err(error) = folders::of_the_commit(&directory, "-C") {
            return exit::without_session(&error);
        }
        if let Err(source) = std::env::set_current_dir(&directory) {
            return exit::without_session(&CliError::Directory { path: directory, source });
        }
        cli.global.went_to = Some(directory);
    } else if verbs::judges_here(&cli.verb)
        && let Err(error) = folders::working()
    {
        return exit::without_session(&error);
    }
    // The switch is found by its environment, which says nothing but where its state is.
    let is_switch = matches!(cli.verb, args::Verb::Switch(_));
    if !is_switch && let Err(error) = crate::io::environment::close_to_others() {
        exit::last_line(&format!("portcullis: other programs of this user can look into this one: {error}"));
    }
    let needs_home = !is_switch
        && !matches!(
            cli.verb,
            args::Verb::Completions { .. } | args::Verb::Help { .. } | args::Verb::Man { .. }
        );
    let run = || match Environment::read(needs_home) {
        Ok(environment) => verbs::run(cli, &environment),
        Err(error) => exit::without_session(&error),
    };
    // A panic is a bug of ours: it must not look like any of the answers.
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
        Ok(code) => code,
        Err(_) => {
            exit::last_line(&format!(
                "portcullis: exit {}, a bug in portcullis. Next: please report it with the message above",
                ExitKind::Bug.code()
            ));
            ExitKind::Bug.code()
        }
    }
}

/// Shows what clap says. Help and the version go to stdout and are no error.
pub(super) fn refused(error: &clap::Error) -> u8 {
    if !error.use_stderr() {
        error.print().dismissed("a help that nobody can see leaves the exit code");
        return 0;
    }
    if crate::io::environment::variable("GITHUB_ACTIONS").is_some() {
        exit::outside_of_a_session(&error.render().to_string());
    } else {
        error.print().dismissed("what nobody can see leaves the exit code");
    }
    exit::last_line(&format!(
        "portcullis: exit {}, usage error. Next: {}",
        ExitKind::Usage.code(),
        next(error)
    ));
    ExitKind::Usage.code()
}

/// The one thing to do about a command line that was refused.
fn next(error: &clap::Error) -> String {
    let named = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let (flag, value) = (
        named(ContextKind::InvalidArg).unwrap_or_default(),
        named(ContextKind::InvalidValue).unwrap_or_default(),
    );
    // Two flags whose names are near: what stdout is for, and the form that others read.
    let is_form = Form::ALL.iter().any(|form| form.as_str() == value);
    match (flag.split(' ').next(), value) {
        (Some("--format"), _) if is_form => return format!("{value} is a form: --form {value}"),
        (Some("--form"), "json" | "human") => return format!("{value} is no form of others: --format {value}"),
        _ => {}
    }
    // The verb that was meant says what it takes.
    let command = command();
    let is_verb = |word: &OsString| command.get_subcommands().any(|verb| word == verb.get_name() && !verb.is_hide_set());
    let verb = std::env::args_os()
        .skip(1)
        .find(is_verb)
        .map(|verb| verb.to_string_lossy().into_owned());
    match verb {
        Some(verb) => format!("correct what is named above; `portcullis help {verb}` says what it takes"),
        None => "correct what is named above; `portcullis --help` lists every verb".to_owned(),
    }
}

/// The command line's definition, for completions and for whoever checks that something mirrors it.
#[must_use]
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}
