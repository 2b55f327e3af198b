//! A layer is read by three workers and the caller: they read, hash and decode the blob, the caller hashes the tar and walks over it.
//! A plain layer needs no decoding, and its one digest is both.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{channel, sync_channel};
use std::thread;

use sha2::{Digest as _, Sha256};

use super::Visitor;
use super::decode;
use super::error::{LayerError, LayerProblem};
use super::stream::{Chunks, Stream};
use super::walk;
use super::workers::{Blob, PLAIN_IN_FLIGHT, STORED_IN_FLIGHT, Source, decode_blob, hash_blob, read_blob};
use crate::io::hash::update_from_afar;
use crate::io::limits::Limits;
use crate::model::digest::Digest;
use crate::model::image::Compression;

/// What the manifest and the configuration state about a layer. What is `None` is computed and not compared.
#[derive(Debug, Clone, Default)]
pub struct Stated {
    /// Digest of the blob.
    pub digest: Option<Digest>,
    /// Digest of the unpacked tar.
    pub diff_id: Option<Digest>,
    /// Size of the blob in bytes.
    pub size: Option<u64>,
    /// What to call it in errors when there is no digest.
    pub name: String,
}

/// What was computed about a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Digest of the blob.
    pub digest: Digest,
    /// Digest of the unpacked tar.
    pub diff_id: Digest,
    /// Size of the blob in bytes.
    pub size: u64,
    /// Size of the unpacked tar in bytes.
    pub unpacked: u64,
    /// Number of entries.
    pub entries: u64,
}

/// Reads a layer once: walks over its entries and verifies its size and its digests.
///
/// # Errors
/// [`LayerError`]; then nothing that the visitor saw may be used.
pub fn read(blob: impl Read + Send, stated: &Stated, limits: &Limits, visitor: &mut dyn Visitor) -> Result<Totals, LayerError> {
    let failed = |problem, offset, unpacked| LayerError {
        layer: stated
            .digest
            .map_or_else(|| stated.name.clone(), |digest| format!("layer {digest}")),
        offset,
        unpacked,
        problem,
    };
    if stated.size.unwrap_or(0) > limits.layer {
        let limit = limits.layer;
        return Err(failed(
            LayerProblem::Limit {
                what: "the size of a layer",
                limit,
            },
            0,
            false,
        ));
    }
    thread::scope(|scope| {
        let (read, read_chunks) = sync_channel(STORED_IN_FLIGHT);
        let (stored, stored_chunks) = sync_channel(STORED_IN_FLIGHT);
        let (spent_stored, recycled) = channel();
        let bound = stated.size.unwrap_or(limits.layer);
        let reader = scope.spawn(move || read_blob(blob, bound, &read, &recycled));
        let hasher = scope.spawn(move || hash_blob(&read_chunks, &stored));
        let mut source = Source::new(stored_chunks, spent_stored);
        let compression = match source.fill_buf() {
            Ok(start) => decode::sniff(start),
            Err(_) => Compression::None,
        };
        let walked = if compression == Compression::None {
            let walked = walk_over(&mut source, limits, bound, visitor, false);
            drop(source);
            walked
        } else {
            let (plain, plain_chunks) = sync_channel(PLAIN_IN_FLIGHT);
            let (spent_plain, recycled) = channel();
            let decoding = scope.spawn(move || decode_blob(source, compression, &plain, &recycled));
            let mut decoded = Source::new(plain_chunks, spent_plain);
            let walked = walk_over(&mut decoded, limits, bound, visitor, true);
            drop(decoded);
            if decoding.join().is_err() {
                return Err(failed(LayerProblem::Compression("the decoder failed".to_owned()), 0, false));
            }
            walked
        };
        let (Ok(blob), Ok(digest)) = (reader.join(), hasher.join()) else {
            return Err(failed(LayerProblem::Read(io::Error::other("the reader failed")), 0, false));
        };
        finish(blob, digest, walked, stated, &failed)
    })
}

/// What the caller saw.
struct Walked {
    entries: Result<u64, LayerProblem>,
    offset: u64,
    diff_id: Option<Digest>,
    unpacked: u64,
}

/// Counts and, where the tar's digest is not the blob's, hashes what passes.
struct Measured<'s> {
    source: &'s mut Source,
    hasher: Option<Sha256>,
    unpacked: u64,
    stored: u64,
    limits: &'s Limits,
}

impl Chunks for Measured<'_> {
    fn next(&mut self, spent: Vec<u8>) -> Result<Option<Vec<u8>>, LayerProblem> {
        let Some(chunk) = self.source.next(spent)? else {
            return Ok(None);
        };
        self.unpacked += chunk.len() as u64;
        if let Some(hasher) = &mut self.hasher {
            update_from_afar(hasher, &chunk);
            let (unpacked, stored) = (self.unpacked, self.stored);
            if unpacked > self.limits.expansion_free && unpacked / self.limits.expansion > stored {
                return Err(LayerProblem::Bomb { unpacked, stored });
            }
        }
        if self.unpacked > self.limits.layer_unpacked {
            return Err(LayerProblem::Limit {
                what: "the unpacked size of a layer",
                limit: self.limits.layer_unpacked,
            });
        }
        Ok(Some(chunk))
    }
}

fn walk_over(source: &mut Source, limits: &Limits, stored: u64, visitor: &mut dyn Visitor, decoded: bool) -> Walked {
    let mut measured = Measured {
        source,
        hasher: decoded.then(Sha256::new),
        unpacked: 0,
        stored,
        limits,
    };
    let mut stream = Stream::new(&mut measured);
    let entries = walk::walk(&mut stream, limits, visitor);
    let offset = stream.offset();
    Walked {
        entries,
        offset,
        diff_id: measured.hasher.map(|hasher| Digest::from_bytes(hasher.finalize().into())),
        unpacked: measured.unpacked,
    }
}

/// Compares what was stated with what was seen. The blob comes first: a wrong blob explains a broken tar, not the reverse.
fn finish(
    blob: Blob,
    digest: Digest,
    walked: Walked,
    stated: &Stated,
    failed: &dyn Fn(LayerProblem, u64, bool) -> LayerError,
) -> Result<Totals, LayerError> {
    if matches!(walked.entries, Err(LayerProblem::Interrupted)) {
        return Err(failed(LayerProblem::Interrupted, walked.offset, true));
    }
    if let Some(problem) = blob.problem {
        return Err(failed(problem, blob.size, false));
    }
    match stated.size {
        Some(expected) if blob.size < expected => {
            let found = blob.size;
            return Err(failed(LayerProblem::Truncated { expected, found }, found, false));
        }
        Some(expected) if blob.size > expected => return Err(failed(LayerProblem::TooLong(expected), expected, false)),
        _ => {}
    }
    if stated.digest.is_some_and(|expected| expected != digest) {
        return Err(failed(LayerProblem::WrongDigest(digest), blob.size, false));
    }
    let entries = walked.entries.map_err(|problem| failed(problem, walked.offset, true))?;
    let found = walked.diff_id.unwrap_or(digest);
    match stated.diff_id {
        Some(expected) if expected != found => Err(failed(LayerProblem::WrongDiffId { expected, found }, walked.unpacked, true)),
        _ => Ok(Totals {
            digest,
            diff_id: found,
            size: blob.size,
            unpacked: walked.unpacked,
            entries,
        }),
    }
}
