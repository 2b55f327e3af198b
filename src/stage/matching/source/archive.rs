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
use crate::io::hash::Hashing;
use crate::model::digest::Digest;

use super::batch::{BATCH, Batch, Progress};
use super::{SourceError, pool_full};
use crate::stage::matching::draft::Target;
use crate::stage::matching::index::Chunk;

/// Reads an archive, but for the records that stand in the overlay.
pub(super) fn read_archive(
    path: &Path,
    overlay: &[String],
    target: Target<'_>,
    effects: &Effects,
) -> Result<(Vec<Chunk>, Digest), SourceError> {
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
    let file = Arc::new(File::open(path).map_err(read_failed)?);
    let length = file.metadata().map_err(read_failed)?.len();
    if length > effects.limits.feed {
        return Err(limited("it is too large"));
    }
    let at_start = || Positioned {
        file: file.clone(),
        at: 0,
        length,
    };
    let (revision, archive) = rayon::join(
        || {
            let mut hashing = Hashing::new(at_start());
            io::copy(&mut hashing, &mut io::sink()).map(|_| hashing.finish().1)
        },
        || ZipArchive::new(at_start()),
    );
    let revision = revision.map_err(read_failed)?;
    let archive = archive.map_err(|error| damaged(error.to_string()))?;
    if archive.len() as u64 > effects.limits.entries {
        return Err(limited("it has too many entries"));
    }
    let progress = Progress {
        effects,
        task: format!("index {}", target.base),
        done: AtomicU64::new(0),
        total: archive.len() as u64,
    };
    let unpacked = AtomicU64::new(0);
    let batch = |first: usize| -> Result<Chunk, SourceError> {
        let mut archive = archive.clone();
        let last = (first + BATCH).min(archive.len());
        let mut chunk = Batch::new(target);
        let mut bytes = Vec::new();
        for at in first..last {
            let mut entry = archive.by_index(at).map_err(|error| damaged(format!("entry {at}: {error}")))?;
            let name = entry.name().map_err(|error| damaged(format!("entry {at}: {error}")))?.into_owned();
            if !entry.is_file() || !name.ends_with(".json") || overlay.binary_search(&name).is_ok() {
                continue;
            }
            bytes.clear();
            let limit = effects.limits.advisory;
            (&mut entry)
                .take(limit + 1)
                .read_to_end(&mut bytes)
                .map_err(|error| damaged(format!("{name}: {error}")))?;
            if unpacked.fetch_add(bytes.len() as u64, Ordering::Relaxed) > effects.limits.feed_unpacked {
                return Err(limited("it unpacks to too much"));
            }
            chunk.add(&bytes, &name, limit).map_err(|error| pool_full(path, &error))?;
        }
        progress.add((last - first) as u64)?;
        Ok(chunk.done())
    };
    let firsts: Vec<usize> = (0..archive.len()).step_by(BATCH).collect();
    let chunks = firsts.into_par_iter().map(batch).collect::<Result<Vec<_>, _>>()?;
    Ok((chunks, revision))
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
