//! The members of a tar file, by name.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ArchiveError;
use crate::io::files::{self, FileError};
use crate::io::hash::sha256;
use crate::io::layers::{self, Entry, Kind, LayerError, LayerProblem, Need, Visitor};
use crate::io::limits::Limits;
use crate::model::image::Compression;

/// A tar file whose members can be read in any order.
#[derive(Debug, Clone)]
pub struct Archive {
    path: PathBuf,
    file: Arc<File>,
    members: HashMap<String, Member>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Member {
    /// Offset and size in bytes.
    Bytes(u64, u64),
    /// A link, by the member's name that it leads to.
    Link(String),
}

/// Links in old `docker save` archives lead from a layer to an equal one.
pub(super) const MAX_LINKS: usize = 8;

impl Archive {
    /// Lists the members of an archive.
    ///
    /// # Errors
    /// [`ArchiveError::File`] when it cannot be read, [`ArchiveError::Broken`] when it is no tar.
    pub fn open(path: &Path, limits: &Limits) -> Result<Self, ArchiveError> {
        let failed = |source| FileError::Read {
            path: path.to_owned(),
            source,
        };
        let mut file = files::open(path).map_err(failed)?;
        let mut start = [0; 6];
        let count = file.read_at(&mut start, 0).map_err(failed)?;
        let compression = layers::sniff(&start[..count]);
        if compression != Compression::None {
            file = decompressed(path, file, compression, limits)?;
        }
        let mut members = Members::default();
        layers::index(&file, path, limits, &mut members)?;
        if let Some(member) = members.twice {
            return Err(ArchiveError::Twice {
                path: path.to_owned(),
                member,
            });
        }
        Ok(Self {
            path: path.to_owned(),
            file: Arc::new(file),
            members: members.found,
        })
    }

    /// The file, by the path that it was opened at.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// True when there is such a member.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.range(name).is_some()
    }

    /// A member's size in bytes.
    #[must_use]
    pub fn size(&self, name: &str) -> Option<u64> {
        self.range(name).map(|(_, size)| size)
    }

    /// A member as a stream.
    ///
    /// # Errors
    /// [`ArchiveError::Missing`].
    pub fn open_member(&self, name: &str) -> Result<Section, ArchiveError> {
        let (at, size) = self.range(name).ok_or_else(|| self.missing(name))?;
        Ok(Section {
            file: Arc::clone(&self.file),
            at,
            end: at + size,
        })
    }

    /// A member of at most `limit` bytes. Where its name is a digest, it is verified.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, ArchiveError> {
        let (_, size) = self.range(name).ok_or_else(|| self.missing(name))?;
        let path = self.path.join(name);
        if size > limit {
            return Err(FileError::TooLarge { path, limit }.into());
        }
        let mut bytes = Vec::new();
        let read = self.open_member(name)?.read_to_end(&mut bytes);
        read.map_err(|source| FileError::Read { path, source })?;
        verify(&self.path, name, &bytes)?;
        Ok(bytes)
    }

    pub(super) fn missing(&self, name: &str) -> ArchiveError {
        ArchiveError::Missing {
            path: self.path.clone(),
            member: name.to_owned(),
        }
    }

    fn range(&self, name: &str) -> Option<(u64, u64)> {
        let mut name = name;
        for _ in 0..MAX_LINKS {
            match self.members.get(name)? {
                Member::Bytes(at, size) => return Some((*at, *size)),
                Member::Link(target) => name = target,
            }
        }
        None
    }
}

/// Checks a document whose name is a digest against its name.
pub(super) fn verify(archive: &Path, name: &str, bytes: &[u8]) -> Result<(), ArchiveError> {
    let base = name.rsplit('/').next().unwrap_or(name);
    let hex = base.strip_suffix(".json").unwrap_or(base);
    let found = sha256(bytes);
    if hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()) && hex != found.hex() {
        return Err(ArchiveError::WrongDigest {
            path: archive.to_owned(),
            member: name.to_owned(),
            found,
        });
    }
    Ok(())
}

/// Decompresses an archive into a file that has no name.
fn decompressed(path: &Path, file: File, compression: Compression, limits: &Limits) -> Result<File, ArchiveError> {
    let write = |source| FileError::Write {
        path: std::env::temp_dir(),
        source,
    };
    let broken = |offset, problem| LayerError {
        layer: path.display().to_string(),
        offset,
        unpacked: true,
        problem,
    };
    let stored = file.metadata().map_err(|error| broken(0, LayerProblem::Read(error)))?.len();
    let reader = BufReader::with_capacity(256 * 1024, file);
    let mut decoder = layers::decoder(compression, reader).map_err(|error| broken(0, LayerProblem::Read(error)))?;
    let mut plain = tempfile::tempfile().map_err(write)?;
    let mut chunk = vec![0; 256 * 1024];
    let mut unpacked = 0;
    loop {
        let count = match decoder.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(broken(unpacked, LayerProblem::Compression(error.to_string())).into()),
        };
        unpacked += count as u64;
        let bomb = unpacked > limits.expansion_free && unpacked / limits.expansion > stored;
        if bomb || unpacked > limits.layer_unpacked {
            return Err(broken(unpacked, LayerProblem::Bomb { unpacked, stored }).into());
        }
        plain.write_all(&chunk[..count]).map_err(write)?;
    }
    plain.rewind().map_err(write)?;
    Ok(plain)
}

#[derive(Default)]
struct Members {
    found: HashMap<String, Member>,
    folders: HashSet<String>,
    /// The first name that stands twice. Folders may.
    twice: Option<String>,
}

impl Visitor for Members {
    fn entry(&mut self, entry: &Entry<'_>) -> Result<Need, LayerProblem> {
        let member = match entry.kind {
            Kind::File if entry.sparse => return Err(LayerProblem::Header("a sparse file in an archive of an image")),
            Kind::File => Member::Bytes(entry.offset, entry.size),
            Kind::HardLink(target) => Member::Link(String::from_utf8_lossy(target).into_owned()),
            Kind::Symlink(target) => Member::Link(beside(entry.path, &String::from_utf8_lossy(target))),
            Kind::Directory | Kind::Special => {
                if self.found.contains_key(entry.path) {
                    self.twice.get_or_insert_with(|| entry.path.to_owned());
                }
                self.folders.insert(entry.path.to_owned());
                return Ok(Need::Nothing);
            }
        };
        let before = self.found.insert(entry.path.to_owned(), member);
        if before.is_some() || self.folders.contains(entry.path) {
            self.twice.get_or_insert_with(|| entry.path.to_owned());
        }
        Ok(Need::Nothing)
    }

    fn content(&mut self, _entry: &Entry<'_>, _bytes: &[u8]) {}
}

/// The name that a symbolic link in an archive leads to; it cannot lead out of the archive.
pub(super) fn beside(link: &str, target: &str) -> String {
    let mut parts: Vec<&str> = link.split('/').collect();
    parts.pop();
    if target.starts_with('/') {
        parts.clear();
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// A range of a file as a stream.
#[derive(Debug)]
pub struct Section {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let count = self.file.read_at(&mut buffer[..wanted], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}
