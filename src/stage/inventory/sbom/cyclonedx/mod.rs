//! CycloneDX JSON: 1.5 to 1.7 out, 1.4 to 1.7 in.

mod document;
mod read;
mod version;
mod write;

pub(super) use read::read;
pub use version::CycloneDxVersion;
pub(super) use write::write;
