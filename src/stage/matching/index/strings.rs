//! A pool of texts, each kept once. A reference is the offset of a length and the bytes behind it.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A text in a pool.
pub(in crate::stage::matching) type StringRef = u32;

/// The empty text, which every pool holds first.
pub(in crate::stage::matching) const EMPTY: StringRef = 0;

/// The pool became larger than its references reach.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the texts of one feed take more than 4 GiB")]
pub(in crate::stage::matching) struct PoolFull;

pub(in crate::stage::matching) struct Pool {
    bytes: Vec<u8>,
    seen: HashMap<u64, StringRef, BuildHasherDefault<Ready>>,
}

impl Pool {
    pub(in crate::stage::matching) fn new() -> Self {
        let mut seen = HashMap::default();
        seen.insert(hash(""), EMPTY);
        Self { bytes: vec![0; 4], seen }
    }

    /// The reference of a text, which is added where it is new.
    pub(in crate::stage::matching) fn intern(&mut self, text: &str) -> Result<StringRef, PoolFull> {
        let key = hash(text);
        match self.seen.get(&key) {
            Some(at) if self.get(*at) == text => Ok(*at),
            // Two texts of one hash: the second is kept twice, which costs bytes and nothing else.
            Some(_) => self.push(text),
            None => {
                let at = self.push(text)?;
                self.seen.insert(key, at);
                Ok(at)
            }
        }
    }

    fn push(&mut self, text: &str) -> Result<StringRef, PoolFull> {
        let at = u32::try_from(self.bytes.len()).map_err(|_| PoolFull)?;
        let length = u32::try_from(text.len()).map_err(|_| PoolFull)?;
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(text.as_bytes());
        Ok(at)
    }

    /// The text of a reference that this pool gave.
    pub(in crate::stage::matching) fn get(&self, at: StringRef) -> &str {
        let at = at as usize;
        let length = self
            .bytes
            .get(at..at + 4)
            .map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize);
        let bytes = self.bytes.get(at + 4..at + 4 + length).unwrap_or_default();
        std::str::from_utf8(bytes).expect("a pool holds texts only")
    }

    /// Forgets what it holds, so that its room is used again.
    pub(in crate::stage::matching) fn clear(&mut self) {
        self.bytes.truncate(4);
        self.seen.clear();
        self.seen.insert(hash(""), EMPTY);
    }

    /// How many bytes its texts take.
    pub(in crate::stage::matching) fn size(&self) -> usize {
        self.bytes.len()
    }
}

/// FNV-1a with a final mix: the same on every machine, and good enough in its upper bits for a bucket number.
pub(in crate::stage::matching) fn hash(text: &str) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text.bytes() {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    state ^= state >> 33;
    state = state.wrapping_mul(0xff51_afd7_ed55_8ccd);
    state ^ (state >> 33)
}

/// A hasher for keys that are hashes already.
#[derive(Default)]
pub(in crate::stage::matching) struct Ready(u64);

impl Hasher for Ready {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }

    fn write_u32(&mut self, value: u32) {
        self.0 = u64::from(value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
