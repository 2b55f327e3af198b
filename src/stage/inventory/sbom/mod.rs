//! SBOMs out and in: CycloneDX JSON and SPDX JSON.
//!
//! Takes an `Inventory` and a time, or a file. Gives the bytes of an SBOM, or an `Inventory`.
//! Invariant: what is written reads back as it was, so that an SBOM gives the findings that its image gave.

mod carried;
mod cyclonedx;
mod document;
mod ecosystem;
mod identity;
mod keys;
mod lenient;
mod license;
mod readings;
mod spdx;
mod upstream;
mod wrapper;

pub use cyclonedx::CycloneDxVersion;
pub use document::{cyclonedx, cyclonedx_of, parse, read, spdx};
use lenient::{or_absent, unread};
