//! Everything that an image consists of, in the order in which it must be pushed.

use std::collections::BTreeSet;

use bytes::Bytes;

use crate::io::limits::Limits;
use crate::io::oci_layout::{Index, LayoutError, Manifest, OciLayout};
use crate::model::digest::Digest;
use crate::model::image::{Descriptor, media_type};

/// Indexes within indexes: more than anybody nests.
const MAX_DEPTH: usize = 3;

/// A manifest or index with its bytes as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RawDocument {
    pub(super) media_type: String,
    pub(super) digest: Digest,
    pub(super) bytes: Bytes,
}

/// An image, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Graph {
    /// Manifests and indexes, each after what it lists; the image's own is the last.
    pub(super) documents: Vec<RawDocument>,
    /// Configurations and layers, each once.
    pub(super) blobs: Vec<Descriptor>,
    /// Which of the documents are BuildKit's attestations.
    attestations: BTreeSet<Digest>,
}

impl Graph {
    /// Reads an image from a layout. Every document is verified; blobs are named only.
    ///
    /// # Errors
    /// [`LayoutError`].
    pub(super) fn read(layout: &OciLayout, root: &Descriptor, limits: &Limits) -> Result<Self, LayoutError> {
        let mut graph = Self {
            documents: Vec::new(),
            blobs: Vec::new(),
            attestations: BTreeSet::new(),
        };
        let mut walk = Walk {
            layout,
            limits,
            graph: &mut graph,
            seen: BTreeSet::new(),
        };
        walk.visit(root, 0)?;
        Ok(graph)
    }

    /// The images that the last document lists, itself or through lists within it; empty where it is an image itself. What BuildKit puts beside
    /// them is none.
    pub(super) fn platforms(&self) -> Vec<Descriptor> {
        let inner = self.documents.split_last().map_or(&[][..], |(_, inner)| inner);
        let is_image = |document: &&RawDocument| {
            let is_manifest = matches!(document.media_type.as_str(), media_type::OCI_MANIFEST | media_type::DOCKER_MANIFEST);
            is_manifest && !self.attestations.contains(&document.digest)
        };
        let images = inner.iter().filter(is_image);
        images
            .map(|document| Descriptor::new(&document.media_type, document.digest, document.bytes.len() as u64))
            .collect()
    }

    /// Bytes of all blobs together.
    pub(super) fn bytes(&self) -> u64 {
        self.blobs.iter().map(|blob| blob.size).sum()
    }
}

struct Walk<'a> {
    layout: &'a OciLayout,
    limits: &'a Limits,
    graph: &'a mut Graph,
    seen: BTreeSet<Digest>,
}

impl Walk<'_> {
    fn visit(&mut self, descriptor: &Descriptor, depth: usize) -> Result<(), LayoutError> {
        if !self.seen.insert(descriptor.digest) {
            return Ok(());
        }
        let path = self.layout.blob_path(&descriptor.digest);
        let bytes = self.layout.read_blob(&descriptor.digest, self.limits.manifest)?;
        match descriptor.media_type.as_str() {
            media_type::OCI_INDEX | media_type::DOCKER_INDEX => {
                let index = Index::parse(&path, &bytes)?;
                if depth == MAX_DEPTH || index.manifests.len() > 4 * self.limits.platforms {
                    return Err(LayoutError::Inconsistent {
                        path,
                        reason: "lists too many images, or lists within lists".to_owned(),
                    });
                }
                index.manifests.iter().try_for_each(|inner| self.visit(inner, depth + 1))?;
            }
            media_type::OCI_MANIFEST | media_type::DOCKER_MANIFEST => {
                let manifest = Manifest::parse(&path, &bytes)?;
                if manifest.is_attestation() {
                    self.graph.attestations.insert(descriptor.digest);
                }
                for blob in std::iter::once(manifest.config).chain(manifest.layers) {
                    if self.seen.insert(blob.digest) {
                        self.graph.blobs.push(blob);
                    }
                }
            }
            other => {
                return Err(LayoutError::Inconsistent {
                    path,
                    reason: format!("is no image manifest: its media type is `{other}`"),
                });
            }
        }
        self.graph.documents.push(RawDocument {
            media_type: descriptor.media_type.clone(),
            digest: descriptor.digest,
            bytes: bytes.into(),
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_an_image_are_those_of_its_blobs() {
        let blob = |number: u8, size: u64| Descriptor::new(media_type::OCI_EMPTY, Digest::from_bytes([number; 32]), size);
        let graph = Graph {
            documents: Vec::new(),
            blobs: vec![blob(1, 300), blob(2, 4)],
            attestations: BTreeSet::new(),
        };
        assert_eq!(graph.bytes(), 304);
    }
}
