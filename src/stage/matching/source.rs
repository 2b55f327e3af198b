//! One ecosystem's records on disk: an archive (`all.zip`), or loose files.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use rayon::prelude::*;
use zip::ZipArchive;

use crate::io::Effects;
use crate::io::files::{self, FileError};
use crate::io::hash::{Hashing, sha256};
use crate::model::digest::Digest;
use crate::model::event::{Event, Stage, Unit};

use super::draft::{Draft, NO_TIME, Target, broken, draft};
use super::index::strings::{Pool, PoolFull};
use super::index::{Chunk, join};
use super::rustsec::Database;

/// Why a source cannot be read. The feed is a gap then.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    /// The disk's reason.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// An archive that is cut off or damaged.
    #[error("{} is damaged: {problem}", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// Which entry, and what is wrong with it.
        problem: String,
    },
    /// Past a limit.
    #[error("{} goes past a limit: {problem}", path.display())]
    Limit {
        /// The file.
        path: PathBuf,
        /// Which.
        problem: String,
    },
    /// Somebody asked to stop.
    #[error("interrupted")]
    Cancelled,
}

impl From<FileError> for SourceError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Read { path, source } | FileError::Write { path, source } => Self::Read { path, source },
            FileError::TooLarge { path, limit } => Self::Limit {
                path,
                problem: format!("larger than {limit} bytes"),
            },
            FileError::Encoding { path, offset } => Self::Archive {
                path,
                problem: format!("not UTF-8 from byte {offset} on"),
            },
        }
    }
}

/// Records in one folder.
#[derive(Debug)]
pub(super) enum Source {
    /// `all.zip`, with `modified_id.csv` beside it where there is one, and newer records in the folder [`OVERLAY`].
    Archive {
        zip: PathBuf,
        overlay: Vec<String>,
        look: String,
        times: Option<PathBuf>,
    },
    /// `*.json`, sorted by name.
    Loose {
        folder: PathBuf,
        files: Vec<String>,
        look: String,
        times: Option<PathBuf>,
    },
    /// RustSec's own database.
    RustSec(Database),
}

/// The content of a source.
pub(super) struct Content {
    pub(super) chunk: Chunk,
    /// SHA-256 of the archive, or of the loose files' names and digests.
    pub(super) revision: Digest,
    /// The newest time of a change that it tells of.
    pub(super) newest: Option<Timestamp>,
}

/// The folder of records that are newer than the archive beside it.
pub(super) const OVERLAY: &str = "changed";

/// Records in one unit of parallel work.
const BATCH: usize = 1024;

impl Source {
    /// Finds the records in a folder; none where it holds neither an archive nor loose records.
    pub(super) fn find(folder: &Path) -> Result<Option<Self>, SourceError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| SourceError::Read { path, source }
        };
        let times = folder.join("modified_id.csv");
        let (times, times_look) = match fs::metadata(&times) {
            Ok(found) => (Some(times), look(&found)),
            Err(_) => (None, String::new()),
        };
        let zip = folder.join("all.zip");
        match fs::metadata(&zip) {
            Ok(found) => {
                let (overlay, overlay_look) = loose_files(&folder.join(OVERLAY))?;
                let look = format!("zip {} {times_look} {overlay_look}", look(&found));
                return Ok(Some(Self::Archive { zip, overlay, look, times }));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&zip)(error)),
        }
        let (files, files_look) = loose_files(folder)?;
        Ok((!files.is_empty()).then(|| Self::Loose {
            folder: folder.to_owned(),
            look: format!("loose {files_look} {times_look}"),
            files,
            times,
        }))
    }

    /// What it looks like from outside, by sizes and times of change: another look means other content.
    pub(super) fn identity(&self) -> &str {
        match self {
            Self::Archive { look, .. } | Self::Loose { look, .. } => look,
            Self::RustSec(database) => database.identity(),
        }
    }

    /// Reads every record, on all processors.
    pub(super) fn read(&self, target: Target<'_>, effects: &Effects) -> Result<Content, SourceError> {
        let (chunks, revision, newest) = match self {
            Self::Archive { zip, overlay, times, .. } => {
                let (mut chunks, mut revision) = read_archive(zip, overlay, target, effects)?;
                if !overlay.is_empty() {
                    let folder = zip.with_file_name(OVERLAY);
                    let (newer, theirs) = read_loose(&folder, overlay, target, effects)?;
                    chunks.extend(newer);
                    revision = sha256(format!("{revision} {theirs}").as_bytes());
                }
                (chunks, revision, newest_of_times(times.as_deref(), effects)?)
            }
            Self::Loose { folder, files, times, .. } => {
                let (chunks, revision) = read_loose(folder, files, target, effects)?;
                (chunks, revision, newest_of_times(times.as_deref(), effects)?)
            }
            Self::RustSec(database) => {
                let (chunk, revision, newest) = database.read(target, effects)?;
                (vec![chunk], revision, newest)
            }
        };
        let chunk = join(chunks).map_err(|error| pool_full(self.path(), &error))?;
        let newest = newest.or_else(|| {
            let newest = chunk
                .drafts
                .iter()
                .map(|draft| draft.modified)
                .filter(|time| *time != NO_TIME)
                .max();
            newest.and_then(|seconds| Timestamp::from_second(seconds).ok())
        });
        Ok(Content { chunk, revision, newest })
    }

    fn path(&self) -> &Path {
        match self {
            Self::Archive { zip, .. } => zip,
            Self::Loose { folder, .. } => folder,
            Self::RustSec(database) => database.path(),
        }
    }
}

fn newest_of_times(path: Option<&Path>, effects: &Effects) -> Result<Option<Timestamp>, SourceError> {
    let Some(path) = path else { return Ok(None) };
    Ok(newest_of_list(&files::read(path, effects.limits.feed)?))
}

/// The records in a folder, sorted, and what they look like together; nothing where there is no folder.
fn loose_files(folder: &Path) -> Result<(Vec<String>, String), SourceError> {
    let failed = |source| SourceError::Read {
        path: folder.to_owned(),
        source,
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Default::default()),
        Err(error) => return Err(failed(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if let Ok(name) = entry.file_name().into_string()
            && name.ends_with(".json")
            && name != "retrieval.json"
            && !name.starts_with('.')
        {
            files.push((name, look(&entry.metadata().map_err(failed)?)));
        }
    }
    if files.is_empty() {
        return Ok(Default::default());
    }
    files.sort();
    let text: String = files.iter().map(|(name, look)| format!("{name}\0{look}\n")).collect();
    Ok((
        files.into_iter().map(|(name, _)| name).collect(),
        sha256(text.as_bytes()).to_string(),
    ))
}

/// Size, time of change and inode.
pub(super) fn look(found: &Metadata) -> String {
    format!("{}:{}.{}:{}", found.len(), found.mtime(), found.mtime_nsec(), found.ino())
}

fn pool_full(path: &Path, error: &PoolFull) -> SourceError {
    SourceError::Limit {
        path: path.to_owned(),
        problem: error.to_string(),
    }
}

/// The newest time in the first column of `modified_id.csv`.
pub(super) fn newest_of_list(bytes: &[u8]) -> Option<Timestamp> {
    let lines = bytes.split(|byte| *byte == b'\n');
    let times = lines.filter_map(|line| std::str::from_utf8(line).ok()?.split(',').next()?.trim().parse().ok());
    times.max()
}

/// Counts what is done, and tells of it.
struct Progress<'a> {
    effects: &'a Effects,
    task: String,
    done: AtomicU64,
    total: u64,
}

impl Progress<'_> {
    fn add(&self, count: u64) -> Result<(), SourceError> {
        if self.effects.is_cancelled() {
            return Err(SourceError::Cancelled);
        }
        let done = self.done.fetch_add(count, Ordering::Relaxed) + count;
        self.effects.emit(&Event::Progress {
            stage: Stage::Matching,
            task: self.task.clone(),
            done,
            total: Some(self.total),
            unit: Unit::Items,
        });
        Ok(())
    }
}

fn read_archive(path: &Path, overlay: &[String], target: Target<'_>, effects: &Effects) -> Result<(Vec<Chunk>, Digest), SourceError> {
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

fn read_loose(folder: &Path, names: &[String], target: Target<'_>, effects: &Effects) -> Result<(Vec<Chunk>, Digest), SourceError> {
    let progress = Progress {
        effects,
        task: format!("index {}", target.base),
        done: AtomicU64::new(0),
        total: names.len() as u64,
    };
    let batch = |names: &[String]| -> Result<(Chunk, String), SourceError> {
        let mut chunk = Batch::new(target);
        let mut digests = String::new();
        for name in names {
            let path = folder.join(name);
            let file = File::open(&path).map_err(|source| SourceError::Read {
                path: path.clone(),
                source,
            })?;
            let mut bytes = Vec::new();
            let limit = effects.limits.advisory;
            file.take(limit + 1).read_to_end(&mut bytes).map_err(|source| SourceError::Read {
                path: path.clone(),
                source,
            })?;
            digests.push_str(&format!("{name} {}\n", sha256(&bytes)));
            chunk.add(&bytes, name, limit).map_err(|error| pool_full(folder, &error))?;
        }
        progress.add(names.len() as u64)?;
        Ok((chunk.done(), digests))
    };
    let parts = names.par_chunks(BATCH).map(batch).collect::<Result<Vec<_>, _>>()?;
    let (chunks, digests): (Vec<Chunk>, Vec<String>) = parts.into_iter().unzip();
    Ok((chunks, sha256(digests.concat().as_bytes())))
}

struct Batch<'a> {
    target: Target<'a>,
    pool: Pool,
    drafts: Vec<Draft>,
}

impl<'a> Batch<'a> {
    fn new(target: Target<'a>) -> Self {
        Self {
            target,
            pool: Pool::new(),
            drafts: Vec::new(),
        }
    }

    fn add(&mut self, bytes: &[u8], name: &str, limit: u64) -> Result<(), PoolFull> {
        let draft = if bytes.len() as u64 > limit {
            let problem = format!("it is larger than {limit} bytes");
            broken(bytes, name, &problem, self.target, &mut self.pool)?
        } else {
            draft(bytes, name, self.target, &mut self.pool)?
        };
        self.drafts.push(draft);
        Ok(())
    }

    fn done(mut self) -> Chunk {
        self.pool.seal();
        Chunk {
            pool: self.pool,
            drafts: self.drafts,
        }
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
