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
    debug_assert!(done.is_ok(), "a sink never fails");
    let (hashing, _) = written.into_parts();
    hashing.finish().1
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
