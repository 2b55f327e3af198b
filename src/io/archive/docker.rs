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

/// Where the documents and layers of a saved image are: a file, or what has come of a stream.
pub(super) trait Place {
    /// The archive's name, for errors.
    fn path(&self) -> &Path;

    /// A document of at most `limit` bytes; none where there is no such member.
    fn document(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, ArchiveError>;

    /// What is known of the layer that a member is.
    fn layer(&self, member: &str, diff_id: &Digest, created_by: Option<String>) -> Result<Layer, ArchiveError>;
}

/// An image with what it was read from.
pub(super) struct Assembled {
    pub(super) image: PlatformImage,
    pub(super) config: Vec<u8>,
    pub(super) tag: Option<String>,
    pub(super) members: HashMap<Digest, String>,
}

/// Puts the only image of an archive together from its documents.
pub(super) fn assemble(place: &dyn Place, limits: &Limits) -> Result<Assembled, ArchiveError> {
    let saved = saved(place, limits)?;
    let config_path = place.path().join(&saved.config);
    let config = place.document(&saved.config, limits.manifest)?;
    let config = config.ok_or_else(|| missing(place.path(), &saved.config))?;
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
        let layer = place.layer(member, diff_id, created_by.clone())?;
        members.insert(layer.digest, member.clone());
        layers.push(layer);
    }
    let id = sha256(&config);
    Ok(Assembled {
        image: PlatformImage {
            platform: Platform {
                os: or_else(parsed.os, "linux"),
                architecture: or_else(parsed.architecture, "unknown"),
                variant: parsed.variant,
            },
            manifest: manifest_of(place, &id, limits).unwrap_or(id),
            config: parsed.config,
            layers,
        },
        config,
        tag: saved.repo_tags.and_then(|tags| tags.into_iter().next()),
        members,
    })
}

pub(super) fn missing(archive: &Path, member: &str) -> ArchiveError {
    ArchiveError::Missing {
        path: archive.to_owned(),
        member: member.to_owned(),
    }
}

impl Place for Archive {
    fn path(&self) -> &Path {
        Self::path(self)
    }

    fn document(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, ArchiveError> {
        self.has(name).then(|| self.read(name, limit)).transpose()
    }

    fn layer(&self, member: &str, diff_id: &Digest, created_by: Option<String>) -> Result<Layer, ArchiveError> {
        layer(self, member, diff_id, created_by)
    }
}

impl DockerImage {
    /// Reads the documents of the only image in an archive.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn open(path: &Path, limits: &Limits) -> Result<Self, ArchiveError> {
        let archive = Archive::open(path, limits)?;
        let assembled = assemble(&archive, limits)?;
        Ok(Self {
            archive,
            image: assembled.image,
            config: assembled.config,
            tag: assembled.tag,
            members: assembled.members,
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

fn saved(place: &dyn Place, limits: &Limits) -> Result<Saved, ArchiveError> {
    let bytes = place.document("manifest.json", limits.manifest)?;
    let bytes = bytes.ok_or_else(|| ArchiveError::WrongKind {
        path: place.path().to_owned(),
        kind: "docker save archive",
        reason: "it has no `manifest.json`".to_owned(),
    })?;
    let mut images: Vec<Saved> = serde_json::from_slice(&bytes).map_err(|error| LayoutError::Inconsistent {
        path: place.path().join("manifest.json"),
        reason: format!("is no list of saved images: {error}"),
    })?;
    match (images.len(), images.pop()) {
        (1, Some(only)) => Ok(only),
        (count, _) => Err(ArchiveError::Several {
            path: place.path().to_owned(),
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
    let digest = match (blob_name(member), compression) {
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

/// The digest that a member's name in an OCI layout is.
#[must_use]
pub fn blob_name(member: &str) -> Option<Digest> {
    let hex = member.strip_prefix("blobs/sha256/")?;
    Digest::parse(&format!("sha256:{hex}")).ok()
}

/// The digest of the OCI manifest of the same configuration, in archives that are OCI layouts too.
fn manifest_of(place: &dyn Place, config: &Digest, limits: &Limits) -> Option<Digest> {
    let bytes = place.document("index.json", limits.manifest).ok()??;
    let index = Index::parse(&place.path().join("index.json"), &bytes).ok()?;
    let names_it = |digest: &Digest| {
        let name = format!("blobs/sha256/{}", digest.hex());
        let bytes = place.document(&name, limits.manifest).ok()??;
        let manifest = Manifest::parse(&place.path().join(&name), &bytes).ok()?;
        (manifest.config.digest == *config).then_some(())
    };
    index.manifests.iter().map(|d| d.digest).find(|digest| names_it(digest).is_some())
}
