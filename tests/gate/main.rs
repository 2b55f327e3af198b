//! The integration tests, a folder a stage, in one binary.
#![expect(
    clippy::unwrap_used,
    clippy::let_underscore_must_use,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test ends at the first surprise, may start programs, and says why it was skipped"
)]

#[path = "../support/mod.rs"]
mod support;

mod build;
mod cli;
mod inventory;
mod matching;
mod policy;
mod publish;
mod report;
mod rollout;
