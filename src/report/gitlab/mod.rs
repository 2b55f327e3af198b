//! GitLab's security reports, schema 15: what its merge requests and its list of vulnerabilities are made of.
//!
//! Takes an [`Outcome`]. Gives one document. Invariant: what has no place in a list of vulnerable packages is a message of the scan (the verdict
//! itself, gaps, findings without a package, waived ones, which GitLab would count as open), and a scan that could not see everything has failed.

mod identifier;
mod kind;
mod scan;
mod vulnerability;

use serde_json::json;

use super::json::canonical;
use crate::model::outcome::Outcome;
use kind::Kind;

/// The schema that is kept to.
const VERSION: &str = "15.0.4";

/// `gl-container-scanning-report.json`.
#[must_use]
pub fn container_scanning(outcome: &Outcome) -> Vec<u8> {
    document(Kind::Container, outcome)
}

/// `gl-dependency-scanning-report.json`: packages of languages alone; those of an operating system are the other report's.
#[must_use]
pub fn dependency_scanning(outcome: &Outcome) -> Vec<u8> {
    document(Kind::Dependency, outcome)
}

fn document(kind: Kind, outcome: &Outcome) -> Vec<u8> {
    canonical(&json!({
        "version": VERSION,
        "scan": scan::scan(kind, outcome),
        "vulnerabilities": vulnerability::all(kind, outcome),
    }))
}
