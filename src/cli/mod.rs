//! Arguments, configuration, plans, exit codes.

pub mod args;
mod ask;
mod barring;
mod ci;
pub mod config;
mod doctor;
mod earlier;
mod entry_point;
mod environment;
mod error;
mod exit;
mod folders;
mod init;
mod program;
mod progress;
mod proposals;
mod results;
mod session;
mod shown;
mod signals;
mod stored_run;
mod verbs;
mod wiring;

pub use entry_point::{command, main};
pub use error::CliError;
