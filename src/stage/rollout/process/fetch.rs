//! The image of this machine's platform, from where it is into a layout on the disk.

use std::io::Write;
use std::path::Path;

use super::super::error::RolloutError;
use crate::io::Effects;
use crate::io::files::FileError;
use crate::io::oci_layout::{Index, Manifest, OciLayout};
use crate::io::registry::{Access, Options, RawManifest, Registry};
use crate::model::digest::Digest;
use crate::model::image::{Descriptor, DescriptorPlatform, PlatformImage, media_type};

/// This machine's processor, in Go's words.
const HERE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };

/// The image for this machine under a manifest or an index of a layout.
pub(super) fn for_this_machine(layout: &OciLayout, digest: &Digest, effects: &Effects) -> Result<PlatformImage, RolloutError> {
    let descriptor = layout.find_digest(digest, &effects.limits)?;
    let images = layout.platforms(&descriptor, &effects.limits)?;
    let offered: Vec<String> = images.iter().map(|image| image.platform.to_string()).collect();
    images
        .into_iter()
        .find(|image| image.platform.os == "linux" && image.platform.architecture == HERE)
        .ok_or_else(|| not_for_here(digest, &offered))
}

fn not_for_here(digest: &Digest, offered: &[String]) -> RolloutError {
    RolloutError::EntryPoint {
        digest: *digest,
        reason: format!("this machine is linux/{HERE}, and the image is for {}", offered.join(", ")),
    }
}

/// Pulls what this machine needs of an image into a layout in a folder; gives the digest of its manifest. Blobs are verified on their way.
pub(super) async fn pull(repository: &str, digest: &Digest, folder: &Path, effects: &Effects) -> Result<(OciLayout, Digest), RolloutError> {
    let registry = Registry::open(repository, Options::new(Access::Read, false), effects)?;
    let layout = OciLayout::create(folder)?;
    let mut raw = registry.manifest(digest).await?;
    if matches!(raw.media_type.as_str(), media_type::OCI_INDEX | media_type::DOCKER_INDEX) {
        let index = Index::parse(&layout.blob_path(digest), &raw.bytes)?;
        let offered: Vec<String> = index.manifests.iter().filter_map(|d| d.platform.as_ref()).map(shown).collect();
        let chosen = index
            .manifests
            .iter()
            .find(|listed| is_for_here(listed))
            .map(|listed| listed.digest);
        raw = registry.manifest(&chosen.ok_or_else(|| not_for_here(digest, &offered))?).await?;
    }
    keep(&registry, &layout, &raw).await?;
    Ok((layout, raw.digest))
}

async fn keep(registry: &Registry, layout: &OciLayout, raw: &RawManifest) -> Result<(), RolloutError> {
    let manifest = Manifest::parse(&layout.blob_path(&raw.digest), &raw.bytes)?;
    layout.write_blob(&raw.bytes)?;
    for blob in std::iter::once(&manifest.config).chain(&manifest.layers) {
        if layout.has_blob(&blob.digest) {
            continue;
        }
        let mut stream = registry.pull_blob(&blob.digest, blob.size).await?;
        let mut writer = layout.blob_writer()?;
        while let Some(chunk) = stream.next().await? {
            writer.write_all(&chunk).map_err(|source| FileError::Write {
                path: layout.blob_path(&blob.digest),
                source,
            })?;
        }
        writer.finish()?;
    }
    let listed = Descriptor::new(&raw.media_type, raw.digest, raw.bytes.len() as u64);
    Ok(layout.put(&listed, None)?)
}

fn is_for_here(listed: &Descriptor) -> bool {
    listed
        .platform
        .as_ref()
        .is_some_and(|platform| platform.os == "linux" && platform.architecture == HERE)
}

fn shown(platform: &DescriptorPlatform) -> String {
    format!("{}/{}", platform.os, platform.architecture)
}
