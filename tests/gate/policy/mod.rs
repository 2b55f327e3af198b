//! Rules, waivers, verdicts.

mod case;
mod errors;
mod fleet;
mod generated;
mod known_scanner_failures;
mod questions;
mod registry;
mod rules_and_verdicts;
mod verbs;
mod verdicts_explained;
mod yarns;
