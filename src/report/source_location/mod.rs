//! The line of the repository that brings a finding: the crate's entry in the lock file, the instruction of the Dockerfile.

mod dockerfile;
mod location;
mod lock_file;
mod of_finding;

pub use location::SourceLocation;
pub use lock_file::{cargo_lock_line, names as lock_files};
pub use of_finding::{configuration, in_repository, place, place_or_configuration};
