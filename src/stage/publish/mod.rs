//! Takes `Cleared`. Gives `Attested`. Never moves an existing SHA tag, never resolves a tag to find out what it published, and never tags what has
//! no verdict yet.

mod artifact;
mod attach;
mod attestation;
mod attested;
mod checks;
mod destination;
mod dry_run;
mod entry_points;
mod error;
mod evidence;
mod examine;
mod expectation;
mod further_checks;
mod graph;
mod layout;
mod legacy;
mod predicate;
mod push;
mod registry;
mod sha_tag;
pub mod sign;
mod signed;
mod statements;
mod verify;

pub use attestation::predicate_type;
pub use attested::{Attested, Trust, VerdictSummary};
pub use checks::{Check, CheckResult, Examination};
pub use entry_points::{content, evidence, examine, images, publish, verify};
pub use error::PublishError;
pub use evidence::{Content, SignedEvidence};
pub use expectation::Expectation;
pub use predicate::{Predicate, verdict_file};
