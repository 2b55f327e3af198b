//! OCI image layouts on disk: `oci-layout`, `index.json`, `blobs/sha256/…`.
//!
//! Takes a folder. Gives blobs that were verified, descriptors, and the images of every platform.
//! Invariant: no byte is given whose digest was not checked, and `index.json` is never half written.
//!
//! Source: the OCI image specification, "Image Layout".

mod base;
mod error;
mod layout;
mod manifest;
mod platforms;
mod read;
mod replace;
mod write;

#[cfg(test)]
mod tests;

pub use error::LayoutError;
pub use layout::{OciLayout, REF_NAME};
pub use manifest::{Config, Index, Manifest, layer_compression};
pub use platforms::{Blobs, manifests, platforms, unhidden};
pub use read::find_image;
pub use write::BlobWriter;
