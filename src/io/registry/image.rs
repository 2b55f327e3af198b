//! A whole image from a registry into a layout.

use std::collections::BTreeSet;
use std::io::Write;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Access, OnBytes, Options, Registry, RegistryError};
use crate::io::Effects;
use crate::io::files::FileError;
use crate::io::oci_layout::{Index, LayoutError, Manifest, OciLayout};
use crate::model::digest::Digest;
use crate::model::image::{Descriptor, media_type};

/// Blobs that are fetched at the same time.
const PARALLEL: usize = 4;

/// Indexes within indexes: more than anybody nests.
const MAX_DEPTH: usize = 3;

/// Brings an image into a layout, for code that is not async; it may be called on any thread. The image is not listed in the
/// layout's `index.json`: the caller does that with the descriptor.
///
/// # Errors
/// [`RegistryError`]; blobs that were fetched whole stay in the layout.
pub fn fetch_image(
    repository: &str,
    digest: &Digest,
    plain_http: bool,
    layout: &OciLayout,
    on_bytes: &OnBytes,
    effects: &Effects,
) -> Result<Descriptor, RegistryError> {
    let fetch = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| FileError::Read {
            path: layout.dir().to_owned(),
            source,
        })?;
        let registry = Registry::open(repository, Options::new(Access::Read, plain_http), effects)?;
        runtime.block_on(registry.pull_image(digest, layout, on_bytes))
    };
    // A thread of its own: the caller's may belong to a runtime, which must not wait inside itself.
    std::thread::scope(|scope| match scope.spawn(fetch).join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

impl Registry {
    /// Brings an image into a layout: manifests first, then the blobs that are not there, each verified on its way. The manifests
    /// are written last, so that a layout never has one whose blobs are missing.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn pull_image(&self, digest: &Digest, layout: &OciLayout, on_bytes: &OnBytes) -> Result<Descriptor, RegistryError> {
        let mut documents = Vec::new();
        let mut blobs = Vec::new();
        let mut seen = BTreeSet::new();
        let mut waiting = vec![(*digest, 0)];
        while let Some((next, depth)) = waiting.pop() {
            if !seen.insert(next) {
                continue;
            }
            let manifest = self.manifest(&next).await?;
            let path = layout.blob_path(&next);
            match manifest.media_type.as_str() {
                media_type::OCI_INDEX | media_type::DOCKER_INDEX => {
                    let index = Index::parse(&path, &manifest.bytes)?;
                    if depth == MAX_DEPTH || index.manifests.len() > 4 * self.inner.limits.platforms {
                        let reason = "lists too many images, or lists within lists".to_owned();
                        return Err(LayoutError::Inconsistent { path, reason }.into());
                    }
                    waiting.extend(index.manifests.iter().map(|inner| (inner.digest, depth + 1)));
                }
                _ => {
                    let parsed = Manifest::parse(&path, &manifest.bytes)?;
                    let named = std::iter::once(parsed.config).chain(parsed.layers);
                    blobs.extend(named.filter(|blob| seen.insert(blob.digest)));
                }
            }
            documents.push(manifest);
        }
        stream::iter(blobs)
            .map(|blob| async move { self.pull_into(&blob, layout, on_bytes).await })
            .buffer_unordered(PARALLEL)
            .try_collect::<()>()
            .await?;
        for document in &documents {
            layout.write_blob(&document.bytes)?;
        }
        let root = &documents[0];
        Ok(Descriptor {
            media_type: root.media_type.clone(),
            digest: root.digest,
            size: root.bytes.len() as u64,
            platform: None,
            artifact_type: None,
            annotations: std::collections::BTreeMap::new(),
        })
    }

    async fn pull_into(&self, blob: &Descriptor, layout: &OciLayout, on_bytes: &OnBytes) -> Result<(), RegistryError> {
        // Under its name it was verified when it was written; whoever reads it verifies it once more.
        if layout.blob_path(&blob.digest).metadata().is_ok_and(|file| file.len() == blob.size) {
            return Ok(());
        }
        let mut stream = self.pull_blob(&blob.digest, blob.size).await?;
        let mut writer = layout.blob_writer()?;
        while let Some(chunk) = stream.next().await? {
            write(&mut writer, &chunk, layout, blob)?;
            on_bytes(chunk.len() as u64);
        }
        // The stream ended well: these are the right bytes, and only now they get their name.
        writer.finish()?;
        Ok(())
    }
}

fn write(writer: &mut impl Write, chunk: &Bytes, layout: &OciLayout, blob: &Descriptor) -> Result<(), FileError> {
    writer.write_all(chunk).map_err(|source| FileError::Write {
        path: layout.blob_path(&blob.digest),
        source,
    })
}
