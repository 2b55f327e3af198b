//! Where images come from: OCI layouts, archives, registries, container engines, folders.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use super::engine::ImageInventory;
use super::engine::{self, Blobs, LayerCache};
use super::streamed;
use crate::io::Effects;
use crate::io::archive::{DockerImage, Engine, OciImage};
use crate::io::oci_layout::OciLayout;
use crate::io::registry::RemoteImage;
use crate::model::digest::Digest;
use crate::model::image::{BuiltImage, Layer};
use crate::model::image_ref::ImageRef;
use crate::model::inventory::{Inventory, Subject};
use crate::stage::inventory::error::InventoryError;
use crate::stage::inventory::source_tree;

impl Blobs for OciLayout {
    fn open(&self, layer: &Layer) -> Result<Box<dyn Read + Send + '_>, InventoryError> {
        Ok(Box::new(self.open_blob(&layer.digest)?))
    }
}

impl Blobs for OciImage {
    fn open(&self, layer: &Layer) -> Result<Box<dyn Read + Send + '_>, InventoryError> {
        Ok(Box::new(self.open_blob(&layer.digest)?))
    }
}

impl Blobs for DockerImage {
    fn open(&self, layer: &Layer) -> Result<Box<dyn Read + Send + '_>, InventoryError> {
        Ok(Box::new(self.open_layer(layer)?))
    }
}

/// Inventories an image in the gate's own layout.
pub(in crate::stage::inventory) fn built(
    image: &BuiltImage,
    subject: Subject,
    effects: &Effects,
    memory: LayerCache,
) -> Result<ImageInventory, InventoryError> {
    let layout = OciLayout::open(&image.layout)?;
    engine::image_inventory(&image.platforms, &layout, subject, effects, memory, HashMap::new())
}

impl Blobs for RemoteImage {
    fn open(&self, layer: &Layer) -> Result<Box<dyn Read + Send + '_>, InventoryError> {
        Ok(Box::new(self.open_blob(&layer.digest, layer.size)?))
    }
}

/// Inventories an image where it is.
pub(in crate::stage::inventory) async fn of_reference(reference: &ImageRef, effects: &Effects) -> Result<Inventory, InventoryError> {
    let remote = match reference {
        ImageRef::Registry { repository, digest } => Some(RemoteImage::open(repository, digest, effects).await?),
        _ => None,
    };
    let (reference, effects) = (reference.clone(), effects.clone());
    let work = tokio::task::spawn_blocking(move || match remote {
        Some(remote) => {
            let subject = Subject {
                name: reference
                    .to_string()
                    .trim_start_matches("registry:")
                    .split('@')
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
                digest: Some(remote.descriptor.digest),
                commit: None,
            };
            engine::inventory(&remote.platforms, &remote, subject, &effects, LayerCache::Cached)
        }
        None => on_disk(&reference, &effects),
    });
    work.await.unwrap_or(Err(InventoryError::Interrupted))
}

fn on_disk(reference: &ImageRef, effects: &Effects) -> Result<Inventory, InventoryError> {
    match reference {
        ImageRef::OciLayout { dir, tag, digest } => {
            let layout = OciLayout::open(dir)?;
            let descriptor = match digest {
                Some(digest) => layout.find_digest(digest, &effects.limits)?,
                None => layout.find(tag.as_deref())?,
            };
            let platforms = layout.platforms(&descriptor, &effects.limits)?;
            engine::inventory(&platforms, &layout, named(dir, descriptor.digest), effects, LayerCache::Cached)
        }
        ImageRef::OciArchive(file) => {
            let image = OciImage::open(file, &effects.limits)?;
            let subject = named(file, image.descriptor.digest);
            engine::inventory(&image.platforms, &image, subject, effects, LayerCache::Cached)
        }
        ImageRef::DockerArchive(file) => {
            let image = DockerImage::open(file, &effects.limits)?;
            let subject = named(file, image.image.manifest);
            engine::inventory(std::slice::from_ref(&image.image), &image, subject, effects, LayerCache::Cached)
        }
        ImageRef::RootFs(dir) => source_tree::rootfs(dir, effects),
        ImageRef::DockerDaemon(name) => streamed::inventory(Engine::Docker, name, effects),
        ImageRef::ContainersStorage(name) => streamed::inventory(Engine::ContainersStorage, name, effects),
        other @ ImageRef::Registry { .. } => Err(InventoryError::Unsupported {
            reference: other.to_string(),
        }),
    }
}

fn named(path: &Path, digest: Digest) -> Subject {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    Subject {
        name: whole.file_name().unwrap_or(whole.as_os_str()).to_string_lossy().into_owned(),
        digest: Some(digest),
        commit: None,
    }
}
