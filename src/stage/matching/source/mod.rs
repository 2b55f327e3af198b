//! One ecosystem's records on disk. Takes a folder. Gives drafts of its records, all processors at work.
//! Invariant: another look from outside means other content; a record that cannot be read is set aside and counted, never passed over.

mod archive;
mod batch;
mod error;
mod loose;

pub(super) use error::SourceError;

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::io::Effects;
use crate::io::files;
use crate::io::hash::sha256;
use crate::model::digest::Digest;

use super::draft::{NO_TIME, Target};
use super::index::strings::PoolFull;
use super::index::{Chunk, join};
use super::rustsec::Database;
use archive::read_archive;
use loose::{loose_files, read_loose};

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
