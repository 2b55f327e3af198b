//! GitLab's security reports, schema 15: what its merge requests and its list of vulnerabilities are made of.
//!
//! Takes an [`Outcome`](crate::model::outcome::Outcome). Gives one document. Invariant: what has no place in a list of vulnerable packages is a message of the scan (the verdict
//! itself, gaps, findings without a package, waived ones, which GitLab would count as open), and a scan that could not see everything has failed.

mod document;
mod identifier;
mod kind;
mod scan;
mod vulnerability;

pub use document::{container_scanning, dependency_scanning};
