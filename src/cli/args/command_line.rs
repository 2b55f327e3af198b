//! The verbs, and the arguments that all of them take.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;

use super::github::GitHubArgs;
use super::judging::{BuildArgs, CheckArgs, GateArgs, PublishArgs, SbomArgs, ScanArgs};
use super::questions::{DiffArgs, ExplainArgs, FeedsArgs, InitArgs, RecheckArgs, ReplayArgs, ReportArgs, WaiveArgs, WaiversVerb};
use super::rollout::{HookVerb, RolloutArgs, SwitchArgs, VerifyArgs};
use super::value_parsers::time;

/// The gate between a commit and production: one digest, one verdict, fail closed.
#[derive(Debug, Parser)]
#[command(
    name = "portcullis",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = "Exit codes: 0 cleared, committed or verified · 1 blocked · 2 undecidable · 10 rolled back · 11 rollback failed · \
                  12 rollout refused · 13 locked or superseded · 14 interrupted · 64 usage · 69 unreachable · 70 a bug"
)]
pub struct Cli {
    /// What every verb takes.
    #[command(flatten)]
    pub global: Global,
    /// The verb.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What every verb takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Work in this folder
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true, default_value = ".")]
    pub directory: PathBuf,
    /// What `-C` named, once the program has gone there and `directory` is `.`
    #[arg(skip)]
    pub went_to: Option<PathBuf>,
    /// Where the program was started, before it went to that folder.
    #[arg(skip)]
    pub started: Option<PathBuf>,
    /// Configuration, relative to the folder
    #[arg(long, value_name = "FILE", global = true, env = "PORTCULLIS_CONFIG")]
    pub config: Option<PathBuf>,
    /// Folder for results, relative to the folder [default: target/portcullis]
    #[arg(long, value_name = "DIR", global = true, env = "PORTCULLIS_OUTPUT")]
    pub output: Option<PathBuf>,
    /// What goes to stdout
    #[arg(long, value_enum, global = true, default_value = "human")]
    pub format: Format,
    /// No story on stderr, only problems and the last line
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// More of the story; twice for all of it
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Colours
    #[arg(long, value_enum, global = true, default_value = "auto")]
    pub color: ColorChoice,
    /// No network: what the cache holds must do
    #[arg(long, global = true, env = "PORTCULLIS_OFFLINE", value_parser = clap::builder::FalseyValueParser::new(), action = clap::ArgAction::SetTrue)]
    pub offline: bool,
    /// Evaluate policy and waivers at this time, such as 2026-11-01T12:00:00Z, or at the beginning of a day
    #[arg(long, value_name = "TIME", global = true, value_parser = time)]
    pub at: Option<Timestamp>,
}

/// What goes to stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// For programs.
    Json,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Write the first configuration, waiver file and workflow of a service
    Init(InitArgs),
    /// Say what is here of what the stages need, and what is missing
    Doctor,
    /// Build, inventory, match, judge, publish and roll out: the whole gate
    Gate(GateArgs),
    /// Judge lock files, pins, waivers and tracked secrets before a push; no image, no network when the cache is fresh
    Check(CheckArgs),
    /// Build the image and nothing else
    Build(BuildArgs),
    /// Write SBOMs of an image or a source tree
    Sbom(SbomArgs),
    /// Judge a folder, a lock file, an image or an SBOM
    Scan(ScanArgs),
    /// Judge the image that `build` left and publish it
    Publish(PublishArgs),
    /// Check that a published digest carries a signed, cleared verdict
    Verify(VerifyArgs),
    /// Roll a published digest out, or ask about rollouts
    Rollout(RolloutArgs),
    /// Say why something is in the image and what clears it
    Explain(ExplainArgs),
    /// What is different between two verdicts
    Diff(DiffArgs),
    /// Write a stored result in the form that a CI, a reviewer or a spreadsheet reads
    Report(ReportArgs),
    /// Show a stored result at GitHub: a comment, a deployment, the dependencies
    #[command(name = "github")]
    GitHub(GitHubArgs),
    /// Compute a stored verdict again, offline, and compare every byte
    Replay(ReplayArgs),
    /// Judge stored inventories against today's advisories, without the images
    Recheck(RecheckArgs),
    /// The advisory data: fetch it, see how old it is, carry it over an air gap
    Feeds(FeedsArgs),
    /// Add a waiver; asks on a terminal for what the flags leave out
    Waive(WaiveArgs),
    /// List waivers with their states, or import another tool's ignore file
    Waivers {
        /// What to do.
        #[command(subcommand)]
        verb: WaiversVerb,
    },
    /// Run `check` before every push
    Hook {
        /// What to do.
        #[command(subcommand)]
        verb: HookVerb,
    },
    /// Own the public listener of a service (started by the `process` target)
    #[command(hide = true)]
    Switch(SwitchArgs),
    /// Explain a verb, a rule or an exit code
    Help {
        /// A verb (`rollout status`), a rule (root-user) or an exit code (12) [default: everything]
        topic: Vec<String>,
    },
    /// Write manual pages
    Man {
        /// A folder that gets a page for each verb [default: the page of the program, to stdout]
        folder: Option<PathBuf>,
    },
    /// Write a shell's completion script
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}
