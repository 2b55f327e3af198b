//! A source of records, and what reading it gives.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::archive::{Packed, Piece, Reader, read_archive};
use super::error::SourceError;
use super::listed;
use super::loose::{Laid, loose_files, read_loose};
use super::naming::{OVERLAY, look};
use crate::io::Effects;
use crate::io::hash::sha256;
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::stage::matching::feeds::rustsec::Database;
use crate::stage::matching::index::{ArchiveSeen, Builder, Earlier};
use crate::stage::matching::record::parsed::Target;

/// Records in one folder.
#[derive(Debug)]
pub(in crate::stage::matching) enum Source {
    /// `all.zip`, with `modified_id.csv` beside it where there is one, newer records in the folder [`OVERLAY`], and its owner's beside it.
    Archive {
        zip: PathBuf,
        /// What the archive looks like by itself.
        archive: String,
        overlay: Vec<Laid>,
        look: String,
        times: Option<PathBuf>,
    },
    /// `*.json`, sorted by name.
    Loose {
        folder: PathBuf,
        files: Vec<Laid>,
        look: String,
        times: Option<PathBuf>,
    },
    RustSec(Database),
}

/// What a source is, beside its records.
pub(in crate::stage::matching) struct Content {
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
                let (mut overlay, overlay_look) = loose_files(folder, Some(OVERLAY))?;
                let (own, own_look) = loose_files(folder, None)?;
                overlay.extend(own);
                overlay.sort_by(|a, b| a.key.cmp(&b.key));
                let archive = look(&found);
                return Ok(Some(Self::Archive {
                    look: format!("zip {archive} {times_look} {overlay_look}{own_look}"),
                    zip,
                    archive,
                    overlay,
                    times,
                }));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&zip)(error)),
        }
        let (files, files_look) = loose_files(folder, None)?;
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

    /// Gives every record to an index, on all processors. What an earlier index has of the same content is taken from there: both ways give the same
    /// index.
    pub(in crate::stage::matching) fn read(
        &self,
        earlier: Option<&Earlier>,
        builder: &mut Builder,
        target: Target<'_>,
        effects: &Effects,
    ) -> Result<Content, SourceError> {
        match self {
            Self::Archive {
                zip,
                archive,
                overlay,
                times,
                ..
            } => {
                let earlier = earlier.filter(|earlier| earlier.index().meta().ecosystem == target.base);
                let kept = earlier.and_then(|earlier| kept(earlier, archive, overlay));
                let (digest, overlaid) = match kept {
                    Some((pieces, digest)) => {
                        let reader = Reader {
                            path: zip,
                            directory: None,
                            earlier,
                            target,
                            effects,
                        };
                        let overlaid = reader.read(&pieces, builder)?;
                        (digest, (!overlay.is_empty()).then_some(overlaid))
                    }
                    None => {
                        let Packed { digest, overlaid } = read_archive(zip, overlay, earlier, builder, target, effects)?;
                        (digest, overlaid)
                    }
                };
                let seen = ArchiveSeen {
                    look: archive.clone(),
                    digest,
                };
                let newest = listed::newest(times.as_deref(), builder, target, effects)?;
                Ok(Content::new(builder, revision_of(digest, overlaid), newest, Some(seen), target))
            }
            Self::Loose { folder, files, times, .. } => {
                let revision = read_loose(folder, files, builder, target, effects)?;
                let newest = listed::newest(times.as_deref(), builder, target, effects)?;
                Ok(Content::new(builder, revision, newest, None, target))
            }
            Self::RustSec(database) => {
                let (chunk, revision, newest) = database.read(target, effects)?;
                builder.take(chunk.into())?;
                Ok(Content::new(builder, revision, newest, None, target))
            }
        }
    }
}

/// The records of an earlier index and those that are laid over them, sorted by their keys, and the archive's digest. Nothing where the archive is
/// another one or something that was laid over it is gone: only reading it tells what is there now.
fn kept<'a>(earlier: &Earlier, archive: &str, overlay: &'a [Laid]) -> Option<(Vec<Piece<'a>>, Digest)> {
    let seen = earlier.index().meta().archive.as_ref().filter(|seen| seen.look == archive)?;
    let mut pieces = Vec::with_capacity(earlier.records() as usize + overlay.len());
    let mut laid = overlay.iter().peekable();
    for number in 0..earlier.records() {
        let key = earlier.file(number);
        while let Some(before) = laid.next_if(|laid| laid.key.as_str() < key) {
            pieces.push(Piece::Laid(before));
        }
        match laid.next_if(|laid| laid.key == key) {
            Some(same) if same.is_newer() => pieces.push(Piece::Laid(same)),
            // Whether the archive has it too only the archive tells.
            Some(_) => return None,
            None if earlier.is_overlaid(number) => return None,
            None => pieces.push(Piece::Kept(number)),
        }
    }
    pieces.extend(laid.map(Piece::Laid));
    Some((pieces, seen.digest))
}

impl Content {
    /// Records, and the newest time of a change that they and the list of them agree on. A time that is still to come tells nothing.
    fn new(builder: &Builder, revision: Digest, newest: Option<Timestamp>, archive: Option<ArchiveSeen>, target: Target<'_>) -> Self {
        let of_records = builder.newest(target.now).and_then(|seconds| {
            Timestamp::from_second(seconds).or_none("a time that cannot be is not known, and an unknown age is not fresh")
        });
        // A list that is newer than everything that it lists is of another copy.
        let newest = match (newest, of_records) {
            (Some(listed), Some(known)) => Some(listed.min(known)),
            (listed, known) => listed.or(known),
        };
        Self { newest, revision, archive }
    }
}

/// The revision of an archive with what is laid over it.
fn revision_of(archive: Digest, overlaid: Option<Digest>) -> Digest {
    overlaid.map_or(archive, |overlaid| sha256(format!("{archive} {overlaid}").as_bytes()))
}
