//! CycloneDX JSON: 1.5 out, 1.4 to 1.6 in.

mod document;
mod read;
mod write;

pub(super) use read::read;
pub(super) use write::write;
