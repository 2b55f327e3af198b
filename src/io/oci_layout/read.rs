//! Opening a layout and reading from it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::platforms::unhidden;
use super::{Index, LayoutError, Manifest, OciLayout, REF_NAME};
use crate::io::files::{self, FileError};
use crate::io::hash::sha256;
use crate::io::limits::Limits;
use crate::model::digest::Digest;
use crate::model::image::{Descriptor, media_type};

/// containerd's name of an image, which Docker's own OCI archives carry beside the tag.
const CONTAINERD_NAME: &str = "io.containerd.image.name";

impl OciLayout {
    /// Opens a layout that exists.
    ///
    /// # Errors
    /// [`LayoutError::NotALayout`] when the folder, its marker or its index is not there.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, LayoutError> {
        let layout = Self { dir: dir.into() };
        let reason = if !layout.dir.exists() {
            "there is no such folder"
        } else if !layout.dir.is_dir() {
            "it is no folder"
        } else if !layout.marker_path().is_file() {
            "it has no file `oci-layout`"
        } else if !layout.index_path().is_file() {
            "it has no file `index.json`"
        } else {
            return Ok(layout);
        };
        Err(LayoutError::NotALayout {
            dir: layout.dir,
            reason: reason.to_owned(),
        })
    }

    /// True when the blob's file is there; its content is not looked at.
    #[must_use]
    pub fn has_blob(&self, digest: &Digest) -> bool {
        self.blob_path(digest).is_file()
    }

    /// Opens a blob to stream it. The caller hashes what it reads.
    ///
    /// # Errors
    /// [`LayoutError::BlobMissing`], [`LayoutError::File`].
    pub fn open_blob(&self, digest: &Digest) -> Result<fs::File, LayoutError> {
        let path = self.blob_path(digest);
        files::open(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => LayoutError::BlobMissing { digest: *digest, path },
            _ => FileError::Read { path, source }.into(),
        })
    }

    /// Reads a blob of at most `limit` bytes and verifies its digest.
    ///
    /// # Errors
    /// [`LayoutError::BlobMissing`], [`LayoutError::WrongDigest`], [`LayoutError::File`].
    pub fn read_blob(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>, LayoutError> {
        let path = self.blob_path(digest);
        if !path.exists() {
            return Err(LayoutError::BlobMissing { digest: *digest, path });
        }
        let bytes = files::read(&path, limit)?;
        match sha256(&bytes) {
            found if found == *digest => Ok(bytes),
            found => Err(LayoutError::WrongDigest {
                digest: *digest,
                found,
                path,
            }),
        }
    }

    /// Every entry of `index.json`, in its order.
    ///
    /// # Errors
    /// [`LayoutError::Document`], [`LayoutError::File`].
    pub fn index(&self) -> Result<Vec<Descriptor>, LayoutError> {
        let path = self.index_path();
        let bytes = files::read(&path, Limits::default().manifest)?;
        Index::parse(&path, &bytes).map(|index| index.manifests)
    }

    /// The image with a tag; without one, the only image. Artifacts such as signatures are not counted.
    ///
    /// # Errors
    /// [`LayoutError::UnknownTag`], [`LayoutError::Ambiguous`], [`LayoutError::Empty`], and those of [`Self::index`].
    pub fn find(&self, tag: Option<&str>) -> Result<Descriptor, LayoutError> {
        let entries = unhidden(self, self.index()?, &Limits::default())?;
        find_image(&entries, &self.dir, tag)
    }

    /// The descriptor of a manifest or index by digest, whether `index.json` lists it or only an index inside the layout does.
    ///
    /// # Errors
    /// As [`Self::read_blob`] and [`Self::index`].
    pub fn find_digest(&self, digest: &Digest, limits: &Limits) -> Result<Descriptor, LayoutError> {
        if let Some(listed) = self.index()?.into_iter().find(|d| d.digest == *digest) {
            return Ok(listed);
        }
        let bytes = self.read_blob(digest, limits.manifest)?;
        let path = self.blob_path(digest);
        let media_type = match Manifest::parse(&path, &bytes) {
            Ok(manifest) => manifest.media_type.unwrap_or_else(|| media_type::OCI_MANIFEST.to_owned()),
            Err(_) => Index::parse(&path, &bytes)?
                .media_type
                .unwrap_or_else(|| media_type::OCI_INDEX.to_owned()),
        };
        Ok(Descriptor::new(&media_type, *digest, bytes.len() as u64))
    }
}

/// The image with a tag among the entries of an index; without a tag, the only one. `place` is for errors.
///
/// # Errors
/// [`LayoutError::UnknownTag`], [`LayoutError::Ambiguous`], [`LayoutError::Empty`].
pub fn find_image(entries: &[Descriptor], place: &Path, tag: Option<&str>) -> Result<Descriptor, LayoutError> {
    let names = |d: &Descriptor, tag: &str| {
        [REF_NAME, CONTAINERD_NAME]
            .iter()
            .any(|key| d.annotations.get(*key).is_some_and(|name| name == tag))
    };
    if let Some(tag) = tag {
        let mut found = entries.iter().filter(|d| names(d, tag));
        let first = found.next().cloned().ok_or_else(|| LayoutError::UnknownTag {
            dir: place.to_owned(),
            tag: tag.to_owned(),
            known: tags(entries),
        })?;
        return match found.find(|other| other.digest != first.digest) {
            None => Ok(first),
            Some(other) => Err(LayoutError::inconsistent(
                place,
                format!("lists two images under the tag `{tag}`: {} and {}", first.digest, other.digest),
            )),
        };
    }
    let images: Vec<&Descriptor> = entries.iter().filter(|d| d.artifact_type.is_none()).collect();
    let distinct: BTreeSet<Digest> = images.iter().map(|d| d.digest).collect();
    match (images.first(), distinct.len()) {
        (Some(only), 1) => Ok((*only).clone()),
        (None, _) => Err(LayoutError::Empty { dir: place.to_owned() }),
        (Some(_), count) => Err(LayoutError::Ambiguous {
            dir: place.to_owned(),
            count,
            known: tags(entries),
        }),
    }
}

fn tags(entries: &[Descriptor]) -> Vec<String> {
    let tags: BTreeSet<&String> = entries.iter().filter_map(|d| d.annotations.get(REF_NAME)).collect();
    tags.into_iter().cloned().collect()
}
