//! One ecosystem's records on disk. Takes a folder. Gives them parsed, all processors at work.
//! Invariant: another look from outside means other content; a record that cannot be read is set aside and counted, never passed over.

mod archive;
mod batch;
mod directory;
#[cfg(test)]
mod directory_tests;
mod error;
mod listed;
mod loose;
mod naming;
mod source;
#[cfg(test)]
mod source_tests;
mod unpacker;

pub(in crate::stage::matching) use error::SourceError;
pub(in crate::stage::matching) use listed::lines as listed_lines;
pub(in crate::stage::matching) use loose::{clear_older, is_record};
pub(in crate::stage::matching) use naming::{OVERLAY, key_hash, look};
pub(in crate::stage::matching) use source::Source;
