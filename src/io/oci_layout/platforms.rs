//! From a descriptor to the image of each platform.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::base::noted;
use super::{Config, Index, LayoutError, Manifest, OciLayout, layer_compression};
use crate::io::files::FileError;
use crate::io::limits::Limits;
use crate::model::digest::Digest;
use crate::model::image::{Descriptor, Layer, Platform, PlatformImage, media_type};

/// Indexes within indexes: more than anybody nests.
pub(super) const MAX_DEPTH: usize = 3;

/// Where an image's blobs lie: a layout folder, or an archive of one.
pub trait Blobs {
    /// A blob's place, for errors.
    fn place(&self, digest: &Digest) -> PathBuf;

    /// The size in bytes of the blob that a descriptor names; `None` only where it is not there.
    ///
    /// # Errors
    /// [`LayoutError::File`] when the system does not say.
    fn size(&self, descriptor: &Descriptor) -> Result<Option<u64>, LayoutError>;

    /// A blob of at most `limit` bytes, verified.
    ///
    /// # Errors
    /// [`LayoutError`].
    fn document(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>, LayoutError>;
}

impl Blobs for OciLayout {
    fn place(&self, digest: &Digest) -> PathBuf {
        self.blob_path(digest)
    }

    fn size(&self, descriptor: &Descriptor) -> Result<Option<u64>, LayoutError> {
        let path = self.blob_path(&descriptor.digest);
        match path.metadata() {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(LayoutError::File(FileError::Read { path, source })),
        }
    }

    fn document(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>, LayoutError> {
        self.read_blob(digest, limit)
    }
}

impl OciLayout {
    /// Every platform's image under a manifest or an index, in the index's order. BuildKit's attestation manifests (every layer of them is an
    /// in-toto statement, so that no engine can run them) are passed over. Each layer's file is there and has the size that is promised;
    /// its digest is for whoever streams it.
    ///
    /// # Errors
    /// [`LayoutError`] naming the file for every document that does not hold together.
    pub fn platforms(&self, descriptor: &Descriptor, limits: &Limits) -> Result<Vec<PlatformImage>, LayoutError> {
        platforms(self, descriptor, limits)
    }
}

/// [`OciLayout::platforms`] over whatever holds the blobs.
///
/// # Errors
/// [`LayoutError`].
pub fn platforms(blobs: &dyn Blobs, descriptor: &Descriptor, limits: &Limits) -> Result<Vec<PlatformImage>, LayoutError> {
    let mut found = Vec::new();
    Reading { blobs }.collect(descriptor, limits, 0, &mut found)?;
    if found.is_empty() {
        let path = blobs.place(&descriptor.digest);
        return Err(LayoutError::inconsistent(&path, "lists no image of any platform"));
    }
    Ok(found)
}

/// Every manifest of an image under a descriptor whose bytes are there, attestations left out. Missing ones are passed over: an archive of one
/// platform keeps the index of all.
///
/// # Errors
/// [`LayoutError`].
pub fn manifests(blobs: &dyn Blobs, descriptor: &Descriptor, limits: &Limits) -> Result<Vec<(Digest, Manifest)>, LayoutError> {
    let (mut found, mut left, mut seen) = (Vec::new(), vec![(descriptor.clone(), 0)], 0);
    while let Some((next, depth)) = left.pop() {
        seen += 1;
        let path = blobs.place(&next.digest);
        if seen > 4 * limits.platforms || depth > MAX_DEPTH {
            return Err(LayoutError::inconsistent(&path, "lists too many images, or lists within lists"));
        }
        if blobs.size(&next)?.is_none() {
            continue;
        }
        let bytes = blobs.document(&next.digest, limits.manifest)?;
        if matches!(next.media_type.as_str(), media_type::OCI_INDEX | media_type::DOCKER_INDEX) {
            let inner = Index::parse(&path, &bytes)?.manifests;
            left.extend(inner.into_iter().rev().map(|d| (d, depth + 1)));
            continue;
        }
        let manifest = Manifest::parse(&path, &bytes)?;
        if !manifest.is_attestation() {
            found.push((next.digest, manifest));
        }
    }
    Ok(found)
}

/// The entries of an index, where those that only call themselves artifacts are told as the images that they are: a runtime that does not know
/// the word `artifactType` would run them.
///
/// # Errors
/// [`LayoutError`].
pub fn unhidden(blobs: &dyn Blobs, mut entries: Vec<Descriptor>, limits: &Limits) -> Result<Vec<Descriptor>, LayoutError> {
    for entry in entries.iter_mut().filter(|entry| entry.artifact_type.is_some()) {
        if manifests(blobs, entry, limits)?.iter().any(|(_, manifest)| manifest.is_image()) {
            entry.artifact_type = None;
        }
    }
    Ok(entries)
}

struct Reading<'b> {
    blobs: &'b dyn Blobs,
}

impl Reading<'_> {
    fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.blobs.place(digest)
    }

    fn collect(&self, descriptor: &Descriptor, limits: &Limits, depth: usize, found: &mut Vec<PlatformImage>) -> Result<(), LayoutError> {
        let path = self.blob_path(&descriptor.digest);
        match descriptor.media_type.as_str() {
            media_type::OCI_MANIFEST | media_type::DOCKER_MANIFEST => {
                if found.len() == limits.platforms {
                    return Err(LayoutError::inconsistent(
                        &path,
                        format!("is one of more than {} platforms", limits.platforms),
                    ));
                }
                found.extend(self.platform(descriptor, limits)?);
                Ok(())
            }
            media_type::OCI_INDEX | media_type::DOCKER_INDEX if depth < MAX_DEPTH => {
                let index = Index::parse(&path, &self.read_described(descriptor, limits)?)?;
                let before = found.len();
                for inner in &index.manifests {
                    if !self.is_missing_attestation(inner)? {
                        self.collect(inner, limits, depth + 1, found)?;
                    }
                }
                for image in &mut found[before..] {
                    image
                        .config
                        .texts
                        .extend(texts("annotation of the index", index.annotations.as_ref()));
                }
                Ok(())
            }
            media_type::OCI_INDEX | media_type::DOCKER_INDEX => Err(LayoutError::inconsistent(
                &path,
                format!("is an index within more than {MAX_DEPTH} others"),
            )),
            other => Err(LayoutError::inconsistent(
                &path,
                format!("is no image manifest: its media type is `{other}`"),
            )),
        }
    }

    /// None for an attestation.
    fn platform(&self, descriptor: &Descriptor, limits: &Limits) -> Result<Option<PlatformImage>, LayoutError> {
        let path = self.blob_path(&descriptor.digest);
        let manifest = Manifest::parse(&path, &self.read_described(descriptor, limits)?)?;
        if manifest.is_attestation() {
            return Ok(None);
        }
        if manifest.layers.len() > limits.layers {
            let reason = format!("has {} layers, more than {}", manifest.layers.len(), limits.layers);
            return Err(LayoutError::inconsistent(&path, reason));
        }
        let config_path = self.blob_path(&manifest.config.digest);
        let mut config = Config::parse(&config_path, &self.read_described(&manifest.config, limits)?)?;
        let notes = manifest.annotations.clone().unwrap_or_default();
        config.config.base = noted(config.config.base, &notes, "an annotation");
        config.config.texts.extend(annotations(descriptor, &manifest));
        if config.diff_ids.len() != manifest.layers.len() {
            let reason = format!(
                "names {} layers where its manifest has {}",
                config.diff_ids.len(),
                manifest.layers.len()
            );
            return Err(LayoutError::inconsistent(&config_path, reason));
        }
        Ok(Some(PlatformImage {
            platform: platform_of(descriptor, &config, &config_path)?,
            manifest: descriptor.digest,
            layers: self.layers(&manifest, &config, &path)?,
            config: config.config,
        }))
    }

    /// An attestation that was not copied with its image: nobody can run what is not there.
    fn is_missing_attestation(&self, descriptor: &Descriptor) -> Result<bool, LayoutError> {
        Ok(is_of_no_platform(descriptor) && self.blobs.size(descriptor)?.is_none())
    }

    fn layers(&self, manifest: &Manifest, config: &Config, path: &Path) -> Result<Vec<Layer>, LayoutError> {
        let described = manifest.layers.iter().zip(config.diff_ids.iter().zip(&config.created_by));
        described
            .map(|(layer, (diff_id, created_by))| {
                let compression = layer_compression(&layer.media_type).ok_or_else(|| {
                    let reason = format!("has a layer of media type `{}`, which is none of an image's", layer.media_type);
                    LayoutError::inconsistent(path, reason)
                })?;
                self.check_size(layer)?;
                Ok(Layer {
                    digest: layer.digest,
                    diff_id: *diff_id,
                    size: layer.size,
                    compression,
                    created_by: created_by.clone(),
                })
            })
            .collect()
    }

    fn check_size(&self, descriptor: &Descriptor) -> Result<(), LayoutError> {
        let path = self.blob_path(&descriptor.digest);
        match self.blobs.size(descriptor)? {
            Some(size) if size == descriptor.size => Ok(()),
            Some(found) => Err(LayoutError::WrongSize {
                path,
                expected: descriptor.size,
                found,
            }),
            None => Err(LayoutError::BlobMissing {
                digest: descriptor.digest,
                path,
            }),
        }
    }

    fn read_described(&self, descriptor: &Descriptor, limits: &Limits) -> Result<Vec<u8>, LayoutError> {
        self.check_size(descriptor)?;
        self.blobs.document(&descriptor.digest, limits.manifest)
    }
}

/// BuildKit lists its attestations beside the images, as images of a platform that does not exist.
fn is_of_no_platform(descriptor: &Descriptor) -> bool {
    descriptor
        .platform
        .as_ref()
        .is_some_and(|p| p.os == "unknown" && p.architecture == "unknown")
}

/// The index's word counts before the configuration's: it is what an engine picks by.
fn platform_of(descriptor: &Descriptor, config: &Config, config_path: &Path) -> Result<Platform, LayoutError> {
    let platform = match &descriptor.platform {
        Some(p) => Platform {
            os: p.os.clone(),
            architecture: p.architecture.clone(),
            variant: p.variant.clone().filter(|v| !v.is_empty()),
        },
        None => Platform {
            os: config.os.clone(),
            architecture: config.architecture.clone(),
            variant: config.variant.clone(),
        },
    };
    if platform.os.is_empty() || platform.architecture.is_empty() {
        return Err(LayoutError::inconsistent(config_path, "names no operating system and processor"));
    }
    Ok(platform)
}

/// The annotations of a manifest, of its entry in an index, and of what it lists.
fn annotations(entry: &Descriptor, manifest: &Manifest) -> Vec<(String, String)> {
    let mut all: Vec<_> = texts("annotation of the index's entry", Some(&entry.annotations)).collect();
    all.extend(texts("annotation", manifest.annotations.as_ref()));
    all.extend(texts("annotation of the configuration", Some(&manifest.config.annotations)));
    for (at, layer) in manifest.layers.iter().enumerate() {
        all.extend(texts(&format!("annotation of layers[{at}]"), Some(&layer.annotations)));
    }
    all
}

/// Names and values are somebody's own texts, each with its place.
fn texts(place: &str, notes: Option<&BTreeMap<String, String>>) -> impl Iterator<Item = (String, String)> {
    let notes = notes.into_iter().flatten();
    notes.map(move |(name, value)| (format!("{place} {name}"), format!("{name}={value}")))
}
