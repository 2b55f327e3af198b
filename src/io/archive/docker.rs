//! What `docker save` writes: `manifest.json`, a configuration, layers. Old archives name layers by folders, new ones by digest.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Archive, ArchiveError, Section};
use crate::io::files::FileError;
use crate::io::hash::{Hashing, sha256};
use crate::io::layers::sniff;
use crate::io::limits::Limits;
use crate::io::oci::{self, shape};
use crate::io::oci_layout::{Blobs, Config, Index, LayoutError, manifests};
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::model::image::{Compression, Descriptor, Layer, Platform, PlatformImage};

/// The member that lists the images.
const SAVED: &str = "manifest.json";

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

    /// A document's size in bytes; `None` if there is no such member.
    fn size(&self, name: &str) -> Option<u64>;

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
            manifest: agreed_manifest(place, &id, &layers, limits)?.unwrap_or(id),
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

    fn size(&self, name: &str) -> Option<u64> {
        Self::size(self, name)
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
    let mut images = list(place, limits)?.ok_or_else(|| ArchiveError::WrongKind {
        path: place.path().to_owned(),
        kind: "docker save archive",
        reason: "it has no `manifest.json`".to_owned(),
    })?;
    match (images.len(), images.pop()) {
        (1, Some(only)) => Ok(only),
        (count, _) => Err(ArchiveError::Several {
            path: place.path().to_owned(),
            count,
        }),
    }
}

/// The images of `manifest.json`; `None` if the archive has no such member.
fn list(place: &dyn Place, limits: &Limits) -> Result<Option<Vec<Saved>>, ArchiveError> {
    let Some(bytes) = place.document(SAVED, limits.manifest)? else {
        return Ok(None);
    };
    let images = oci::decode(&bytes, &shape::SAVED);
    Ok(Some(images.map_err(|refused| {
        LayoutError::document(&place.path().join(SAVED), "list of saved images", refused)
    })?))
}

/// What `manifest.json` names, where an OCI archive has one too: each image's configuration and layers by digest.
pub(super) fn named(archive: &Archive, limits: &Limits) -> Result<Vec<(Digest, Vec<Digest>)>, ArchiveError> {
    let images = list(archive, limits)?.unwrap_or_default();
    let of_layer = |member: &String| match blob_name(member) {
        Some(digest) => Ok(digest),
        None => hashed(archive, member),
    };
    images
        .iter()
        .map(|image| {
            let config = sha256(&archive.read(&image.config, limits.manifest)?);
            Ok((config, image.layers.iter().map(of_layer).collect::<Result<_, ArchiveError>>()?))
        })
        .collect()
}

fn hashed(archive: &Archive, member: &str) -> Result<Digest, ArchiveError> {
    let mut blob = Hashing::new(archive.open_member(member)?);
    std::io::copy(&mut blob, &mut std::io::sink()).map_err(|source| FileError::Read {
        path: archive.path().join(member),
        source,
    })?;
    Ok(blob.finish().1)
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
        (None, _) => hashed(archive, member)?,
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
    Digest::parse(&format!("sha256:{hex}")).or_none("no digest: not the name of a blob")
}

/// The digest of the image's OCI manifest, in archives that are OCI layouts too. `docker load` into containerd's store reads `index.json`, and
/// would load every image that it lists: each must be the one of `manifest.json`.
fn agreed_manifest(place: &dyn Place, config: &Digest, layers: &[Layer], limits: &Limits) -> Result<Option<Digest>, ArchiveError> {
    let Some(bytes) = place.document("index.json", limits.manifest)? else {
        return Ok(None);
    };
    let index = Index::parse(&place.path().join("index.json"), &bytes)?;
    let mut agreed = None;
    for entry in &index.manifests {
        for (digest, manifest) in manifests(&InArchive(place), entry, limits)? {
            let same = manifest.config.digest == *config && manifest.layers.iter().map(|l| l.digest).eq(layers.iter().map(|l| l.digest));
            if same {
                agreed.get_or_insert(digest);
            } else if manifest.is_image() {
                return Err(ArchiveError::Disagree {
                    path: place.path().to_owned(),
                    reason: format!("`manifest.json` names the image {config}, and `index.json` also {digest}, which is another"),
                });
            }
        }
    }
    Ok(agreed)
}

/// The blobs of a saved image, by digest.
struct InArchive<'p>(&'p dyn Place);

impl Blobs for InArchive<'_> {
    fn place(&self, digest: &Digest) -> PathBuf {
        self.0.path().join(member_of(digest))
    }

    fn size(&self, descriptor: &Descriptor) -> Result<Option<u64>, LayoutError> {
        Ok(self.0.size(&member_of(&descriptor.digest)))
    }

    fn document(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>, LayoutError> {
        let found = self.0.document(&member_of(digest), limit);
        let missing = || LayoutError::BlobMissing {
            digest: *digest,
            path: self.place(digest),
        };
        found
            .map_err(|error| error.of_blob(digest, self.place(digest)))?
            .ok_or_else(missing)
    }
}

/// The member of an OCI layout that a blob is.
pub(super) fn member_of(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}
