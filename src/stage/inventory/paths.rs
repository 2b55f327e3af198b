//! Every path of one layer, eight bytes each: enough to say what the layer hides of the layers below it.

use std::hash::{BuildHasher, DefaultHasher, Hasher, RandomState};

use serde::{Deserialize, Serialize};

use super::packed;

/// What a layer says about a path. The two low bits of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// A folder.
    Directory = 0,
    /// A file, a link, a device.
    Other = 1,
    /// The path is deleted from the layers below.
    Whiteout = 2,
    /// The folder's content is deleted from the layers below.
    Opaque = 3,
}

const BITS: u64 = 3;

/// A key that the author of an image cannot know, so that no two paths can be made to collide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seed([u64; 2]);

impl Seed {
    pub(super) fn random() -> Self {
        let random = || RandomState::new().build_hasher().finish();
        Self([random(), random()])
    }

    pub(super) fn hash(&self, path: &[u8]) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.0[0]);
        hasher.write_u64(self.0[1]);
        hasher.write(path);
        hasher.finish()
    }
}

/// What a layer says about one path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) directory: bool,
    pub(super) other: bool,
    pub(super) whiteout: bool,
    pub(super) opaque: bool,
}

/// The paths of one layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PathSet {
    pub(super) seed: Seed,
    #[serde(with = "packed")]
    marks: Vec<u64>,
}

impl PathSet {
    pub(super) fn new() -> Self {
        Self {
            seed: Seed::random(),
            marks: Vec::new(),
        }
    }

    /// Notes a path by its hash under the set's own seed.
    pub(super) fn push(&mut self, hash: u64, mark: Mark) {
        self.marks.push(hash & !BITS | mark as u64);
    }

    /// Makes the set ready for questions. Of two entries of one path the later counts, as for an unpacker.
    pub(super) fn finish(&mut self) {
        self.marks.sort_by_key(|mark| mark & !BITS);
        let is_entry = |mark: u64| mark & BITS <= Mark::Other as u64;
        let mut kept: Vec<u64> = Vec::new();
        std::mem::swap(&mut kept, &mut self.marks);
        kept.dedup_by(|next, last| {
            let same = *next & !BITS == *last & !BITS && (next == last || is_entry(*next) && is_entry(*last));
            if same {
                *last = *next;
            }
            same
        });
        kept.shrink_to_fit();
        self.marks = kept;
    }

    /// What the layer says about a path.
    pub(super) fn at(&self, path: &[u8]) -> Marks {
        let hash = self.seed.hash(path) & !BITS;
        let start = self.marks.partition_point(|mark| mark & !BITS < hash);
        let mut found = Marks::default();
        for mark in self.marks[start..].iter().take_while(|mark| *mark & !BITS == hash) {
            match mark & BITS {
                0 => (found.directory, found.other) = (true, false),
                1 => (found.directory, found.other) = (false, true),
                2 => found.whiteout = true,
                _ => found.opaque = true,
            }
        }
        found
    }

    /// True when a file at this path in a layer below is not seen any more. Only the part of the path after its first `known` bytes is
    /// looked at: the rest is known to be a link to a folder.
    pub(super) fn hides(&self, path: &[u8], known: usize) -> bool {
        let own = self.at(path);
        if own.whiteout || own.directory || own.other || (known == 0 && self.at(b"").opaque) {
            return true;
        }
        ancestors(path).filter(|folder| folder.len() > known).any(|folder| {
            let marks = self.at(folder);
            marks.whiteout || marks.opaque || marks.other
        })
    }
}

/// The folders that a path lies in, the outermost first.
pub(super) fn ancestors(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'/')
        .map(|(at, _)| &path[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(marks: &[(&str, Mark)]) -> PathSet {
        let mut set = PathSet::new();
        for (path, mark) in marks {
            set.push(set.seed.hash(path.as_bytes()), *mark);
        }
        set.finish();
        set
    }

    #[test]
    fn whiteouts_files_and_opaque_folders_hide_what_lies_below() {
        let layer = set(&[
            ("a/b", Mark::Whiteout),
            ("c", Mark::Other),
            ("d", Mark::Directory),
            ("e", Mark::Directory),
            ("e", Mark::Opaque),
        ]);
        for hidden in ["a/b", "a/b/x", "c", "c/x/y", "d", "e/x"] {
            assert!(layer.hides(hidden.as_bytes(), 0), "{hidden}");
        }
        for seen in ["a", "a/c", "a/bb", "d/x", "f"] {
            assert!(!layer.hides(seen.as_bytes(), 0), "{seen}");
        }
    }

    #[test]
    fn the_last_entry_of_a_path_counts() {
        let layer = set(&[
            ("a", Mark::Other),
            ("a", Mark::Directory),
            ("b", Mark::Directory),
            ("b", Mark::Other),
        ]);
        assert!(!layer.hides(b"a/x", 0));
        assert!(layer.hides(b"b/x", 0));
    }
}
