//! A registry as a destination: blobs in parallel, manifests after them, everything looked at again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::PublishError;
use super::artifact::{Artifact, EMPTY};
use super::graph::{Graph, RawDocument};
use crate::io::Effects;
use crate::io::files::FileError;
use crate::io::hash::sha256;
use crate::io::oci_layout::OciLayout;
use crate::io::registry::{Content, OnBytes, Pushed, Registry};
use crate::model::digest::Digest;
use crate::model::event::{Event, Stage, Unit};
use crate::model::image::Descriptor;

/// Blobs that are sent at the same time.
const PARALLEL: usize = 4;

/// Sends the blobs that are not there, and looks at each that was sent. Gives the bytes of those.
pub(super) async fn push(registry: &Registry, source: &OciLayout, graph: &Graph, effects: &Effects) -> Result<u64, PublishError> {
    let sent: Vec<(&Descriptor, Pushed)> = stream::iter(&graph.blobs)
        .map(|blob| async move {
            let path = source.blob_path(&blob.digest);
            if !path.is_file() {
                let source = std::io::ErrorKind::NotFound.into();
                return Err(PublishError::File(FileError::Read { path, source }));
            }
            let watch = progress(blob, effects);
            let pushed = registry
                .push_blob(&blob.digest, blob.size, &Content::File(path), registry.source(), &watch)
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

/// Stores the manifests by digest, the image's own last, and reads them back.
pub(super) async fn put(registry: &Registry, graph: &Graph) -> Result<(), PublishError> {
    for document in &graph.documents {
        put_one(registry, &document.digest.to_string(), document).await?;
    }
    for document in &graph.documents {
        let kept = registry.manifest(&document.digest).await?;
        if kept.bytes != document.bytes {
            return Err(not_kept(registry, document));
        }
    }
    Ok(())
}

/// Stores the image's own manifest under a tag, and gives what the tag names where somebody was quicker.
pub(super) async fn put_tag(registry: &Registry, graph: &Graph, tag: &str) -> Result<Option<Digest>, PublishError> {
    let Some(root) = graph.documents.last() else { return Ok(None) };
    Ok(registry.put_new_tag(tag, &root.media_type, &root.bytes).await?)
}

async fn put_one(registry: &Registry, reference: &str, document: &RawDocument) -> Result<(), PublishError> {
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

/// Stores artifacts. Gives those of which the registry does not say that it lists them itself.
pub(super) async fn attach(registry: &Registry, artifacts: &[Artifact]) -> Result<Vec<Descriptor>, PublishError> {
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
    Ok(unlisted)
}

/// Lists artifacts under the fallback tag. At once, as the tags of some registries never move.
pub(super) async fn list(registry: &Registry, unlisted: &[Descriptor], subject: &Digest) -> Result<(), PublishError> {
    if !unlisted.is_empty() {
        let known = registry.referrers_by_tag(subject).await?;
        registry.list_by_tag(subject, &known, unlisted).await?;
    }
    Ok(())
}
