//! OCI image layouts on disk: `oci-layout`, `index.json`, `blobs/sha256/…`.
//!
//! Takes a folder. Gives blobs that were verified, descriptors, and the images of every platform.
//! Invariant: no byte is given whose digest was not checked, and `index.json` is never half written.
//!
//! Source: the OCI image specification, "Image Layout".

mod base;
mod error;
mod manifest;
mod platforms;
mod read;
mod replace;
mod write;

pub use error::LayoutError;
pub use manifest::{Config, Index, Manifest, layer_compression};
pub use platforms::{Blobs, manifests, platforms, unhidden};
pub use read::find_image;
pub use write::BlobWriter;

use std::path::{Path, PathBuf};

use crate::model::digest::Digest;

/// The annotation that holds a manifest's tag in `index.json`.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// An OCI image layout folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OciLayout {
    dir: PathBuf,
}

impl OciLayout {
    /// The folder with `oci-layout` and `index.json`.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where a blob lies, whether it is there or not.
    #[must_use]
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.dir.join("blobs").join("sha256").join(digest.hex())
    }

    fn index_path(&self) -> PathBuf {
        self.dir.join("index.json")
    }

    fn marker_path(&self) -> PathBuf {
        self.dir.join("oci-layout")
    }
}

#[cfg(test)]
mod tests;
