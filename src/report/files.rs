//! Every file that an outcome gives.

use super::REPORTERS;
use crate::model::outcome::Outcome;

/// Every file that an outcome gives, by name, sorted.
#[must_use]
pub fn files(outcome: &Outcome) -> Vec<(&'static str, Vec<u8>)> {
    REPORTERS
        .iter()
        .filter_map(|reporter| Some((reporter.file(), reporter.finish(outcome)?)))
        .collect()
}
