//! `findings.sarif`: SARIF 2.1.0 for code scanning.
//!
//! Takes an [`Outcome`](crate::model::outcome::Outcome) with a verdict. Gives every finding as a result (waived ones with their suppression, which GitHub does not understand: it
//! gets none of them), every gap as a notification. What is over a limit of those who read it is counted in a notification.
//! Invariant: locations are relative to the repository, and a finding keeps its fingerprint when lines or versions move.

mod address;
mod log;
mod result;
mod rules;

pub use log::Sarif;
