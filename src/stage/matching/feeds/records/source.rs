//! A source of records, and what reading it gives.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::archive::{Packed, read_archive};
use super::error::SourceError;
use super::listed;
use super::loose::{loose_files, read_loose};
use super::naming::{OVERLAY, look};
use super::naming::{key_of, pool_full};
use crate::io::Effects;
use crate::io::hash::sha256;
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::stage::matching::feeds::rustsec::Database;
use crate::stage::matching::index::{ArchiveSeen, Chunk, Index, join, merge};
use crate::stage::matching::record::parsed::{NO_TIME, Target};

/// Records in one folder.
#[derive(Debug)]
pub(in crate::stage::matching) enum Source {
    /// `all.zip`, with `modified_id.csv` beside it where there is one, and newer records in the folder [`OVERLAY`].
    Archive {
        zip: PathBuf,
        /// What the archive looks like by itself.
        archive: String,
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
    RustSec(Database),
}

/// The content of a source.
pub(in crate::stage::matching) struct Content {
    pub(in crate::stage::matching) chunk: Chunk,
    /// SHA-256 of the archive, or of the loose files' names and digests.
    pub(in crate::stage::matching) revision: Digest,
    /// The archive by itself, where the source is one.
    pub(in crate::stage::matching) archive: Option<ArchiveSeen>,
    /// The newest time of a change that it tells of.
    pub(in crate::stage::matching) newest: Option<Timestamp>,
}

impl Source {
    /// Finds the records in a folder; none where it holds neither an archive nor loose records.
    pub(in crate::stage::matching) fn find(folder: &Path) -> Result<Option<Self>, SourceError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| SourceError::Read { path, source }
        };
        let times = folder.join("modified_id.csv");
        let (times, times_look) = match fs::metadata(&times) {
            Ok(found) => (Some(times), look(&found)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (None, String::new()),
            Err(error) => return Err(failed(&times)(error)),
        };
        let zip = folder.join("all.zip");
        match fs::metadata(&zip) {
            Ok(found) => {
                let (overlay, overlay_look) = loose_files(&folder.join(OVERLAY))?;
                let archive = look(&found);
                return Ok(Some(Self::Archive {
                    look: format!("zip {archive} {times_look} {overlay_look}"),
                    zip,
                    archive,
                    overlay,
                    times,
                }));
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
    pub(in crate::stage::matching) fn identity(&self) -> &str {
        match self {
            Self::Archive { look, .. } | Self::Loose { look, .. } => look,
            Self::RustSec(database) => database.identity(),
        }
    }

    /// Reads every record, on all processors.
    pub(in crate::stage::matching) fn read(&self, target: Target<'_>, effects: &Effects) -> Result<Content, SourceError> {
        let full = |error| pool_full(self.path(), &error);
        match self {
            Self::Archive {
                zip,
                archive,
                overlay,
                times,
                ..
            } => {
                let Packed { chunks, digest, overlaid } = read_archive(zip, overlay, target, effects)?;
                let seen = ArchiveSeen {
                    look: archive.clone(),
                    digest,
                };
                let chunk = join(chunks).map_err(full)?;
                let newest = listed::newest(times.as_deref(), &chunk, target, effects)?;
                Ok(Content::new(chunk, revision_of(digest, overlaid), newest, Some(seen), target))
            }
            Self::Loose { folder, files, times, .. } => {
                let (chunks, revision) = read_loose(folder, files, false, target, effects)?;
                let chunk = join(chunks).map_err(full)?;
                let newest = listed::newest(times.as_deref(), &chunk, target, effects)?;
                Ok(Content::new(chunk, revision, newest, None, target))
            }
            Self::RustSec(database) => {
                let (chunk, revision, newest) = database.read(target, effects)?;
                Ok(Content::new(join([chunk]).map_err(full)?, revision, newest, None, target))
            }
        }
    }

    /// Takes from an earlier index what has not changed since, and reads the overlay alone. Nothing where the archive is another one or something
    /// that was laid over it is gone: only reading it tells what is there now. Equal to [`Self::read`] in all else.
    pub(in crate::stage::matching) fn renew(
        &self,
        earlier: Index,
        target: Target<'_>,
        effects: &Effects,
    ) -> Result<Option<Content>, SourceError> {
        let Self::Archive {
            zip,
            archive,
            overlay,
            times,
            ..
        } = self
        else {
            return Ok(None);
        };
        let is_same = |seen: &&ArchiveSeen| earlier.meta().ecosystem == target.base && seen.look == *archive;
        let Some(seen) = earlier.meta().archive.as_ref().filter(is_same).cloned() else {
            return Ok(None);
        };
        // What cannot be read from the index is read from the source.
        let Ok(mut kept) = earlier.records() else { return Ok(None) };
        drop(earlier);
        let is_laid_over = |file: &str| overlay.binary_search_by(|name| key_of(name).cmp(file)).is_ok();
        if kept
            .records
            .iter()
            .any(|record| record.overlaid && !is_laid_over(kept.pool.get(record.file)))
        {
            return Ok(None);
        }
        let (newer, theirs) = match overlay.is_empty() {
            true => Default::default(),
            false => {
                let (newer, theirs) = read_loose(&zip.with_file_name(OVERLAY), overlay, true, target, effects)?;
                (newer, Some(theirs))
            }
        };
        let pool = &kept.pool;
        kept.records.retain(|record| !is_laid_over(pool.get(record.file)));
        let chunk = merge(kept, newer).map_err(|error| pool_full(zip, &error))?;
        let newest = listed::newest(times.as_deref(), &chunk, target, effects)?;
        Ok(Some(Content::new(
            chunk,
            revision_of(seen.digest, theirs),
            newest,
            Some(seen),
            target,
        )))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Archive { zip, .. } => zip,
            Self::Loose { folder, .. } => folder,
            Self::RustSec(database) => database.path(),
        }
    }
}

impl Content {
    /// Records, and the newest time of a change that they and the list of them agree on. A time that is still to come tells nothing.
    fn new(chunk: Chunk, revision: Digest, newest: Option<Timestamp>, archive: Option<ArchiveSeen>, target: Target<'_>) -> Self {
        let times = chunk.records.iter().map(|record| record.modified);
        let times = times.filter(|time| *time != NO_TIME && *time <= target.now);
        let of_records = times.max().and_then(|seconds| {
            Timestamp::from_second(seconds).or_none("a time that cannot be is not known, and an unknown age is not fresh")
        });
        // A list that is newer than everything that it lists is of another copy.
        let newest = match (newest, of_records) {
            (Some(listed), Some(known)) => Some(listed.min(known)),
            (listed, known) => listed.or(known),
        };
        Self {
            newest,
            chunk,
            revision,
            archive,
        }
    }
}

/// The revision of an archive with what is laid over it.
fn revision_of(archive: Digest, overlaid: Option<Digest>) -> Digest {
    overlaid.map_or(archive, |overlaid| sha256(format!("{archive} {overlaid}").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_records_that_are_not_there_is_a_copy_of_which_a_part_is_missing() {
        let here = tempfile::tempdir().expect("a folder");
        let record = |id: &str| format!(r#"{{"id":"{id}","affected":[{{"package":{{"ecosystem":"npm","name":"a"}},"versions":["1"]}}]}}"#);
        let read = |list: &str| {
            fs::write(here.path().join("modified_id.csv"), list).expect("written");
            let source = Source::find(here.path()).expect("looked").expect("records");
            let effects = Effects::plain(here.path().to_owned());
            source
                .read(Target::new("npm", Timestamp::MAX), &effects)
                .map(drop)
                .map_err(|error| error.to_string())
        };
        fs::write(here.path().join("GHSA-1.json"), record("GHSA-1")).expect("written");
        assert_eq!(read("2026-01-01T00:00:00Z,GHSA-1\n"), Ok(()), "the control");
        let problem = read("2026-01-01T00:00:00Z,GHSA-1\n2026-01-01T00:00:00Z,GHSA-2\n").expect_err("GHSA-2 is missing");
        assert!(problem.contains("GHSA-2") && problem.contains("1 of them"), "{problem}");
        let many: String = (0..2000).map(|_| "2026-01-01T00:00:00Z,GHSA-1\n").collect();
        assert_eq!(read(&format!("{many}2026-01-01T00:00:00Z,GHSA-2\n")), Ok(()), "newer than the copy");
    }
}
