//! One record as it lies in an index: whole in itself, so that an unchanged record goes from one index to the next by copying its bytes.
//!
//! ```text
//! length u32 · flags · severity · score · published i64 · modified i64 · identity · file · id (where it is another text) · summary · url
//! · vector and source of the rating (where it has one) · aliases · upstream · number of claims · claims
//! claim: length u32 · package · release · broken · length of the intervals · intervals · versions · fixed · os · arch · functions · urgency
//! ```

use crate::model::advisory::AdvisoryKind;
use crate::model::excused::Excused as _;
use crate::model::severity::Severity;
use crate::stage::matching::record::parsed::{ParsedClaim, ParsedRecord};

use super::cursor::{Cursor, put_number, put_text};
use super::strings::{EMPTY, Pool, StringRef};

/// What tells one content of a record's file from another: the beginning of a SHA-256.
pub(in crate::stage::matching) type Identity = [u8; 16];

/// The lower bits of a record's flags are its kind.
const KIND: u8 = 0x0f;
/// It was withdrawn.
pub(super) const WITHDRAWN: u8 = 0x10;
/// It was set aside; its summary is the reason.
pub(super) const BROKEN: u8 = 0x20;
/// It came from the overlay.
pub(super) const OVERLAID: u8 = 0x40;
/// Its id is what its file is called.
const FILE_IS_ID: u8 = 0x80;
/// A severity or a score that nobody tells.
const UNKNOWN: u8 = 0xff;
/// Where a record's texts begin.
const TEXTS: usize = 4 + 3 + 16 + 16;

/// Numbers of the file format; never reorder.
pub(super) fn kind_number(kind: AdvisoryKind) -> u8 {
    match kind {
        AdvisoryKind::Vulnerability => 0,
        AdvisoryKind::Malicious => 1,
        AdvisoryKind::Unmaintained => 2,
        AdvisoryKind::Unsound => 3,
        AdvisoryKind::Notice => 4,
    }
}

/// The inverse; flags are passed over.
pub(super) fn kind_of_number(number: u8) -> AdvisoryKind {
    match number & KIND {
        1 => AdvisoryKind::Malicious,
        2 => AdvisoryKind::Unmaintained,
        3 => AdvisoryKind::Unsound,
        4 => AdvisoryKind::Notice,
        _ => AdvisoryKind::Vulnerability,
    }
}

fn severity_number(severity: Severity) -> u8 {
    match severity {
        Severity::None => 0,
        Severity::Low => 1,
        Severity::Medium => 2,
        Severity::High => 3,
        Severity::Critical => 4,
    }
}

/// The inverse; none for "nobody says".
pub(super) fn severity_of_number(number: u8) -> Option<Severity> {
    Some(match number {
        0 => Severity::None,
        1 => Severity::Low,
        2 => Severity::Medium,
        3 => Severity::High,
        4 => Severity::Critical,
        _ => return None,
    })
}

/// Puts a record behind what is there.
pub(super) fn pack(record: &ParsedRecord, pool: &Pool, identity: Identity, into: &mut Vec<u8>) {
    let start = into.len();
    into.extend_from_slice(&[0; 4]);
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    let is_same = record.id == record.file;
    into.push(
        kind_number(record.kind)
            | flag(record.withdrawn, WITHDRAWN)
            | flag(record.broken.is_some(), BROKEN)
            | flag(record.overlaid, OVERLAID)
            | flag(is_same, FILE_IS_ID),
    );
    into.push(record.rating.map_or(UNKNOWN, |rating| severity_number(rating.severity)));
    let score = record.rating.and_then(|rating| rating.score);
    into.push(score.map_or(UNKNOWN, |score| (score * 10.0).round().clamp(0.0, 254.0) as u8));
    into.extend_from_slice(&record.published.to_le_bytes());
    into.extend_from_slice(&record.modified.to_le_bytes());
    into.extend_from_slice(&identity);
    put_text(into, pool.get(record.file));
    if !is_same {
        put_text(into, pool.get(record.id));
    }
    put_text(into, pool.get(record.broken.unwrap_or(record.summary)));
    put_text(into, pool.get(record.url));
    if let Some(rating) = record.rating {
        put_text(into, pool.get(rating.vector.unwrap_or(EMPTY)));
        put_text(into, pool.get(rating.source));
    }
    put_texts(&record.aliases, pool, into);
    put_texts(&record.upstream, pool, into);
    put_number(into, record.claims.len() as u64);
    for claim in &record.claims {
        pack_claim(claim, pool, into);
    }
    let length = (into.len() - start - 4) as u32;
    into[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

fn pack_claim(claim: &ParsedClaim, pool: &Pool, into: &mut Vec<u8>) {
    let start = into.len();
    into.extend_from_slice(&[0; 4]);
    for text in [claim.package, claim.release, claim.broken] {
        put_text(into, pool.get(text));
    }
    let mut intervals = Vec::with_capacity(16);
    for (start, end, inclusive) in &claim.intervals {
        put_text(&mut intervals, pool.get(*start));
        put_text(&mut intervals, pool.get(*end));
        intervals.push(u8::from(*inclusive));
    }
    put_number(into, intervals.len() as u64);
    into.extend_from_slice(&intervals);
    for list in [
        &claim.versions,
        &claim.fixed,
        &claim.os,
        &claim.arch,
        &claim.functions,
        &claim.urgency,
    ] {
        put_texts(list, pool, into);
    }
    let length = (into.len() - start - 4) as u32;
    into[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

fn put_texts(list: &[StringRef], pool: &Pool, into: &mut Vec<u8>) {
    put_number(into, list.len() as u64);
    for text in list {
        put_text(into, pool.get(*text));
    }
}

/// A record's bytes, from its length on. What cannot be read of it is `None`, which the caller tells as damage.
#[derive(Clone, Copy)]
pub(super) struct Packed<'a>(pub(super) &'a [u8]);

impl<'a> Packed<'a> {
    pub(super) fn flags(self) -> u8 {
        self.0.get(4).copied().unwrap_or(BROKEN)
    }

    pub(super) fn severity(self) -> Option<Severity> {
        severity_of_number(self.0.get(5).copied().unwrap_or(UNKNOWN))
    }

    /// Ten times the score.
    pub(super) fn score(self) -> Option<u8> {
        self.0.get(6).copied().filter(|score| *score != UNKNOWN)
    }

    /// Seconds since 1970; the least value where it is not said.
    pub(super) fn published(self) -> Option<i64> {
        Some(i64::from_le_bytes(Cursor(self.0.get(7..)?).fixed()?))
    }

    pub(super) fn modified(self) -> Option<i64> {
        Some(i64::from_le_bytes(Cursor(self.0.get(15..)?).fixed()?))
    }

    pub(super) fn identity(self) -> Option<Identity> {
        Cursor(self.0.get(23..)?).fixed()
    }

    pub(super) fn file(self) -> Option<&'a str> {
        Cursor(self.0.get(TEXTS..)?).text()
    }

    fn behind_file(self) -> Option<(&'a [u8], Cursor<'a>)> {
        let mut cursor = Cursor(self.0.get(TEXTS..)?);
        let file = cursor.skip()?;
        let id = if self.flags() & FILE_IS_ID == 0 { cursor.skip()? } else { file };
        Some((id, cursor))
    }

    pub(super) fn id(self) -> Option<&'a str> {
        std::str::from_utf8(self.behind_file()?.0).or_none("damaged, as the caller says of what is none")
    }

    pub(super) fn summary(self) -> Option<&'a str> {
        self.behind_file()?.1.text()
    }

    pub(super) fn url(self) -> Option<&'a str> {
        let mut cursor = self.behind_file()?.1;
        cursor.skip()?;
        cursor.text()
    }

    /// Vector and source of its rating, where it has one.
    pub(super) fn rated_by(self) -> Option<(&'a str, &'a str)> {
        let mut cursor = self.behind_file()?.1;
        cursor.skip()?;
        cursor.skip()?;
        Some((cursor.text()?, cursor.text()?))
    }

    /// At its aliases, which the upstream ids and the claims follow.
    pub(super) fn lists(self) -> Option<Cursor<'a>> {
        let mut cursor = self.behind_file()?.1;
        let texts = if self.severity().is_some() { 4 } else { 2 };
        for _ in 0..texts {
            cursor.skip()?;
        }
        Some(cursor)
    }
}
