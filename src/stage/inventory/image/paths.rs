//! Every path of one layer, eight bytes each: enough to say what the layer hides of the layers below it.

use std::hash::{BuildHasher, DefaultHasher, Hasher, RandomState};

use serde::{Deserialize, Serialize};

/// What a layer says about a path: the three low bits of a mark. The first four are entries of the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stage::inventory) enum Mark {
    Directory = 0,
    /// A file or a device.
    File = 1,
    Symlink = 2,
    /// Another name of a file.
    HardLink = 3,
    /// The path is deleted from the layers below.
    Whiteout = 4,
    /// The folder's content is deleted from the layers below.
    Opaque = 5,
    /// Something was written below the path while the layer had no folder there: whoever unpacks makes one, or follows a lower layer's link.
    Implied = 6,
    /// The layer replaced its own folder here: what it had said of paths below is void, and whether lower layers show there is disputed.
    Restored = 7,
}

const BITS: u64 = 7;

/// A key that the author of an image cannot know, so that no two paths can be made to collide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::stage::inventory) struct Seed([u64; 2]);

impl Seed {
    pub(in crate::stage::inventory) fn random() -> Self {
        let random = || RandomState::new().build_hasher().finish();
        Self([random(), random()])
    }

    /// A hasher for a path that comes piece by piece; the pieces make the same hash as the whole.
    pub(in crate::stage::inventory) fn hasher(&self) -> DefaultHasher {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.0[0]);
        hasher.write_u64(self.0[1]);
        hasher
    }

    pub(in crate::stage::inventory) fn hash(&self, path: &[u8]) -> u64 {
        let mut hasher = self.hasher();
        hasher.write(path);
        hasher.finish()
    }

    /// The hashes of the folders that a path lies in, the outermost first, then its own.
    pub(in crate::stage::inventory) fn hashes<'p>(&self, path: &'p [u8]) -> impl Iterator<Item = u64> + use<'p> {
        let mut hasher = self.hasher();
        path.split(|byte| *byte == b'/').enumerate().map(move |(at, part)| {
            if at > 0 {
                hasher.write(b"/");
            }
            hasher.write(part);
            hasher.finish()
        })
    }
}

/// What a layer says about one path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::stage::inventory) struct Marks {
    pub(in crate::stage::inventory) directory: bool,
    pub(in crate::stage::inventory) file: bool,
    pub(in crate::stage::inventory) symlink: bool,
    pub(in crate::stage::inventory) hard_link: bool,
    pub(in crate::stage::inventory) whiteout: bool,
    pub(in crate::stage::inventory) opaque: bool,
    pub(in crate::stage::inventory) implied: bool,
    pub(in crate::stage::inventory) restored: bool,
}

impl Marks {
    /// True when the layer has something here that is no folder.
    pub(in crate::stage::inventory) fn no_folder(self) -> bool {
        self.file || self.symlink || self.hard_link
    }

    /// True when the layer has a folder here, or makes one by writing below.
    pub(in crate::stage::inventory) fn folder(self) -> bool {
        self.directory || self.implied
    }
}

/// The paths of one layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::stage::inventory) struct PathSet {
    pub(in crate::stage::inventory) seed: Seed,
    #[serde(with = "super::hash_codec")]
    marks: Vec<u64>,
    /// True when some mark is [`Mark::Implied`].
    pub(in crate::stage::inventory) implies: bool,
}

impl PathSet {
    pub(in crate::stage::inventory) fn new() -> Self {
        Self {
            seed: Seed::random(),
            marks: Vec::new(),
            implies: false,
        }
    }

    /// Notes a path by its hash under the set's own seed.
    pub(in crate::stage::inventory) fn push(&mut self, hash: u64, mark: Mark) {
        self.implies |= mark == Mark::Implied;
        self.marks.push(hash & !BITS | mark as u64);
    }

    /// The entries in the order in which they came: the hash as [`PathSet::key`] has it, and what the entry is. Before [`PathSet::finish`].
    pub(in crate::stage::inventory) fn entries(&self) -> impl Iterator<Item = (u64, Mark)> + '_ {
        self.marks.iter().filter_map(|mark| {
            let kind = match mark & BITS {
                0 => Mark::Directory,
                1 => Mark::File,
                2 => Mark::Symlink,
                3 => Mark::HardLink,
                _ => return None,
            };
            Some((mark & !BITS, kind))
        })
    }

    /// A hash as the set keeps it.
    pub(in crate::stage::inventory) fn key(hash: u64) -> u64 {
        hash & !BITS
    }

    /// Makes the set ready for questions. Of two entries of one path the later counts, as for an unpacker.
    pub(in crate::stage::inventory) fn finish(&mut self) {
        self.marks.sort_by_key(|mark| mark & !BITS);
        let marks = &mut self.marks;
        let (mut at, mut kept) = (0, 0);
        while at < marks.len() {
            let hash = marks[at] & !BITS;
            let mut entry = None;
            let mut others = 0u8;
            while at < marks.len() && marks[at] & !BITS == hash {
                match marks[at] & BITS {
                    bits @ 0..=3 => entry = Some(bits),
                    bits => others |= 1 << bits,
                }
                at += 1;
            }
            let said = entry.into_iter().chain((4..=BITS).filter(|bits| others & (1 << bits) != 0));
            for bits in said {
                marks[kept] = hash | bits;
                kept += 1;
            }
        }
        marks.truncate(kept);
        marks.shrink_to_fit();
    }

    /// What the layer says about a path.
    pub(in crate::stage::inventory) fn at(&self, path: &[u8]) -> Marks {
        self.of(self.seed.hash(path))
    }

    fn of(&self, hash: u64) -> Marks {
        let hash = hash & !BITS;
        let start = self.marks.partition_point(|mark| mark & !BITS < hash);
        let mut found = Marks::default();
        for mark in self.marks[start..].iter().take_while(|mark| *mark & !BITS == hash) {
            match mark & BITS {
                0 => found.directory = true,
                1 => found.file = true,
                2 => found.symlink = true,
                3 => found.hard_link = true,
                4 => found.whiteout = true,
                5 => found.opaque = true,
                6 => found.implied = true,
                _ => found.restored = true,
            }
        }
        found
    }

    /// True when a file at this path in a layer below is not seen any more, whichever way the layers are laid over each other.
    pub(in crate::stage::inventory) fn hides(&self, path: &[u8]) -> bool {
        if self.marks.is_empty() {
            return false;
        }
        if self.at(b"").opaque {
            return true;
        }
        let mut hashes = self.seed.hashes(path).peekable();
        while let Some(hash) = hashes.next() {
            let marks = self.of(hash);
            if marks.no_folder() {
                return true;
            }
            if hashes.peek().is_none() {
                return marks.whiteout || marks.directory;
            }
            // Some remove the lower folder, some lay the new one over it.
            if marks.restored || marks.whiteout && marks.folder() {
                return false;
            }
            if marks.whiteout || marks.opaque {
                return true;
            }
        }
        false
    }
}

/// The folders that a path lies in, the outermost first.
pub(in crate::stage::inventory) fn ancestors(path: &[u8]) -> impl Iterator<Item = &[u8]> {
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
            ("c", Mark::File),
            ("d", Mark::Directory),
            ("e", Mark::Directory),
            ("e", Mark::Opaque),
        ]);
        for hidden in ["a/b", "a/b/x", "c", "c/x/y", "d", "e/x"] {
            assert!(layer.hides(hidden.as_bytes()), "{hidden}");
        }
        for seen in ["a", "a/c", "a/bb", "d/x", "f"] {
            assert!(!layer.hides(seen.as_bytes()), "{seen}");
        }
    }

    #[test]
    fn what_programs_lay_over_each_other_differently_is_not_hidden() {
        let layer = set(&[
            ("a", Mark::Whiteout),
            ("a", Mark::Directory),
            ("b", Mark::Directory),
            ("b", Mark::Restored),
            ("b/x", Mark::File),
            ("c", Mark::Implied),
            ("d", Mark::Symlink),
            ("d", Mark::Restored),
        ]);
        for seen in ["a/x", "b/x", "b/y", "c", "c/x"] {
            assert!(!layer.hides(seen.as_bytes()), "{seen}");
        }
        for hidden in ["a", "b", "d", "d/x"] {
            assert!(layer.hides(hidden.as_bytes()), "{hidden}");
        }
    }

    #[test]
    fn the_last_entry_of_a_path_counts() {
        let layer = set(&[("a", Mark::File), ("a", Mark::Directory), ("b", Mark::Directory), ("b", Mark::File)]);
        assert!(!layer.hides(b"a/x"));
        assert!(layer.hides(b"b/x"));
    }

    #[test]
    fn a_path_has_the_hash_that_its_pieces_make() {
        let seed = Seed::random();
        let hashes: Vec<u64> = seed.hashes(b"usr/lib/x86_64-linux-gnu/libc.so.6").collect();
        let whole = ["usr", "usr/lib", "usr/lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu/libc.so.6"];
        assert_eq!(hashes, whole.map(|path| seed.hash(path.as_bytes())));
    }
}
