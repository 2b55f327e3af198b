//! An image in a registry, ready to be streamed: its documents are fetched, its layers are not.

use std::collections::HashMap;
use std::path::PathBuf;

use tokio::runtime::Handle;

use super::{Access, BlobReader, Options, Registry, RegistryError};
use crate::io::Effects;
use crate::io::oci_layout::{Blobs, Index, LayoutError, Manifest, platforms};
use crate::model::digest::Digest;
use crate::model::image::{Descriptor, PlatformImage, media_type};

/// An image in a registry.
pub struct RemoteImage {
    registry: Registry,
    /// Waits for its bytes.
    runtime: Handle,
    documents: HashMap<Digest, Vec<u8>>,
    /// The descriptor of the manifest or index that the reference led to.
    pub descriptor: Descriptor,
    /// Each platform of the index; one for a plain manifest.
    pub platforms: Vec<PlatformImage>,
}

/// Why an image in a registry could not be read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RemoteError {
    /// The registry did not give it.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Registry(#[from] RegistryError),
    /// What it gave does not hold together.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Layout(#[from] LayoutError),
}

impl RemoteError {
    /// How the run ends.
    #[must_use]
    pub fn exit_kind(&self) -> crate::model::exit_kind::ExitKind {
        match self {
            Self::Registry(error) => error.exit_kind(),
            Self::Layout(error) => error.exit_kind(),
        }
    }
}

impl RemoteImage {
    /// Fetches the documents of an image: index, manifests, configurations. Each is verified. Its blobs come through the runtime that this
    /// is called in.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub async fn open(repository: &str, digest: &Digest, effects: &Effects) -> Result<Self, RemoteError> {
        let registry = Registry::open(repository, Options::new(Access::Read, false), effects)?;
        let mut documents = HashMap::new();
        let mut root = None;
        let mut left = vec![*digest];
        while let Some(next) = left.pop() {
            // Platforms, the indexes over them and their attestations: more is no image.
            if documents.contains_key(&next) || documents.len() > 4 * effects.limits.platforms {
                continue;
            }
            let manifest = registry.manifest(&next).await?;
            let place = place_of(&registry, &next);
            let is_index = matches!(manifest.media_type.as_str(), media_type::OCI_INDEX | media_type::DOCKER_INDEX);
            if is_index {
                left.extend(Index::parse(&place, &manifest.bytes)?.manifests.iter().map(|child| child.digest));
            } else {
                let config = Manifest::parse(&place, &manifest.bytes)?.config;
                let bytes = registry.blob(&config.digest, config.size, effects.limits.manifest).await?;
                documents.insert(config.digest, bytes);
            }
            root.get_or_insert_with(|| Descriptor::new(&manifest.media_type, next, manifest.bytes.len() as u64));
            documents.insert(next, manifest.bytes.to_vec());
        }
        let descriptor = root.ok_or_else(|| RegistryError::Missing {
            what: format!("manifest {digest}"),
            repository: repository.to_owned(),
        })?;
        let mut image = Self {
            registry,
            runtime: Handle::current(),
            documents,
            descriptor,
            platforms: Vec::new(),
        };
        image.platforms = platforms(&image, &image.descriptor, &effects.limits)?;
        Ok(image)
    }

    /// A document that was fetched.
    #[must_use]
    pub fn fetched(&self, digest: &Digest) -> Option<&[u8]> {
        self.documents.get(digest).map(Vec::as_slice)
    }

    /// Opens a blob to stream it. For threads that may block.
    ///
    /// # Errors
    /// [`RemoteError::Registry`].
    pub fn open_blob(&self, digest: &Digest, size: u64) -> Result<BlobReader, RemoteError> {
        let stream = self.runtime.block_on(self.registry.pull_blob(digest, size))?;
        Ok(stream.into_reader(self.runtime.clone()))
    }
}

fn place_of(registry: &Registry, digest: &Digest) -> PathBuf {
    PathBuf::from(format!("{}@{digest}", registry.repository()))
}

impl Blobs for RemoteImage {
    fn place(&self, digest: &Digest) -> PathBuf {
        place_of(&self.registry, digest)
    }

    /// A layer has the size that its descriptor states, or its stream ends with an error.
    fn size(&self, descriptor: &Descriptor) -> Result<Option<u64>, LayoutError> {
        let fetched = self.documents.get(&descriptor.digest);
        Ok(Some(fetched.map_or(descriptor.size, |bytes| bytes.len() as u64)))
    }

    fn document(&self, digest: &Digest, _limit: u64) -> Result<Vec<u8>, LayoutError> {
        self.documents.get(digest).cloned().ok_or_else(|| LayoutError::BlobMissing {
            digest: *digest,
            path: self.place(digest),
        })
    }
}
