//! Records that are next to each other in an index, packed, and what its tables need of them. Made by all processors at once.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::cursor::Cursor;
use super::packed::{Identity, Packed, pack};
use super::strings::{Pool, hash};
use crate::model::excused::Excused as _;
use crate::stage::matching::record::parsed::ParsedRecord;

/// The beginning of a SHA-256 of a package's name: who publishes packages chooses their names, and two names never have one of these.
pub(super) type NameHash = [u64; 2];

pub(super) fn name_hash(name: &str) -> NameHash {
    let digest = Sha256::digest(name.as_bytes());
    let word = |at: usize| digest[at..at + 8].iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    [word(0), word(8)]
}

/// What the tables need of one record.
pub(super) struct Noted {
    pub(super) length: u32,
    /// Hash of its file's name.
    pub(super) key: u64,
    pub(super) modified: i64,
    pub(super) flags: u8,
    pub(super) severity: u8,
    pub(super) score: u8,
    pub(super) aliases: u32,
    pub(super) upstream: u32,
    pub(super) claims: u32,
}

/// A text among the bytes of a part.
pub(super) struct Mentioned {
    pub(super) hash: u64,
    at: usize,
    length: usize,
}

/// Records in the order of their files.
#[derive(Default)]
pub(in crate::stage::matching) struct Part {
    pub(super) bytes: Vec<u8>,
    pub(super) records: Vec<Noted>,
    /// Of each record in turn: its own id, its aliases, the ids upstream.
    pub(super) ids: Vec<Mentioned>,
    /// Of each record in turn: the package of each claim, and where the claim is in the record.
    pub(super) claims: Vec<(NameHash, u32)>,
    /// The releases that claims name.
    pub(super) releases: BTreeSet<String>,
}

impl Part {
    /// Adds a record with its texts in a pool.
    pub(in crate::stage::matching) fn add(&mut self, mut record: ParsedRecord, pool: &Pool, identity: Identity) {
        sort_claims(&mut record, pool);
        let start = self.bytes.len();
        pack(&record, pool, identity, &mut self.bytes);
        self.note(start).expect("what was just packed is readable");
    }

    /// Adds a record as it lies in an index; `None` for bytes that are none.
    pub(super) fn add_packed(&mut self, record: &[u8]) -> Option<()> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(record);
        self.note(start)
    }

    fn note(&mut self, start: usize) -> Option<()> {
        let bytes = &self.bytes[start..];
        let base = self.bytes.as_ptr() as usize;
        let record = Packed(bytes);
        let ids = &mut self.ids;
        let mut mention = |text: &str| {
            ids.push(Mentioned {
                hash: hash(text),
                at: text.as_ptr() as usize - base,
                length: text.len(),
            });
        };
        mention(record.id()?);
        let mut cursor = record.lists()?;
        let mut lists = [0_u32; 2];
        for list in &mut lists {
            *list = u32::try_from(cursor.number()?).or_none("damaged, as the caller says of what is none")?;
            for _ in 0..*list {
                mention(cursor.text()?);
            }
        }
        let claims = cursor.number()?;
        for _ in 0..claims {
            let at = bytes.len() - cursor.0.len();
            let length = u32::from_le_bytes(cursor.fixed()?) as usize;
            let mut claim = Cursor(cursor.bytes(length)?);
            self.claims.push((
                name_hash(claim.text()?),
                u32::try_from(at).or_none("damaged, as the caller says of what is none")?,
            ));
            let release = claim.text()?;
            if !self.releases.contains(release) {
                self.releases.insert(release.to_owned());
            }
        }
        self.records.push(Noted {
            length: u32::try_from(bytes.len()).or_none("damaged, as the caller says of what is none")?,
            key: hash(record.file()?),
            modified: record.modified()?,
            flags: record.flags(),
            severity: bytes[5],
            score: bytes[6],
            aliases: lists[0],
            upstream: lists[1],
            claims: u32::try_from(claims).or_none("damaged, as the caller says of what is none")?,
        });
        Some(())
    }

    pub(super) fn text(&self, of: &Mentioned) -> &str {
        std::str::from_utf8(&self.bytes[of.at..of.at + of.length]).expect("it was a text when it was noted")
    }
}

/// In the order in which an index lists them.
fn sort_claims(record: &mut ParsedRecord, pool: &Pool) {
    if record.claims.len() > 1 {
        record.claims.sort_by_cached_key(|claim| {
            let name = pool.get(claim.package);
            (hash(name), name.to_owned())
        });
    }
}
