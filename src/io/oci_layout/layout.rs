//! The folder of a layout, and where things lie in it.

use std::path::{Path, PathBuf};

use crate::model::digest::Digest;

/// The annotation that holds a manifest's tag in `index.json`.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// An OCI image layout folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OciLayout {
    pub(super) dir: PathBuf,
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

    pub(super) fn index_path(&self) -> PathBuf {
        self.dir.join("index.json")
    }

    pub(super) fn marker_path(&self) -> PathBuf {
        self.dir.join("oci-layout")
    }
}
