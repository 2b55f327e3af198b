//! Writing one layer: a tar, compressed and hashed as it is written.

use std::io::{self, Read, Write};
use std::path::Path;

use super::canonical_tar::{CanonicalTar, Header};
use super::gzip::Gzip;
use crate::io::files::FileError;
use crate::io::hash::Hashing;
use crate::io::layers::{Kind, Metadata};
use crate::io::oci_layout::{BlobWriter, OciLayout};
use crate::model::digest::Digest;
use crate::stage::build::BuildError;

/// A layer that lies in the layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::stage::build) struct NewLayer {
    /// Digest of the compressed bytes.
    pub(in crate::stage::build) digest: Digest,
    pub(in crate::stage::build) size: u64,
    /// Digest of the tar.
    pub(in crate::stage::build) diff_id: Digest,
    /// What made it, for the image's history.
    pub(in crate::stage::build) created_by: String,
}

/// A layer that is being written. Entries come in the order of their paths, folders before what is in them.
pub(in crate::stage::build) struct LayerWriter {
    tar: CanonicalTar<Hashing<Gzip<BlobWriter>>>,
    layout: OciLayout,
    /// Of every entry: root's, of one time.
    metadata: Metadata,
}

impl LayerWriter {
    /// A layer whose files all have one time, in seconds since 1970 (0 for one before).
    ///
    /// # Errors
    /// [`BuildError::Layout`].
    pub(in crate::stage::build) fn new(layout: &OciLayout, seconds: i64) -> Result<Self, BuildError> {
        Ok(Self {
            tar: CanonicalTar::new(Hashing::new(Gzip::new(layout.blob_writer()?))),
            layout: layout.clone(),
            metadata: Metadata {
                seconds,
                ..Metadata::default()
            },
        })
    }

    /// Adds a folder that root owns.
    ///
    /// # Errors
    /// [`BuildError::File`].
    pub(in crate::stage::build) fn folder(&mut self, path: &str, mode: u32) -> Result<(), BuildError> {
        self.entry(path, mode, Kind::Directory, &[])
    }

    /// Adds a file that root owns.
    ///
    /// # Errors
    /// [`BuildError::File`].
    pub(in crate::stage::build) fn file(&mut self, path: &str, mode: u32, content: &[u8]) -> Result<(), BuildError> {
        self.entry(path, mode, Kind::File, content)
    }

    /// Adds a folder that lies below already, with its owner.
    ///
    /// # Errors
    /// [`BuildError::File`].
    pub(in crate::stage::build) fn folder_of(&mut self, path: &str, mode: u32, (uid, gid): (u64, u64)) -> Result<(), BuildError> {
        (self.metadata.uid, self.metadata.gid) = (uid, gid);
        let written = self.folder(path, mode);
        (self.metadata.uid, self.metadata.gid) = (0, 0);
        written
    }

    /// Adds a symbolic link that root owns.
    ///
    /// # Errors
    /// [`BuildError::File`].
    pub(in crate::stage::build) fn link(&mut self, path: &str, target: &str) -> Result<(), BuildError> {
        self.entry(path, 0o777, Kind::Symlink(target.as_bytes()), &[])
    }

    /// Adds a file that root owns, of `size` bytes, as it is read, and gives the digest of what was read. `from` is its name for a person.
    ///
    /// # Errors
    /// [`BuildError::File`], also for a file that has become shorter or longer since its size was asked for.
    pub(in crate::stage::build) fn copy(
        &mut self,
        path: &str,
        mode: u32,
        size: u64,
        from: &Path,
        file: impl Read,
    ) -> Result<Digest, BuildError> {
        let unread = |source| {
            BuildError::from(FileError::Read {
                path: from.to_owned(),
                source,
            })
        };
        let mut file = Hashing::new(file);
        let header = Header {
            path: path.as_bytes(),
            kind: Kind::File,
            mode,
            size,
            metadata: &self.metadata,
        };
        self.tar.header(&header).map_err(|source| self.failed(source))?;
        let mut buffer = vec![0; 1 << 16];
        let mut left = size;
        loop {
            let count = file.read(&mut buffer).map_err(unread)?;
            left = match left.checked_sub(count as u64) {
                Some(left) if count > 0 || left == 0 => left,
                _ => return Err(unread(io::Error::other("it changes while it is read"))),
            };
            if count == 0 {
                return Ok(file.finish().1);
            }
            self.tar.content(&buffer[..count]).map_err(|source| self.failed(source))?;
        }
    }

    fn entry(&mut self, path: &str, mode: u32, kind: Kind<'_>, content: &[u8]) -> Result<(), BuildError> {
        let header = Header {
            path: path.as_bytes(),
            kind,
            mode,
            size: content.len() as u64,
            metadata: &self.metadata,
        };
        let written = self.tar.header(&header).and_then(|()| self.tar.content(content));
        written.map_err(|source| self.failed(source))
    }

    /// Ends the tar and gives the blob its name.
    ///
    /// # Errors
    /// [`BuildError::File`], [`BuildError::Layout`].
    pub(in crate::stage::build) fn finish(self, created_by: &str) -> Result<NewLayer, BuildError> {
        let layout = self.layout.clone();
        let failed = |source| write_error(&layout, source);
        let (gzip, diff_id, _) = self.tar.finish().map_err(failed)?.finish();
        let mut blob = gzip.finish().map_err(failed)?;
        blob.flush().map_err(failed)?;
        let (digest, size) = blob.finish()?;
        Ok(NewLayer {
            digest,
            size,
            diff_id,
            created_by: created_by.to_owned(),
        })
    }

    fn failed(&self, source: io::Error) -> BuildError {
        write_error(&self.layout, source)
    }
}

fn write_error(layout: &OciLayout, source: io::Error) -> BuildError {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => BuildError::DiskFull {
            folder: layout.dir().to_owned(),
        },
        _ => FileError::Write {
            path: layout.dir().to_owned(),
            source,
        }
        .into(),
    }
}
