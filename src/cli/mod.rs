//! Arguments, configuration, plans, exit codes.

pub mod args;
pub mod config;
mod error;
mod wiring;

pub use error::CliError;

/// Runs the program.
#[must_use]
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(70)
}

/// The command line's definition, for completions and for whoever checks that something mirrors it.
#[must_use]
pub fn command() -> clap::Command {
    <args::Cli as clap::CommandFactory>::command()
}
