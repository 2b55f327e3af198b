//! What `docker save` writes: `manifest.json`, a configuration, layers. Old archives name layers by folders, new ones by digest.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::{Archive, ArchiveError, Section};
use crate::io::files::FileError;
use crate::io::hash::{Hashing, sha256};
use crate::io::layers::sniff;
use crate::io::limits::Limits;
use crate::io::oci_layout::{Config, Index, LayoutError, Manifest};
use crate::model::digest::Digest;
use crate::model::image::{Compression, Layer, Platform, PlatformImage};

/// An image in a `docker save` archive.
#[derive(Debug, Clone)]
pub struct DockerImage {
    archive: Archive,
    /// The image. Its `manifest` is the digest of the OCI manifest where the archive has one, else Docker's image id, which is the digest
    /// of the configuration.
    pub image: PlatformImage,
    /// The configuration as it is in the archive.
    pub config: Vec<u8>,
    /// The first tag that it was saved under.
    pub tag: Option<String>,
    members: HashMap<Digest, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

impl DockerImage {
    /// Reads the documents of the only image in an archive.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn open(path: &Path, limits: &Limits) -> Result<Self, ArchiveError> {
        let archive = Archive::open(path, limits)?;
        let saved = saved(&archive, limits)?;
        let config_path = path.join(&saved.config);
        let config = archive.read(&saved.config, limits.manifest)?;
        let parsed = Config::parse(&config_path, &config)?;
        let inconsistent = |reason: String| LayoutError::Inconsistent {
            path: config_path.clone(),
            reason,
        };
        if saved.layers.len() > limits.layers {
            return Err(inconsistent(format!("has {} layers, more than {}", saved.layers.len(), limits.layers)).into());
        }
        if parsed.diff_ids.len() != saved.layers.len() {
            let reason = format!(
                "names {} layers where manifest.json has {}",
                parsed.diff_ids.len(),
                saved.layers.len()
            );
            return Err(inconsistent(reason).into());
        }
        let mut members = HashMap::new();
        let mut layers = Vec::new();
        for ((member, diff_id), created_by) in saved.layers.iter().zip(&parsed.diff_ids).zip(&parsed.created_by) {
            let layer = layer(&archive, member, diff_id, created_by.clone())?;
            members.insert(layer.digest, member.clone());
            layers.push(layer);
        }
        let id = sha256(&config);
        let image = PlatformImage {
            platform: Platform {
                os: or_else(parsed.os, "linux"),
                architecture: or_else(parsed.architecture, "unknown"),
                variant: parsed.variant,
            },
            manifest: manifest_of(&archive, &id, limits).unwrap_or(id),
            config: parsed.config,
            layers,
        };
        Ok(Self {
            archive,
            image,
            config,
            tag: saved.repo_tags.and_then(|tags| tags.into_iter().next()),
            members,
        })
    }

    /// A layer as a stream. Whoever reads it verifies it.
    ///
    /// # Errors
    /// [`ArchiveError::Missing`].
    pub fn open_layer(&self, layer: &Layer) -> Result<Section, ArchiveError> {
        let member = self.members.get(&layer.digest);
        let member = member.ok_or_else(|| self.archive.missing(&layer.digest.to_string()))?;
        self.archive.open_member(member)
    }
}

fn or_else(word: String, instead: &str) -> String {
    if word.is_empty() { instead.to_owned() } else { word }
}

fn saved(archive: &Archive, limits: &Limits) -> Result<Saved, ArchiveError> {
    if !archive.has("manifest.json") {
        return Err(ArchiveError::WrongKind {
            path: archive.path().to_owned(),
            kind: "docker save archive",
            reason: "it has no `manifest.json`".to_owned(),
        });
    }
    let bytes = archive.read("manifest.json", limits.manifest)?;
    let mut images: Vec<Saved> = serde_json::from_slice(&bytes).map_err(|error| LayoutError::Inconsistent {
        path: archive.path().join("manifest.json"),
        reason: format!("is no list of saved images: {error}"),
    })?;
    match (images.len(), images.pop()) {
        (1, Some(only)) => Ok(only),
        (count, _) => Err(ArchiveError::Several {
            path: archive.path().to_owned(),
            count,
        }),
    }
}

/// A layer's digest is its member's name where that is one; a plain tar has its diff id; anything else must be computed.
fn layer(archive: &Archive, member: &str, diff_id: &Digest, created_by: Option<String>) -> Result<Layer, ArchiveError> {
    let size = archive.size(member).ok_or_else(|| archive.missing(member))?;
    let failed = |source| FileError::Read {
        path: archive.path().join(member),
        source,
    };
    let mut start = Vec::new();
    archive.open_member(member)?.take(6).read_to_end(&mut start).map_err(failed)?;
    let compression = sniff(&start);
    let named = member
        .strip_prefix("blobs/sha256/")
        .and_then(|hex| Digest::parse(&format!("sha256:{hex}")).ok());
    let digest = match (named, compression) {
        (Some(digest), _) => digest,
        (None, Compression::None) => *diff_id,
        (None, _) => {
            let mut blob = Hashing::new(archive.open_member(member)?);
            std::io::copy(&mut blob, &mut std::io::sink()).map_err(failed)?;
            blob.finish().1
        }
    };
    Ok(Layer {
        digest,
        diff_id: *diff_id,
        size,
        compression,
        created_by,
    })
}

/// The digest of the OCI manifest of the same configuration, in archives that are OCI layouts too.
fn manifest_of(archive: &Archive, config: &Digest, limits: &Limits) -> Option<Digest> {
    let bytes = archive.read("index.json", limits.manifest).ok()?;
    let index = Index::parse(&archive.path().join("index.json"), &bytes).ok()?;
    let names_it = |digest: &Digest| {
        let name = format!("blobs/sha256/{}", digest.hex());
        let bytes = archive.read(&name, limits.manifest).ok()?;
        let manifest = Manifest::parse(&archive.path().join(&name), &bytes).ok()?;
        (manifest.config.digest == *config).then_some(())
    };
    index.manifests.iter().map(|d| d.digest).find(|digest| names_it(digest).is_some())
}
