//! OCI layouts in a tar.

use std::path::{Path, PathBuf};

use super::{Archive, ArchiveError, Section};
use crate::io::files::FileError;
use crate::io::limits::Limits;
use crate::io::oci_layout::{Blobs, Index, LayoutError, find_image, platforms};
use crate::model::digest::Digest;
use crate::model::image::{Descriptor, PlatformImage};

/// An image in an OCI archive.
#[derive(Debug, Clone)]
pub struct OciImage {
    archive: Archive,
    /// What names it.
    pub descriptor: Descriptor,
    /// Every platform.
    pub platforms: Vec<PlatformImage>,
}

impl OciImage {
    /// Reads the documents of the only image in an archive.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn open(path: &Path, limits: &Limits) -> Result<Self, ArchiveError> {
        let archive = Archive::open(path, limits)?;
        if !archive.has("index.json") {
            return Err(ArchiveError::WrongKind {
                path: path.to_owned(),
                kind: "OCI archive",
                reason: "it has no `index.json`".to_owned(),
            });
        }
        let index = Index::parse(&path.join("index.json"), &archive.read("index.json", limits.manifest)?)?;
        let descriptor = find_image(&index.manifests, path, None)?;
        let platforms = platforms(&archive, &descriptor, limits)?;
        Ok(Self {
            archive,
            descriptor,
            platforms,
        })
    }

    /// A blob as a stream. Whoever reads it verifies it.
    ///
    /// # Errors
    /// [`ArchiveError::Missing`].
    pub fn open_blob(&self, digest: &Digest) -> Result<Section, ArchiveError> {
        self.archive.open_member(&name(digest))
    }
}

fn name(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

impl Blobs for Archive {
    fn place(&self, digest: &Digest) -> PathBuf {
        self.path().join(name(digest))
    }

    fn size(&self, descriptor: &Descriptor) -> Option<u64> {
        Self::size(self, &name(&descriptor.digest))
    }

    fn document(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>, LayoutError> {
        self.read(&name(digest), limit).map_err(|error| match error {
            ArchiveError::Layout(error) => error,
            ArchiveError::File(error) => error.into(),
            ArchiveError::WrongDigest { found, .. } => LayoutError::WrongDigest {
                digest: *digest,
                found,
                path: self.place(digest),
            },
            ArchiveError::Missing { .. } => LayoutError::BlobMissing {
                digest: *digest,
                path: self.place(digest),
            },
            other => FileError::Read {
                path: self.place(digest),
                source: std::io::Error::other(other.to_string()),
            }
            .into(),
        })
    }
}
