//! Making a layout and writing into it.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::{LayoutError, OciLayout, REF_NAME};
use crate::io::files::{self, FileError};
use crate::io::hash::{Hashing, sha256};
use crate::io::limits::Limits;
use crate::io::oci::{self, shape};
use crate::model::digest::Digest;
use crate::model::image::{Descriptor, media_type};

impl OciLayout {
    /// Opens a layout, or makes an empty one where there is no folder or an empty one. Blobs that are there stay.
    ///
    /// # Errors
    /// [`LayoutError::NotALayout`] for a folder with other things in it, [`LayoutError::File`] when it cannot be written to.
    pub fn create(dir: impl Into<PathBuf>) -> Result<Self, LayoutError> {
        let layout = Self { dir: dir.into() };
        if !layout.marker_path().exists() {
            if fs::read_dir(&layout.dir).is_ok_and(|mut entries| entries.next().is_some()) {
                let reason = "it has other files in it, and will not be written over".to_owned();
                return Err(LayoutError::NotALayout { dir: layout.dir, reason });
            }
            files::write(&layout.marker_path(), br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        }
        if !layout.index_path().exists() {
            let empty = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": []});
            files::write(&layout.index_path(), empty.to_string().as_bytes())?;
        }
        let blobs = layout.dir.join("blobs/sha256");
        fs::create_dir_all(&blobs).map_err(|source| FileError::Write { path: blobs, source })?;
        Ok(layout)
    }

    /// A writer for a blob whose digest is not known yet. Nothing stays unless [`BlobWriter::finish`] is called.
    ///
    /// # Errors
    /// [`LayoutError::File`].
    pub fn blob_writer(&self) -> Result<BlobWriter, LayoutError> {
        let folder = self.dir.join("blobs/sha256");
        let file = tempfile::Builder::new()
            .prefix(".portcullis-")
            .tempfile_in(&folder)
            .map_err(|source| FileError::Write { path: folder, source })?;
        Ok(BlobWriter {
            sink: Hashing::new(file),
            layout: self.clone(),
        })
    }

    /// Writes a blob.
    ///
    /// # Errors
    /// [`LayoutError::File`].
    pub fn write_blob(&self, bytes: &[u8]) -> Result<Digest, LayoutError> {
        let digest = sha256(bytes);
        files::write(&self.blob_path(&digest), bytes)?;
        Ok(digest)
    }

    /// Lists a manifest in `index.json`, under a tag where one is given. An entry with the same tag is replaced: whoever must
    /// not move a tag looks first.
    ///
    /// # Errors
    /// [`LayoutError::Document`], [`LayoutError::File`]; `index.json` is unchanged then.
    pub fn put(&self, descriptor: &Descriptor, tag: Option<&str>) -> Result<(), LayoutError> {
        let entry = entry(descriptor, tag);
        let digest = entry.digest.to_string();
        self.edit_index(|entries| {
            if tag.is_none() && entries.iter().any(|e| has_digest(e, &digest)) {
                return Ok(());
            }
            entries.retain(|e| match (name_of(e), tag) {
                (Some(name), Some(tag)) => name != tag,
                (None, Some(_)) => !has_digest(e, &digest),
                (_, None) => true,
            });
            entries.push(serde_json::to_value(&entry)?);
            Ok(())
        })
    }

    /// Lists a manifest in `index.json` under a tag that nobody has. Gives what the tag names where it is taken (it may be the same), and changes
    /// nothing then: two publishers at once are told apart.
    ///
    /// # Errors
    /// As [`Self::put`]; [`LayoutError::Document`] for an entry under the tag that names no digest.
    pub fn put_new(&self, descriptor: &Descriptor, tag: &str) -> Result<Option<Digest>, LayoutError> {
        let entry = entry(descriptor, Some(tag));
        let digest = entry.digest.to_string();
        let mut taken = None;
        self.edit_index(|entries| {
            let found = entries.iter().find(|e| name_of(e) == Some(tag));
            if let Some(found) = found {
                taken = Some(serde_json::from_value::<Descriptor>(found.clone())?.digest);
                return Ok(());
            }
            entries.retain(|e| name_of(e).is_some() || !has_digest(e, &digest));
            entries.push(serde_json::to_value(&entry)?);
            Ok(())
        })?;
        Ok(taken)
    }

    /// Makes a manifest the only entry.
    pub(super) fn put_only(&self, descriptor: &Descriptor, tag: Option<&str>) -> Result<(), LayoutError> {
        self.edit_index(|entries| {
            *entries = vec![serde_json::to_value(entry(descriptor, tag))?];
            Ok(())
        })
    }

    /// Takes every entry of a digest out of `index.json`. Its blobs stay: other manifests may share them.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn remove(&self, digest: &Digest) -> Result<(), LayoutError> {
        let digest = digest.to_string();
        self.edit_index(|entries| {
            entries.retain(|e| !has_digest(e, &digest));
            Ok(())
        })
    }

    /// Reads, changes and replaces `index.json` while no other process of ours does. What it does not know in it is kept.
    fn edit_index(&self, edit: impl FnOnce(&mut Vec<Value>) -> serde_json::Result<()>) -> Result<(), LayoutError> {
        let marker = self.marker_path();
        let lock = fs::File::open(&marker).and_then(|file| file.lock().map(|()| file));
        let _lock = lock.map_err(|source| FileError::Read { path: marker, source })?;
        let path = self.index_path();
        let bytes = files::read(&path, Limits::default().manifest)?;
        let mut index: Value =
            oci::decode(&bytes, &shape::IMAGE).map_err(|refused| LayoutError::document(&path, "image index", refused))?;
        let entries = index.get_mut("manifests").and_then(Value::as_array_mut);
        let entries = entries.ok_or_else(|| LayoutError::inconsistent(&path, "has no list `manifests`"))?;
        edit(entries).map_err(|error| LayoutError::inconsistent(&path, format!("cannot be written: {error}")))?;
        files::write(&path, index.to_string().as_bytes())?;
        Ok(())
    }
}

fn entry(descriptor: &Descriptor, tag: Option<&str>) -> Descriptor {
    let mut entry = descriptor.clone();
    entry.annotations.remove(REF_NAME);
    if let Some(tag) = tag {
        entry.annotations.insert(REF_NAME.to_owned(), tag.to_owned());
    }
    entry
}

fn name_of(entry: &Value) -> Option<&str> {
    entry.get("annotations")?.get(REF_NAME)?.as_str()
}

fn has_digest(entry: &Value, digest: &str) -> bool {
    entry.get("digest").and_then(Value::as_str) == Some(digest)
}

/// A blob that is being written, under a temporary name.
pub struct BlobWriter {
    sink: Hashing<NamedTempFile>,
    layout: OciLayout,
}

impl BlobWriter {
    /// Flushes the blob to the disk and gives it its name: its digest and its size in bytes.
    ///
    /// # Errors
    /// [`LayoutError::File`]; nothing is left then.
    pub fn finish(self) -> Result<(Digest, u64), LayoutError> {
        let (file, digest, size) = self.sink.finish();
        let path = self.layout.blob_path(&digest);
        let failed = |source| FileError::Write {
            path: path.clone(),
            source,
        };
        file.as_file().sync_data().map_err(failed)?;
        files::set_default_mode(file.path()).map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        Ok((digest, size))
    }
}

impl Write for BlobWriter {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.sink.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}
