//! One document for each of the two kinds of scan.

use serde_json::json;

use super::kind::Kind;
use super::{scan, vulnerability};
use crate::model::outcome::Outcome;
use crate::report::json::canonical;

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
