//! `all.zip`: read by all processors at once.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use zip::ZipArchive;

use crate::io::Effects;
use crate::io::files;
use crate::io::hash::{Hashing, sha256};
use crate::model::digest::Digest;

use super::SourceError;
use super::batch::{BATCH, Batch, Named, Progress};
use super::loose::read_one;
use super::naming::{OVERLAY, key_of, pool_full};
use crate::stage::matching::feeds::store::file_name;
use crate::stage::matching::index::Chunk;
use crate::stage::matching::record::parsed::Target;

/// What an archive holds, with what is laid over it.
pub(super) struct Packed {
    /// In the order of keys, each chunk behind the one before.
    pub(super) chunks: Vec<Chunk>,
    /// SHA-256 of the archive.
    pub(super) digest: Digest,
    /// SHA-256 of the overlay's names and digests; none where there is none.
    pub(super) overlaid: Option<Digest>,
}

/// A record: in the archive, by number and name, or in the overlay.
enum Piece<'a> {
    Entry(usize, String),
    Overlaid(&'a str),
}

/// Reads an archive; a record of the overlay takes the place of the archive's of the same name.
pub(super) fn read_archive(path: &Path, overlay: &[String], target: Target<'_>, effects: &Effects) -> Result<Packed, SourceError> {
    let read_failed = |source| SourceError::Read {
        path: path.to_owned(),
        source,
    };
    let damaged = |problem: String| SourceError::Archive {
        path: path.to_owned(),
        problem,
    };
    let limited = |problem: &str| SourceError::Limit {
        path: path.to_owned(),
        problem: problem.to_owned(),
    };
    let file = Arc::new(files::open(path).map_err(read_failed)?);
    let length = file.metadata().map_err(read_failed)?.len();
    if length > effects.limits.feed {
        return Err(limited("it is too large"));
    }
    let at_start = || Positioned {
        file: file.clone(),
        at: 0,
        length,
    };
    let (digest, archive) = rayon::join(
        || {
            let mut hashing = Hashing::new(at_start());
            io::copy(&mut hashing, &mut io::sink()).map(|_| hashing.finish().1)
        },
        || ZipArchive::new(at_start()),
    );
    let digest = digest.map_err(read_failed)?;
    let archive = archive.map_err(|error| damaged(error.to_string()))?;
    if archive.len() as u64 > effects.limits.entries {
        return Err(limited("it has too many entries"));
    }
    if archive.has_duplicate_names() {
        return Err(damaged(
            "two of its entries have one name, and readers differ in which of them counts".to_owned(),
        ));
    }
    let pieces = pieces(&archive, overlay).map_err(damaged)?;
    let progress = Progress {
        effects,
        task: format!("index {}", target.base),
        done: AtomicU64::new(0),
        total: pieces.len() as u64,
    };
    let unpacked = AtomicU64::new(0);
    let limit = effects.limits.advisory;
    let batch = |pieces: &[(String, Piece<'_>)]| -> Result<(Chunk, String), SourceError> {
        let mut archive = archive.clone();
        let mut chunk = Batch::new(target);
        let mut lines = String::new();
        let mut bytes = Vec::new();
        for (key, piece) in pieces {
            let (name, overlaid) = match piece {
                Piece::Entry(at, name) => {
                    let mut entry = archive.by_index(*at).map_err(|error| damaged(format!("{name}: {error}")))?;
                    bytes.clear();
                    (&mut entry)
                        .take(limit + 1)
                        .read_to_end(&mut bytes)
                        .map_err(|error| damaged(format!("{name}: {error}")))?;
                    (name.as_str(), false)
                }
                Piece::Overlaid(name) => {
                    let (read, line) = read_one(&path.with_file_name(OVERLAY), name, limit)?;
                    bytes = read;
                    lines.push_str(&line);
                    (*name, true)
                }
            };
            if unpacked.fetch_add(bytes.len() as u64, Ordering::Relaxed) > effects.limits.feed_unpacked {
                return Err(limited("it unpacks to too much"));
            }
            let file = Named { name, key, overlaid };
            chunk.add(&bytes, file, limit).map_err(|error| pool_full(path, &error))?;
        }
        progress.add(pieces.len() as u64)?;
        Ok((chunk.done(), lines))
    };
    let read = pieces.par_chunks(BATCH).map(batch).collect::<Result<Vec<_>, _>>()?;
    let (chunks, lines): (Vec<Chunk>, Vec<String>) = read.into_iter().unzip();
    Ok(Packed {
        chunks,
        digest,
        overlaid: (!overlay.is_empty()).then(|| sha256(lines.concat().as_bytes())),
    })
}

/// The records of both, sorted by their keys.
fn pieces<'a>(archive: &ZipArchive<Positioned>, overlay: &'a [String]) -> Result<Vec<(String, Piece<'a>)>, String> {
    let mut pieces = Vec::with_capacity(archive.len() + overlay.len());
    for (at, name) in archive.file_names().enumerate() {
        let name = name.map_err(|error| format!("entry {at}: {error}"))?;
        let Some(stem) = name.strip_suffix(".json") else { continue };
        // The overlay's names are escaped: an id may hold a colon.
        let key = file_name(stem);
        if overlay.binary_search_by(|laid| key_of(laid).cmp(&key)).is_err() {
            pieces.push((key, Piece::Entry(at, name.into_owned())));
        }
    }
    let laid = overlay.iter().map(|name| (key_of(name).to_owned(), Piece::Overlaid(name.as_str())));
    pieces.extend(laid);
    pieces.sort_by(|(a, _), (b, _)| a.cmp(b));
    match pieces.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => Err(format!("two of its entries have the name `{}.json`", pair[0].0)),
        None => Ok(pieces),
    }
}

/// A reader with its own place in a shared file, so that threads read one archive without a map and without a lock.
#[derive(Debug, Clone)]
struct Positioned {
    file: Arc<File>,
    at: u64,
    length: u64,
}

impl Read for Positioned {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Positioned {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
