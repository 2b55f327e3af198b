//! From a verb to what it does, and to its exit code.

use std::path::Path;

use super::{
    check, diff, doctor, explain, feeds, gate, github, help, hook, init, man, recheck, replay, report, rollout, sbom, scan, verify, waivers,
};
use crate::cli::args::{Cli, RolloutVerb, Verb};
use crate::cli::environment::Environment;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::folders;
use crate::cli::program::{named, program};
use crate::cli::results;
use crate::cli::session::{Answer, Session};
use crate::model::event::Stage;
use crate::model::excused::Excused as _;
use crate::model::exit_kind::ExitKind;
use crate::model::image_ref::is_reference;
use crate::model::outcome::Outcome;
use crate::report::Form;

/// Runs a verb and gives the exit code.
#[must_use]
pub(in crate::cli) fn run(cli: &Cli, environment: &Environment) -> u8 {
    if let Verb::Completions { shell } = &cli.verb {
        // Into memory first: a reader that goes away early (`| head`) is no bug of ours.
        let mut script = Vec::new();
        clap_complete::generate(*shell, &mut <Cli as clap::CommandFactory>::command(), "portcullis", &mut script);
        return exit::print(String::from_utf8_lossy(&script).trim_end(), 0);
    }
    if let Verb::Help { topic } = &cli.verb {
        return told(help::text(topic, &environment.stdout_style(&cli.global)), cli, environment);
    }
    if let Verb::Man { folder } = &cli.verb {
        return told(man::pages(folder.as_deref()), cli, environment);
    }
    // The only TLS provider in the program: without this the first connection panics.
    let installed = rustls::crypto::ring::default_provider().install_default();
    installed.dismissed("it fails only where one is installed already");
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            exit::last_line(&format!("portcullis: exit {}, cannot start threads: {error}", ExitKind::Bug.code()));
            return ExitKind::Bug.code();
        }
    };
    let answer = runtime.block_on(async {
        if let Err(error) = only_asks(cli) {
            return refused(&error, cli, environment);
        }
        let opened = Session::open(&cli.global, environment, is_run(&cli.verb), !matches!(cli.verb, Verb::Switch(_)));
        let mut session = match opened.and_then(|session| keeps_files(cli, &session).map(|()| session)) {
            Ok(session) => session,
            Err(error) => return refused(&error, cli, environment),
        };
        session.form = form(&cli.verb);
        session.held = match results::hold(cli, &session.workspace.output) {
            Ok(held) => held,
            Err(error) => return refused(&error, cli, environment),
        };
        match dispatch(&cli.verb, &session).await {
            Ok(answer) => session.close(answer),
            Err(error) => {
                if results::begins_anew(cli) {
                    results::left_without_a_verdict(&session.workspace.output);
                }
                refused(&error, cli, environment)
            }
        }
    });
    // Everything that is ours has ended: what does not (a login helper that hangs) is not waited for.
    runtime.shutdown_background();
    answer
}

/// An answer that needs nothing of a folder.
pub(super) fn told(text: Result<String, CliError>, cli: &Cli, environment: &Environment) -> u8 {
    match text {
        Ok(text) => exit::print(&text, 0),
        Err(error) => refused(&error, cli, environment),
    }
}

async fn dispatch(verb: &Verb, session: &Session<'_>) -> Result<Answer, CliError> {
    match verb {
        Verb::Gate(args) => gate::run(session, args).await,
        Verb::Check(args) => check::run(session, args).await,
        Verb::Build(args) => gate::build(session, *args).await,
        Verb::Publish(args) => gate::publish(session, args).await,
        Verb::Sbom(args) => sbom::run(session, args).await,
        Verb::Scan(args) => scan::run(session, args).await,
        Verb::Verify(args) => verify::run(session, args).await,
        Verb::Rollout(args) => rollout::run(session, args).await,
        Verb::Init(args) => init::run(session, args),
        Verb::Doctor => doctor::run(session).await,
        Verb::Diff(args) => diff::run(session, args),
        Verb::Explain(args) => explain::run(session, args).await,
        Verb::Report(args) => report::run(session, args),
        Verb::GitHub(args) => github::run(session, args).await,
        Verb::Replay(args) => replay::run(session, args),
        Verb::Recheck(args) => recheck::run(session, args).await,
        Verb::Waive(args) => waivers::add(session, args).await,
        Verb::Waivers { verb } => waivers::run(session, verb).await,
        Verb::Feeds(args) => feeds::run(session, args).await,
        Verb::Hook { verb } => hook::run(session, *verb),
        Verb::Switch(args) => rollout::switch(session, args).await,
        Verb::Completions { .. } | Verb::Help { .. } | Verb::Man { .. } => Ok(Answer::Bytes(Vec::new())),
    }
}

/// The form that a run's result is asked for in.
pub(super) const fn form(verb: &Verb) -> Option<Form> {
    match verb {
        Verb::Gate(args) => args.form,
        Verb::Check(args) => args.form,
        Verb::Scan(args) => args.form,
        _ => None,
    }
}

/// True for a verb that judges or deploys what lies in the working folder.
#[must_use]
pub(in crate::cli) fn judges_here(verb: &Verb) -> bool {
    match verb {
        Verb::Gate(_) | Verb::Check(_) | Verb::Build(_) | Verb::Publish(_) | Verb::Rollout(_) => true,
        Verb::Scan(args) => !is_reference(&args.target) && Path::new(&args.target).is_relative(),
        _ => false,
    }
}

/// True for the verbs that leave files in the output folder.
const fn is_run(verb: &Verb) -> bool {
    matches!(verb, Verb::Gate(_) | Verb::Build(_) | Verb::Publish(_))
}

/// Refuses a folder for results that cannot be written to before anything is judged or deployed: a run's is looked at with its log.
fn keeps_files(cli: &Cli, session: &Session<'_>) -> Result<(), CliError> {
    let keeps = match &cli.verb {
        Verb::Check(_) | Verb::Scan(_) => cli.global.output.is_some(),
        Verb::Rollout(args) => !matches!(args.verb, Some(RolloutVerb::Status { .. } | RolloutVerb::Stop)) && !args.plan,
        _ => false,
    };
    match keeps {
        true => folders::writable(&session.workspace.output),
        false => Ok(()),
    }
}

/// `--at` and `--only-new` ask: what a run does, it does by the real time and for all that is wrong. Refused before anything is built.
fn only_asks(cli: &Cli) -> Result<(), CliError> {
    let (acts, judging) = match &cli.verb {
        Verb::Gate(args) => (args.until > Stage::Policy, Some(&args.judging)),
        Verb::Publish(args) => (true, Some(&args.judging)),
        Verb::Verify(_) | Verb::Switch(_) => (true, None),
        Verb::Rollout(args) => (!matches!(args.verb, Some(RolloutVerb::Status { .. })), None),
        _ => (false, None),
    };
    let problem = if !acts {
        return Ok(());
    } else if cli.global.at.is_some() {
        "--at asks what the answer would be at another time, and this publishes, verifies or rolls out by the real one"
    } else if judging.is_some_and(|judging| judging.only_new) {
        "--only-new lets pass what was there before, and this publishes: nothing is published by half an answer"
    } else {
        return Ok(());
    };
    Err(CliError::Usage {
        problem: problem.to_owned(),
        help: match &cli.verb {
            Verb::Gate(_) => "`gate --until policy` asks and does nothing more",
            _ => "leave it out, or ask with `gate --until policy`, `scan` or `check`",
        }
        .to_owned(),
    })
}

/// An error before any stage ran.
pub(super) fn refused(error: &CliError, cli: &Cli, environment: &Environment) -> u8 {
    let code = error.exit_kind().code();
    let diagnostic = exit::diagnostic(error, &environment.stderr_style(&cli.global));
    exit::last_line(&environment.safe(&diagnostic));
    let program = program(&cli.global);
    let mut failure = exit::failure(error, None);
    failure.help = failure.help.map(|help| named(&help, &program));
    let outcome = Outcome {
        failure: Some(failure),
        program,
        ..Outcome::default()
    };
    if let Some(actions) = &environment.github {
        exit::last_line(&actions.commands(&outcome, code));
        let recorded = actions.record(&outcome, code, &cli.global.directory);
        recorded.dismissed("the run has failed already: a runner that cannot be told as well changes nothing");
    }
    exit::last_line(&environment.safe(&crate::report::exit::line(&outcome, code)));
    code
}
