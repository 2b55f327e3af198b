//! Reading an index: every reference is checked, every block verified before its bytes are believed.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::severity::Rating;

use super::Meta;
use super::build::{bucket_bits, bucket_of};
use super::cursor::Cursor;
use super::layout::{BLOCK, Header, ID, LIST, PACKAGE, ROW, Section, u32_at, u64_at};
use super::map::Mapped;
use super::packed::Packed;
use super::part::name_hash;
use super::strings::{Ready, hash};

/// Why an index cannot be used. It is rebuilt, or the feed is a gap.
#[derive(Debug, thiserror::Error)]
pub(in crate::stage::matching) enum IndexError {
    /// It is not there or cannot be read.
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    /// It is another version, another program's, or damaged.
    #[error("{} cannot be used: {problem} (offset {offset})", path.display())]
    Damaged {
        path: PathBuf,
        problem: &'static str,
        offset: usize,
    },
}

impl IndexError {
    pub(in crate::stage::matching) fn path(&self) -> &Path {
        match self {
            Self::Read { path, .. } | Self::Damaged { path, .. } => path,
        }
    }
}

/// An open index. Cheap to share between threads.
pub(in crate::stage::matching) struct Index {
    map: Mapped,
    path: PathBuf,
    header: Header,
    /// One bit for each block that was verified.
    verified: Box<[AtomicU64]>,
    packages: usize,
    meta: Meta,
}

/// An index of this size is verified whole when it is opened: it takes a millisecond, and damage is found while there is time to rebuild.
const VERIFIED_AT_ONCE: usize = 4 << 20;

impl Index {
    /// Opens an index and checks that it is one.
    pub(in crate::stage::matching) fn open(path: &Path) -> Result<Self, IndexError> {
        let map = Mapped::open(path).map_err(|source| IndexError::Read {
            path: path.to_owned(),
            source,
        })?;
        let damaged = |problem| IndexError::Damaged {
            path: path.to_owned(),
            problem,
            offset: 0,
        };
        let header = Header::decode(&map).map_err(damaged)?;
        let blocks = map.len().div_ceil(BLOCK);
        let mut index = Self {
            verified: (0..blocks.div_ceil(64)).map(|_| AtomicU64::new(0)).collect(),
            packages: header.sections[Section::Packages as usize].1 as usize / PACKAGE,
            map,
            path: path.to_owned(),
            header,
            meta: Meta::default(),
        };
        let expected = ((1_u64 << bucket_bits(index.packages)) + 1) * 4;
        if index.header.sections[Section::Buckets as usize].1 != expected {
            return Err(damaged("its buckets do not fit its packages"));
        }
        let length = index.header.sections[Section::Meta as usize].1 as usize;
        index.meta =
            serde_json::from_slice(index.bytes(Section::Meta, 0, length)?).map_err(|_| damaged("its description is not readable"))?;
        if index.map.len() <= VERIFIED_AT_ONCE {
            index.verify(BLOCK, index.header.sections[Section::Checks as usize].0 as usize)?;
        }
        Ok(index)
    }

    /// What it was built from.
    pub(in crate::stage::matching) fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The first claim and the number of claims of a package, by its name in [`normal_name`](crate::stage::matching::record::names::normal_name)'s form.
    pub(in crate::stage::matching) fn package(&self, name: &str) -> Result<Option<(u32, u32)>, IndexError> {
        let [wanted, _] = name_hash(name);
        let bucket = bucket_of(wanted, bucket_bits(self.packages)) as usize;
        let range = self.bytes(Section::Buckets, bucket * 4, 8)?;
        for at in u32_at(range, 0)..u32_at(range, 4) {
            let entry = self.bytes(Section::Packages, at as usize * PACKAGE, PACKAGE)?;
            let first = u32_at(entry, 8);
            if u64_at(entry, 0) == wanted && self.claim(first)?.package == name {
                return Ok(Some((first, u32_at(entry, 12))));
            }
        }
        Ok(None)
    }

    /// How many records it holds.
    pub(in crate::stage::matching) fn advisories(&self) -> u32 {
        (self.header.sections[Section::Table as usize].1 as usize / ROW) as u32
    }

    /// When each record changed, in seconds since 1970, by the hash of its file's name.
    pub(in crate::stage::matching) fn times(&self) -> Result<HashMap<u64, i64, BuildHasherDefault<Ready>>, IndexError> {
        let rows = self.whole(Section::Table)?.chunks_exact(ROW);
        Ok(rows.map(|row| (u64_at(row, 16), u64_at(row, 8).cast_signed())).collect())
    }

    /// The groups of an id, where it is known.
    pub(in crate::stage::matching) fn groups_of(&self, id: &str) -> Result<Option<Vec<u32>>, IndexError> {
        let wanted = hash(id);
        let count = self.header.sections[Section::Ids as usize].1 as usize / ID;
        let hash_at = |at: usize| Ok::<_, IndexError>(u64_at(self.bytes(Section::Ids, at * ID, ID)?, 0));
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low + (high - low) / 2;
            if hash_at(middle)? < wanted {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        while low < count && hash_at(low)? == wanted {
            let entry = self.bytes(Section::Ids, low * ID, ID)?;
            if self.text(u32_at(entry, 8))? == id {
                return Ok(Some(self.told_groups(u32_at(entry, 12))?));
            }
            low += 1;
        }
        Ok(None)
    }

    /// The groups behind what tells of them.
    pub(super) fn told_groups(&self, of: u32) -> Result<Vec<u32>, IndexError> {
        match of & LIST {
            0 => Ok(vec![of]),
            _ => self.numbers((of & !LIST) as usize),
        }
    }

    /// A list of numbers.
    pub(super) fn numbers(&self, at: usize) -> Result<Vec<u32>, IndexError> {
        let count = u32_at(self.bytes(Section::Words, at * 4, 4)?, 0) as usize;
        let bytes = self.bytes(Section::Words, (at + 1) * 4, count.saturating_mul(4))?;
        Ok((0..count).map(|i| u32_at(bytes, i * 4)).collect())
    }

    /// The text of an id.
    pub(super) fn text(&self, at: u32) -> Result<&str, IndexError> {
        let (_, size) = self.header.sections[Section::Strings as usize];
        let at = at as usize;
        // A length takes ten bytes at most.
        let head = self.bytes(Section::Strings, at, 10.min((size as usize).saturating_sub(at)))?;
        let mut cursor = Cursor(head);
        let unreadable = || self.damaged("a text in it is not UTF-8", at);
        let length = cursor.number().ok_or_else(unreadable)?;
        let start = at + head.len() - cursor.0.len();
        std::str::from_utf8(self.bytes(Section::Strings, start, length)?).map_err(|_| unreadable())
    }

    /// What a record says of its own badness.
    pub(super) fn rating(&self, record: Packed<'_>) -> Result<Option<Rating>, IndexError> {
        let Some(severity) = record.severity() else { return Ok(None) };
        let rated_by = record.rated_by().ok_or_else(|| self.damaged("a rating in it cannot be read", 0))?;
        let (vector, source) = rated_by;
        Ok(Some(Rating {
            severity,
            score: record.score().map(|score| f64::from(score) / 10.0),
            vector: (!vector.is_empty()).then(|| vector.to_owned()),
            source: source.to_owned(),
        }))
    }

    /// A whole section, verified.
    pub(super) fn whole(&self, section: Section) -> Result<&[u8], IndexError> {
        self.bytes(section, 0, self.header.sections[section as usize].1 as usize)
    }

    /// Bytes of a section, verified.
    pub(super) fn bytes(&self, section: Section, offset: usize, length: usize) -> Result<&[u8], IndexError> {
        let (start, size) = self.header.sections[section as usize];
        let end = offset.checked_add(length).filter(|end| *end as u64 <= size);
        let Some(end) = end else {
            return Err(self.damaged("a reference in it leads out of its section", offset));
        };
        let (from, to) = (start as usize + offset, start as usize + end);
        self.verify(from, to)?;
        Ok(&self.map[from..to])
    }

    fn verify(&self, from: usize, to: usize) -> Result<(), IndexError> {
        if from == to {
            return Ok(());
        }
        let (checks, _) = self.header.sections[Section::Checks as usize];
        for block in from / BLOCK..=(to - 1) / BLOCK {
            let bit = 1_u64 << (block % 64);
            let seen = &self.verified[block / 64];
            if seen.load(Ordering::Relaxed) & bit != 0 {
                continue;
            }
            let end = ((block + 1) * BLOCK).min(checks as usize);
            let expected = u32_at(&self.map, checks as usize + (block - 1) * 4);
            if crc32fast::hash(&self.map[block * BLOCK..end]) != expected {
                return Err(self.damaged("a block of it is damaged", block * BLOCK));
            }
            seen.fetch_or(bit, Ordering::Relaxed);
        }
        Ok(())
    }

    pub(super) fn damaged(&self, problem: &'static str, offset: usize) -> IndexError {
        IndexError::Damaged {
            path: self.path.clone(),
            problem,
            offset,
        }
    }
}
