//! The bytes of an index file. All numbers little-endian, nothing aligned, every reference checked when it is followed.
//!
//! ```text
//! header   one block: magic, version, file length, section table, CRC of the check section, CRC of the header
//! sections records (see [`super::packed`]) · table · buckets · packages · claims · words · groups · ids · strings · meta (JSON)
//! checks   a CRC-32 of each block between header and checks
//! ```
//! A block is verified the first time that it is read, so that opening takes no time that grows with the file and nothing is ever misread.

/// The unit of verification, in bytes.
pub(super) const BLOCK: usize = 4096;
/// What the file begins with.
pub(super) const MAGIC: [u8; 8] = *b"PCLSIDX\n";
/// Raised with every change of the layout or of what the builder puts into it: an older file is rebuilt.
pub(super) const VERSION: u32 = 11;

/// The parts of the file, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    /// Every record, in the order of their files, see [`super::packed`].
    Records,
    /// Of each record: where it begins, modified, hash of its file's name, its groups.
    Table,
    /// For each bucket of hashes, the first package in it; one more at the end.
    Buckets,
    /// Packages by hash: hash u64, first claim, number of claims.
    Packages,
    /// Claims by package: record, where it is in the record.
    Claims,
    /// Lists: a length and so many numbers.
    Words,
    Groups,
    /// Ids by hash: hash u64, id, its groups.
    Ids,
    /// The texts of ids.
    Strings,
    /// [`super::Meta`] as JSON.
    Meta,
    Checks,
}

pub(super) const SECTIONS: usize = 11;
/// Bytes of a record's row: offset u64, modified i64, key u64, groups.
pub(super) const ROW: usize = 28;
/// Bytes of a package.
pub(super) const PACKAGE: usize = 16;
/// Bytes of a claim.
pub(super) const CLAIM: usize = 8;
/// Bytes of a group: ids, kind, the record that rates it.
pub(super) const GROUP: usize = 12;
/// Set in what tells of groups where it is the place of a list of them; without it, it is the one group.
pub(super) const LIST: u32 = 1 << 31;
/// Bytes of an id.
pub(super) const ID: usize = 16;
/// A number that is not there.
pub(super) const NONE: u32 = u32::MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) length: u64,
    pub(super) sections: [(u64, u64); SECTIONS],
    pub(super) checks: u32,
}

impl Header {
    /// The header as one block.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BLOCK);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.checks.to_le_bytes());
        bytes.extend_from_slice(&self.length.to_le_bytes());
        for (offset, length) in self.sections {
            bytes.extend_from_slice(&offset.to_le_bytes());
            bytes.extend_from_slice(&length.to_le_bytes());
        }
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes.resize(BLOCK, 0);
        bytes
    }

    /// Reads a header and checks all that can be checked without the rest of the file.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        const FIELDS: usize = 24 + SECTIONS * 16;
        if bytes.len() < BLOCK {
            return Err("it is shorter than a header");
        }
        if bytes[..8] != MAGIC {
            return Err("it is not an index");
        }
        if u32_at(bytes, 8) != VERSION {
            return Err("it is of another version");
        }
        if crc32fast::hash(&bytes[..FIELDS]) != u32_at(bytes, FIELDS) {
            return Err("its header is damaged");
        }
        let length = u64_at(bytes, 16);
        if length != bytes.len() as u64 {
            return Err("it is not as long as it says");
        }
        let mut sections = [(0, 0); SECTIONS];
        let mut end = BLOCK as u64;
        for (at, section) in sections.iter_mut().enumerate() {
            *section = (u64_at(bytes, 24 + at * 16), u64_at(bytes, 32 + at * 16));
            if section.0 != end {
                return Err("its sections do not follow each other");
            }
            end = end.checked_add(section.1).ok_or("its sections are too long")?;
        }
        if end != length {
            return Err("its sections do not fill it");
        }
        let checks = u32_at(bytes, 12);
        let (offset, size) = sections[Section::Checks as usize];
        let blocks = (offset - BLOCK as u64).div_ceil(BLOCK as u64);
        if size != blocks * 4 {
            return Err("its checks are incomplete");
        }
        if crc32fast::hash(&bytes[offset as usize..]) != checks {
            return Err("its checks are damaged");
        }
        Ok(Self { length, sections, checks })
    }
}

/// The number at an offset that is known to be there.
pub(in crate::stage::matching) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
}

/// The number at an offset that is known to be there.
pub(in crate::stage::matching) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | (u64::from(u32_at(bytes, at + 4)) << 32)
}
