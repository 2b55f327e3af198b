//! SHA-256 of bytes and streams.

use std::io::{self, Read, Write};

use sha2::{Digest as _, Sha256};

use crate::model::digest::Digest;

/// The digest of some bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Digest {
    Digest::from_bytes(Sha256::digest(bytes).into())
}

/// The digest of a value's JSON, as serde writes it without blanks. The value must be one that JSON can hold.
#[must_use]
pub fn of_json(value: &impl serde::Serialize) -> Digest {
    of_json_and(value, "")
}

/// The digest of a value's JSON and of what follows it.
#[must_use]
pub fn of_json_and(value: &impl serde::Serialize, rest: &str) -> Digest {
    // serde writes a few bytes at a time, and a hash wants many.
    let mut written = io::BufWriter::with_capacity(64 * 1024, Hashing::new(io::sink()));
    let done = serde_json::to_writer(&mut written, value).map_err(io::Error::from);
    let done = done
        .and_then(|()| written.write_all(rest.as_bytes()))
        .and_then(|()| written.flush());
    // A digest of half of it would be signed as that of the whole.
    assert!(done.is_ok(), "a value of ours is not JSON: {done:?}");
    let (hashing, _) = written.into_parts();
    hashing.finish().1
}

/// Bytes of a cache line.
const LINE: usize = 64;
/// Bytes that are hashed at a time.
const STEP: usize = 1024;
/// How far ahead of what is hashed the next lines are asked for.
const AHEAD: usize = 4096;

/// Hashes bytes that another core has written. Their cache lines come over from that core one by one; waited for in turn they cost a quarter
/// of the time, so one byte of each is read some way ahead. The digest is that of `hasher.update(bytes)`.
pub fn update_from_afar(hasher: &mut Sha256, bytes: &[u8]) {
    let ask = |from: usize, until: usize| {
        let lines = bytes.get(from..until.min(bytes.len())).unwrap_or_default().iter().step_by(LINE);
        lines.for_each(|byte| {
            std::hint::black_box(*byte);
        });
    };
    ask(0, AHEAD);
    for (at, piece) in bytes.chunks(STEP).enumerate() {
        let ahead = at * STEP + AHEAD;
        ask(ahead, ahead + STEP);
        hasher.update(piece);
    }
}

/// A reader or writer that hashes and counts what passes through it.
pub struct Hashing<T> {
    inner: T,
    hasher: Sha256,
    count: u64,
}

impl<T> Hashing<T> {
    /// Wraps a reader or a writer.
    pub fn new(inner: T) -> Self {
        Self {
            inner,
            hasher: Sha256::new(),
            count: 0,
        }
    }

    /// What was wrapped, the digest of what passed, and how many bytes that were.
    pub fn finish(self) -> (T, Digest, u64) {
        (self.inner, Digest::from_bytes(self.hasher.finalize().into()), self.count)
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        self.count += count as u64;
        Ok(count)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(buffer)?;
        self.hasher.update(&buffer[..count]);
        self.count += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_ahead_changes_no_digest() {
        for length in [0, 1, 63, 1023, 1024, 1025, 4095, 4096, 5120, 12_345] {
            let bytes: Vec<u8> = (0..length).map(|at: u32| (at % 251) as u8).collect();
            let mut hasher = Sha256::new();
            update_from_afar(&mut hasher, &bytes);
            assert_eq!(Digest::from_bytes(hasher.finalize().into()), sha256(&bytes), "{length}");
        }
    }
}
