//! Tables whose keys are hashes of paths.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// Keys are hashes already.
#[derive(Default)]
pub(in crate::stage::inventory) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        // The low bits of some were given away to a mark; a table takes its place from the low bits.
        self.0 = hash.rotate_right(3);
    }
}

pub(in crate::stage::inventory) type ByHash<V> = HashMap<u64, V, BuildHasherDefault<Hashed>>;
pub(in crate::stage::inventory) type Hashes = HashSet<u64, BuildHasherDefault<Hashed>>;
