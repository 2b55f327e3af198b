//! Entries of an archive, unpacked one after the other.

use flate2::{Decompress, FlushDecompress, Status};
use sha2::{Digest as _, Sha256};

use super::directory::Entry;
use crate::stage::matching::index::Identity;

/// What tells an entry's content from another, by the bytes as they are stored.
pub(super) fn identity(entry: &Entry, stored: &[u8]) -> Identity {
    let mut hasher = Sha256::new();
    hasher.update(entry.method.to_le_bytes());
    hasher.update(entry.size.to_le_bytes());
    hasher.update(entry.packed.to_le_bytes());
    hasher.update(entry.crc.to_le_bytes());
    hasher.update(stored);
    first_half(&hasher.finalize())
}

pub(super) fn first_half(digest: &[u8]) -> Identity {
    let mut identity = Identity::default();
    identity.copy_from_slice(&digest[..16]);
    identity
}

/// Unpacks entries one after the other.
pub(super) struct Unpacker(Decompress);

impl Unpacker {
    pub(super) fn new() -> Self {
        Self(Decompress::new(false))
    }

    /// The content of an entry, of which no more than `most` bytes are unpacked.
    pub(super) fn unpack(&mut self, entry: &Entry, stored: &[u8], most: u64, into: &mut Vec<u8>) -> Result<(), String> {
        into.clear();
        match entry.method {
            0 => into.extend_from_slice(&stored[..stored.len().min(most as usize)]),
            8 => self.inflate(entry, stored, most as usize, into)?,
            other => return Err(format!("its method {other} is not known")),
        }
        let is_cut = into.len() as u64 == most && entry.size >= most;
        if !is_cut && (into.len() as u64 != entry.size || crc32fast::hash(into) != entry.crc) {
            return Err("its bytes are not those that were packed".to_owned());
        }
        Ok(())
    }

    fn inflate(&mut self, entry: &Entry, stored: &[u8], most: usize, into: &mut Vec<u8>) -> Result<(), String> {
        self.0.reset(false);
        // One byte more than it says: where that comes it is of another size.
        into.reserve((entry.size as usize).saturating_add(1).min(most));
        loop {
            let read = self.0.total_in() as usize;
            let status = self.0.decompress_vec(&stored[read..], into, FlushDecompress::Finish);
            let status = status.map_err(|error| error.to_string())?;
            into.truncate(most);
            match status {
                Status::StreamEnd if self.0.total_in() as usize == stored.len() => return Ok(()),
                Status::StreamEnd => return Err("bytes follow its end".to_owned()),
                _ if into.len() == most || into.len() as u64 > entry.size => return Ok(()),
                _ if into.len() < into.capacity() => return Err("it is cut off".to_owned()),
                _ => into.reserve(1),
            }
        }
    }
}
