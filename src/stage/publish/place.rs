//! Where images are published and found: a registry, or an OCI layout that does as one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::artifact::{Artifact, EMPTY};
use super::graph::{Graph, RawDocument};
use super::{PublishError, layout};
use crate::io::Effects;
use crate::io::files::FileError;
use crate::io::hash::sha256;
use crate::io::oci_layout::OciLayout;
use crate::io::registry::{Access, Content, OnBytes, Options, Pushed, Registry};
use crate::model::digest::Digest;
use crate::model::event::{Event, Stage, Unit};
use crate::model::image::Descriptor;
use crate::model::image_ref::ImageRef;
use crate::model::plan::Destination;

/// Blobs that are sent at the same time.
const PARALLEL: usize = 4;

/// A registry's repository, or a layout.
pub(super) enum Place {
    Registry(Registry),
    Layout(OciLayout),
}

impl Place {
    /// Opens the destination of a publication. A layout that is not there is made, unless it is for looking only.
    pub(super) fn of_destination(destination: &Destination, dry_run: bool, effects: &Effects) -> Result<Option<Self>, PublishError> {
        Ok(Some(match destination {
            Destination::OciLayout(dir) if dry_run && !dir.exists() => return Ok(None),
            Destination::OciLayout(dir) if dry_run => Self::Layout(OciLayout::open(dir)?),
            Destination::OciLayout(dir) => Self::Layout(OciLayout::create(dir)?),
            Destination::Registry { repository, plain_http } => {
                let access = if dry_run { Access::Read } else { Access::Write };
                Self::Registry(Registry::open(repository, Options::new(access, *plain_http), effects)?)
            }
        }))
    }

    /// Opens the place of an image that is to be verified, and says which digest is meant.
    pub(super) fn of_image(image: &ImageRef, plain_http: bool, effects: &Effects) -> Result<(Self, Digest), PublishError> {
        match image {
            ImageRef::Registry { repository, digest } => {
                let registry = Registry::open(repository, Options::new(Access::Read, plain_http), effects)?;
                Ok((Self::Registry(registry), *digest))
            }
            ImageRef::OciLayout { dir, tag, digest } => {
                let layout = OciLayout::open(dir)?;
                let digest = match digest {
                    Some(digest) => *digest,
                    None => layout.find(tag.as_deref())?.digest,
                };
                Ok((Self::Layout(layout), digest))
            }
            other => Err(PublishError::NoAttestationsThere { image: other.to_string() }),
        }
    }

    /// For people: `ghcr.io/acme/payments`, `oci:DIR`.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Registry(registry) => registry.repository().to_string(),
            Self::Layout(layout) => format!("oci:{}", layout.dir().display()),
        }
    }

    /// The repository's name, where it is one.
    pub(super) fn repository(&self) -> Option<String> {
        match self {
            Self::Registry(registry) => Some(registry.repository().to_string()),
            Self::Layout(_) => None,
        }
    }

    /// An image here, by digest.
    pub(super) fn image(&self, digest: &Digest) -> ImageRef {
        match self {
            Self::Registry(registry) => ImageRef::Registry {
                repository: registry.repository().to_string(),
                digest: *digest,
            },
            Self::Layout(layout) => ImageRef::OciLayout {
                dir: layout.dir().to_owned(),
                tag: None,
                digest: Some(*digest),
            },
        }
    }

    /// What a tag names.
    pub(super) async fn tag(&self, tag: &str) -> Result<Option<Digest>, PublishError> {
        match self {
            Self::Registry(registry) => Ok(registry.tag(tag).await?),
            Self::Layout(layout) => layout::tag(layout, tag),
        }
    }

    /// Brings an image here, manifests last, and reads all of it back. Gives the bytes of blobs that were sent.
    pub(super) async fn push(&self, source: &OciLayout, graph: &Graph, effects: &Effects) -> Result<u64, PublishError> {
        match self {
            Self::Layout(target) => layout::copy(source, target, graph, effects),
            Self::Registry(registry) => push_blobs(registry, source, graph, effects).await,
        }
    }

    /// Writes the image's manifests, and the tags that are free, then looks at each again.
    pub(super) async fn put(&self, graph: &Graph, root: &Descriptor, tags: &[String]) -> Result<(), PublishError> {
        match self {
            Self::Layout(target) => layout::put(target, graph, root, tags),
            Self::Registry(registry) => put_manifests(registry, graph, tags).await,
        }
    }

    /// What refers to a digest. Nothing of it is verified.
    pub(super) async fn referrers(&self, digest: &Digest, effects: &Effects) -> Result<Vec<Descriptor>, PublishError> {
        match self {
            Self::Registry(registry) => Ok(registry.referrers(digest).await?.list),
            Self::Layout(layout) => layout::referrers(layout, digest, &effects.limits),
        }
    }

    /// A manifest's bytes, verified.
    pub(super) async fn manifest(&self, digest: &Digest, effects: &Effects) -> Result<Bytes, PublishError> {
        match self {
            Self::Registry(registry) => Ok(registry.manifest(digest).await?.bytes),
            Self::Layout(layout) => Ok(layout.read_blob(digest, effects.limits.manifest)?.into()),
        }
    }

    /// A small blob, verified.
    pub(super) async fn blob(&self, blob: &Descriptor, limit: u64) -> Result<Vec<u8>, PublishError> {
        match self {
            Self::Registry(registry) => Ok(registry.blob(&blob.digest, blob.size, limit).await?),
            Self::Layout(layout) => Ok(layout.read_blob(&blob.digest, limit)?),
        }
    }

    /// Attaches artifacts to an image.
    pub(super) async fn attach(&self, artifacts: &[Artifact], subject: &Digest) -> Result<(), PublishError> {
        match self {
            Self::Layout(target) => layout::attach(target, artifacts, subject),
            Self::Registry(registry) => attach(registry, artifacts, subject).await,
        }
    }
}

async fn push_blobs(registry: &Registry, source: &OciLayout, graph: &Graph, effects: &Effects) -> Result<u64, PublishError> {
    let sent: Vec<(&Descriptor, Pushed)> = stream::iter(&graph.blobs)
        .map(|blob| async move {
            let path = source.blob_path(&blob.digest);
            if !path.is_file() {
                let source = std::io::ErrorKind::NotFound.into();
                return Err(PublishError::File(FileError::Read { path, source }));
            }
            let watch = progress(blob, effects);
            let pushed = registry
                .push_blob(&blob.digest, blob.size, &Content::File(path), None, &watch)
                .await?;
            Ok((blob, pushed))
        })
        .buffer_unordered(PARALLEL)
        .try_collect()
        .await?;
    // What was there was just seen; what was sent is looked at once more.
    let new: Vec<&Descriptor> = sent.iter().filter(|(_, p)| *p != Pushed::Present).map(|(blob, _)| *blob).collect();
    stream::iter(new)
        .map(|blob| async move {
            match registry.blob_size(&blob.digest).await? {
                Some(size) if size == blob.size => Ok(()),
                found => Err(PublishError::NotKept {
                    what: format!("blob {}", blob.digest),
                    place: registry.repository().to_string(),
                    found: found.map_or_else(|| "nothing".to_owned(), |size| format!("{size} bytes instead of {}", blob.size)),
                }),
            }
        })
        .buffer_unordered(PARALLEL)
        .try_collect::<()>()
        .await?;
    Ok(sent
        .iter()
        .filter(|(_, pushed)| *pushed == Pushed::Sent)
        .map(|(blob, _)| blob.size)
        .sum())
}

fn progress(blob: &Descriptor, effects: &Effects) -> OnBytes {
    let (observer, task, total) = (Arc::clone(&effects.observer), blob.digest.short(), blob.size);
    let done = AtomicU64::new(0);
    Arc::new(move |bytes| {
        let done = done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        observer.on_event(&Event::Progress {
            stage: Stage::Publish,
            task: task.clone(),
            done: done.min(total),
            total: Some(total),
            unit: Unit::Bytes,
        });
    })
}

async fn put_manifests(registry: &Registry, graph: &Graph, tags: &[String]) -> Result<(), PublishError> {
    let Some((root, inner)) = graph.documents.split_last() else {
        return Ok(());
    };
    for document in inner {
        put(registry, &document.digest.to_string(), document).await?;
    }
    let by_digest = [root.digest.to_string()];
    for reference in if tags.is_empty() { by_digest.as_slice() } else { tags } {
        put(registry, reference, root).await?;
    }
    for document in &graph.documents {
        let kept = registry.manifest(&document.digest).await?;
        if kept.bytes != document.bytes {
            return Err(not_kept(registry, document));
        }
    }
    // Somebody may have taken a tag in the same moment; registries have no way to prevent it, so it is at least seen.
    for tag in tags {
        super::sha_tag::state(tag, &root.digest, registry.tag(tag).await?, &registry.repository().to_string())?;
    }
    Ok(())
}

async fn put(registry: &Registry, reference: &str, document: &RawDocument) -> Result<(), PublishError> {
    registry.put_manifest(reference, &document.media_type, &document.bytes).await?;
    Ok(())
}

fn not_kept(registry: &Registry, document: &RawDocument) -> PublishError {
    PublishError::NotKept {
        what: format!("manifest {}", document.digest),
        place: registry.repository().to_string(),
        found: "other bytes".to_owned(),
    }
}

async fn attach(registry: &Registry, artifacts: &[Artifact], subject: &Digest) -> Result<(), PublishError> {
    let quiet: OnBytes = Arc::new(|_| {});
    let empty = Content::Bytes(Bytes::from_static(EMPTY));
    if !artifacts.is_empty() {
        registry.push_blob(&sha256(EMPTY), EMPTY.len() as u64, &empty, None, &quiet).await?;
    }
    let mut unlisted = Vec::new();
    for artifact in artifacts {
        let (bundle, size) = (Content::Bytes(artifact.bundle.clone()), artifact.bundle.len() as u64);
        registry.push_blob(&sha256(&artifact.bundle), size, &bundle, None, &quiet).await?;
        let digest = artifact.descriptor.digest.to_string();
        let stored = registry
            .put_manifest(&digest, &artifact.descriptor.media_type, &artifact.manifest)
            .await?;
        if !stored.subject_noted {
            unlisted.push(artifact.descriptor.clone());
        }
    }
    if !unlisted.is_empty() {
        let known = registry.referrers_by_tag(subject).await?;
        registry.list_by_tag(subject, &known, &unlisted).await?;
    }
    Ok(())
}
