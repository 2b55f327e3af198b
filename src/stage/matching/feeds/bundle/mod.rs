//! Feeds in one file, to be carried over an air gap: a tar with a manifest first and every file's digest in it.
//!
//! Takes the copies of a plan's feeds. Gives a file, or an artifact in a registry. Invariant: equal copies give an equal file, whose digest can be
//! pinned; a file that does not hold what it says changes nothing.

mod artifact;
mod contents;
mod documents;
mod export;
mod import;

pub use artifact::{Artifact, pull, push};
pub use contents::{BUNDLE_MEDIA_TYPE, Bundle, Contents};
use contents::{DOCUMENTS, MANIFEST, SCHEMA, cannot, hashed, is_record_file, problem};
pub use export::export;
pub use import::import;
