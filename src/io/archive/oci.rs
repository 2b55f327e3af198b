//! OCI layouts in a tar.

use std::path::{Path, PathBuf};

use super::docker::{member_of, named};
use super::{Archive, ArchiveError, Section};
use crate::io::limits::Limits;
use crate::io::oci_layout::{Blobs, Index, LayoutError, Manifest, find_image, manifests, platforms, unhidden};
use crate::model::digest::Digest;
use crate::model::image::{Descriptor, PlatformImage};

/// An image in an OCI archive.
#[derive(Debug, Clone)]
pub struct OciImage {
    archive: Archive,
    /// The descriptor in `index.json` that was chosen.
    pub descriptor: Descriptor,
    /// Each platform of the index; one for a plain manifest.
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
        let entries = unhidden(&archive, index.manifests, limits)?;
        let descriptor = find_image(&entries, path, None)?;
        let platforms = platforms(&archive, &descriptor, limits)?;
        agree(&archive, &descriptor, limits)?;
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
        self.archive.open_member(&member_of(digest))
    }
}

/// `docker load` may read `manifest.json` where we read `index.json`: every image that it names must be one that is judged.
fn agree(archive: &Archive, judged: &Descriptor, limits: &Limits) -> Result<(), ArchiveError> {
    let named = named(archive, limits)?;
    if named.is_empty() {
        return Ok(());
    }
    let judged = manifests(archive, judged, limits)?;
    for (config, layers) in named {
        let same = |manifest: &Manifest| manifest.config.digest == config && manifest.layers.iter().map(|l| &l.digest).eq(&layers);
        if !judged.iter().any(|(_, manifest)| same(manifest)) {
            return Err(ArchiveError::Disagree {
                path: archive.path().to_owned(),
                reason: format!("`manifest.json` names the image {config}, which is none of those that `index.json` lists"),
            });
        }
    }
    Ok(())
}

impl Blobs for Archive {
    fn place(&self, digest: &Digest) -> PathBuf {
        self.path().join(member_of(digest))
    }

    fn size(&self, descriptor: &Descriptor) -> Result<Option<u64>, LayoutError> {
        Ok(Self::size(self, &member_of(&descriptor.digest)))
    }

    fn document(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>, LayoutError> {
        self.read(&member_of(digest), limit)
            .map_err(|error| error.of_blob(digest, self.place(digest)))
    }
}
