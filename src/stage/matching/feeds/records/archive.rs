//! `all.zip`: read by all processors at once.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::io::Effects;
use crate::io::files::{self, folder_of};
use crate::io::hash::{Hashing, sha256};
use crate::model::digest::Digest;

use super::SourceError;
use super::batch::{Batch, Named, Progress, read_all};
use super::directory::{Directory, Entry, Refused};
use super::loose::{Laid, read_one};
use super::naming::pool_full;
use super::unpacker::{Unpacker, first_half, identity};
use crate::stage::matching::index::{Builder, Earlier};
use crate::stage::matching::record::parsed::Target;

/// What an archive with what is laid over it is.
pub(super) struct Packed {
    /// SHA-256 of the archive.
    pub(super) digest: Digest,
    /// SHA-256 of the overlay's names and digests; none where there is none.
    pub(super) overlaid: Option<Digest>,
}

/// Where a record comes from.
pub(super) enum Piece<'a> {
    /// From the index of before, by its number there.
    Kept(u32),
    /// From the archive; the number is that of the record of this name in the index of before.
    Entry(&'a Entry, Option<u32>),
    /// From the archive, and somebody laid the same one beside it.
    Twice(&'a Entry, &'a Laid),
    Laid(&'a Laid),
}

/// Reads an archive, and what lies beside it: a record of the overlay takes the place of the archive's of the same name. What an earlier index has of the same content is
/// taken from there.
pub(super) fn read_archive(
    path: &Path,
    overlay: &[Laid],
    earlier: Option<&Earlier>,
    builder: &mut Builder,
    target: Target<'_>,
    effects: &Effects,
) -> Result<Packed, SourceError> {
    let read_failed = |source| SourceError::Read {
        path: path.to_owned(),
        source,
    };
    let limited = |problem: &str| SourceError::Limit {
        path: path.to_owned(),
        problem: problem.to_owned(),
    };
    let file = files::open(path).map_err(read_failed)?;
    let length = file.metadata().map_err(read_failed)?.len();
    if length > effects.limits.feed {
        return Err(limited("it is too large"));
    }
    let whole = file.try_clone().map_err(read_failed)?;
    let (digest, directory) = rayon::join(
        || {
            let mut hashing = Hashing::new(io::BufReader::with_capacity(1 << 20, whole));
            io::copy(&mut hashing, &mut io::sink()).map(|_| hashing.finish().1)
        },
        || Directory::read(file, length, effects.limits.entries),
    );
    let digest = digest.map_err(read_failed)?;
    let directory = directory.map_err(|refused| match refused {
        Refused::TooMany => limited("it has too many entries"),
        Refused::Damaged(problem) => SourceError::Archive {
            path: path.to_owned(),
            problem,
        },
    })?;
    let pieces = pieces(&directory, overlay, earlier);
    let reader = Reader {
        path,
        directory: Some(&directory),
        earlier,
        target,
        effects,
    };
    let overlaid = reader.read(&pieces, builder)?;
    Ok(Packed {
        digest,
        overlaid: (!overlay.is_empty()).then_some(overlaid),
    })
}

/// The records of both, sorted by their keys.
fn pieces<'a>(directory: &'a Directory, overlay: &'a [Laid], earlier: Option<&Earlier>) -> Vec<Piece<'a>> {
    let mut pieces = Vec::with_capacity(directory.entries.len() + overlay.len());
    let mut laid = overlay.iter().peekable();
    let mut known = (0..earlier.map_or(0, Earlier::records)).peekable();
    for entry in &directory.entries {
        let key = directory.key(entry);
        while let Some(before) = laid.next_if(|laid| laid.key.as_str() < key) {
            pieces.push(Piece::Laid(before));
        }
        if let Some(same) = laid.next_if(|laid| laid.key == key) {
            pieces.push(match same.is_newer() {
                true => Piece::Laid(same),
                false => Piece::Twice(entry, same),
            });
            continue;
        }
        let known = earlier.and_then(|earlier| {
            while known.next_if(|number| earlier.file(*number) < key).is_some() {}
            known.next_if(|number| earlier.file(*number) == key)
        });
        pieces.push(Piece::Entry(entry, known));
    }
    pieces.extend(laid.map(Piece::Laid));
    pieces
}

/// Reads pieces, wherever they are.
pub(super) struct Reader<'a> {
    pub(super) path: &'a Path,
    pub(super) directory: Option<&'a Directory>,
    pub(super) earlier: Option<&'a Earlier>,
    pub(super) target: Target<'a>,
    pub(super) effects: &'a Effects,
}

impl Reader<'_> {
    /// Gives pieces to an index; the digest is that of the overlay's names and contents.
    pub(super) fn read(&self, pieces: &[Piece<'_>], builder: &mut Builder) -> Result<Digest, SourceError> {
        let progress = Progress::new(self.effects, self.target, pieces.len() as u64);
        let unpacked = AtomicU64::new(0);
        let limit = self.effects.limits.advisory;
        // Of a record that was read before less is held than of one that is read now.
        let size = |at: usize| match &pieces[at] {
            Piece::Kept(_) => 1024,
            Piece::Entry(entry, _) | Piece::Twice(entry, _) => entry.size.min(limit),
            Piece::Laid(_) => 64 << 10,
        };
        let read = |unit: std::ops::Range<usize>| {
            let mut batch = Batch::new(self.target);
            let mut lines = String::new();
            let mut room = Room {
                stored: Vec::new(),
                bytes: Vec::new(),
                unpacker: Unpacker::new(),
            };
            for piece in &pieces[unit] {
                let count = self.read_piece(piece, &mut batch, &mut room, &mut lines)?;
                if unpacked.fetch_add(count, Ordering::Relaxed) > self.effects.limits.feed_unpacked {
                    return Err(SourceError::Limit {
                        path: self.path.to_owned(),
                        problem: "it unpacks to too much".to_owned(),
                    });
                }
            }
            Ok((batch.part, lines))
        };
        let lines = read_all(pieces.len(), size, read, builder, &progress)?;
        Ok(sha256(lines.concat().as_bytes()))
    }

    /// How many bytes it has.
    fn read_piece(&self, piece: &Piece<'_>, batch: &mut Batch<'_>, room: &mut Room, lines: &mut String) -> Result<u64, SourceError> {
        let limit = self.effects.limits.advisory;
        let full = |error| pool_full(self.path, &error);
        match piece {
            Piece::Kept(number) => {
                if let Some(earlier) = self.earlier {
                    earlier.copy(*number, &mut batch.part).map_err(SourceError::Earlier)?;
                }
                Ok(0)
            }
            Piece::Twice(entry, laid) => {
                let count = self.read_piece(&Piece::Entry(entry, None), batch, room, lines)?;
                let (bytes, _) = read_one(folder_of(self.path), &laid.file, limit)?;
                match bytes == room.bytes {
                    true => Ok(count),
                    false => Err(SourceError::Archive {
                        path: self.path.with_file_name(&laid.file),
                        problem: "the archive beside it holds another record of this name, and nobody says which of them holds".to_owned(),
                    }),
                }
            }
            Piece::Laid(laid) => {
                let (bytes, line) = read_one(folder_of(self.path), &laid.file, limit)?;
                lines.push_str(&line);
                let file = Named {
                    name: &laid.file,
                    key: &laid.key,
                    overlaid: true,
                };
                let identity = first_half(sha256(&bytes).bytes());
                batch.add(&bytes, file, identity, limit).map_err(full)?;
                Ok(bytes.len() as u64)
            }
            Piece::Entry(entry, known) => {
                let Some(directory) = self.directory else { return Ok(0) };
                let name = directory.name(entry);
                let damaged = |problem: String| SourceError::Archive {
                    path: self.path.to_owned(),
                    problem: format!("{name}: {problem}"),
                };
                // What is larger than a record may be is set aside by its beginning: no packing makes more than a little more of it.
                let most = limit + (limit >> 8) + 4096;
                let stored = directory.stored(entry, most, &mut room.stored).map_err(damaged)?;
                let identity = identity(entry, stored);
                if let (Some(earlier), Some(number)) = (self.earlier, known)
                    && entry.packed <= most
                    && earlier.is_of(*number, identity)
                {
                    earlier.copy(*number, &mut batch.part).map_err(SourceError::Earlier)?;
                    return Ok(entry.size);
                }
                let unpacked = room.unpacker.unpack(entry, stored, limit + 1, &mut room.bytes);
                unpacked.map_err(damaged)?;
                let file = Named {
                    name,
                    key: directory.key(entry),
                    overlaid: false,
                };
                batch.add(&room.bytes, file, identity, limit).map_err(full)?;
                Ok(room.bytes.len() as u64)
            }
        }
    }
}

/// What is used again for each record.
struct Room {
    stored: Vec<u8>,
    bytes: Vec<u8>,
    unpacker: Unpacker,
}
