//! `rpmdb.sqlite`: a walk over the one table that matters, reading only.
//!
//! Source: "Database File Format" of sqlite. A page that was seen is not walked again, so that no file makes it run on.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::model::excused::Excused as _;

use super::blobs::{Blobs, Budget};

const MAGIC: &[u8] = b"SQLite format 3\0";
const TABLE: &str = "Packages";

/// The header blobs of the table `Packages`.
pub(super) fn blobs(content: &[u8]) -> Blobs<'_> {
    let Some(database) = Database::new(content) else {
        return Blobs::trouble("it is no sqlite database");
    };
    let mut blobs = Blobs::default();
    let Some(root) = database.root_of(TABLE, &mut blobs.troubles) else {
        blobs.troubles.push(format!("it has no table `{TABLE}`"));
        return blobs;
    };
    let mut troubles = std::mem::take(&mut blobs.troubles);
    let mut without = 0;
    database.walk(root, &mut troubles, &mut |record| {
        // The key's column is empty; the header is the one value. sqlite types values, not columns, and hands out the bytes of either type.
        match columns(&record).as_slice() {
            [Value::Blob(header) | Value::Text(header), _] | [_, Value::Blob(header) | Value::Text(header)] => {
                blobs.blobs.push(Cow::Owned(header.to_vec()));
            }
            _ => without += 1,
        }
    });
    if without > 0 {
        troubles.push(format!("{without} rows of `{TABLE}` are no key and a header"));
    }
    blobs.troubles = troubles;
    blobs
}

struct Database<'a> {
    content: &'a [u8],
    page_size: usize,
    /// Bytes of a page that are used.
    usable: usize,
}

impl<'a> Database<'a> {
    fn new(content: &'a [u8]) -> Option<Self> {
        if !content.starts_with(MAGIC) {
            return None;
        }
        let page_size = match be16(content, 16)? {
            1 => 65536,
            size if size >= 512 && size.is_power_of_two() => size,
            _ => return None,
        };
        let usable = page_size.checked_sub(usize::from(*content.get(20)?))?;
        (usable >= 480).then_some(Self {
            content,
            page_size,
            usable,
        })
    }

    fn page(&self, number: usize) -> Option<&'a [u8]> {
        let start = number.checked_sub(1)?.checked_mul(self.page_size)?;
        self.content.get(start..start.checked_add(self.page_size)?)
    }

    /// The first page of a table.
    fn root_of(&self, table: &str, troubles: &mut Vec<String>) -> Option<usize> {
        let mut root = None;
        self.walk(1, troubles, &mut |record| {
            if let [Value::Text(b"table"), Value::Text(name), _, Value::Integer(page), ..] = columns(&record).as_slice()
                && *name == table.as_bytes()
            {
                root = usize::try_from(*page).or_none("no page: the caller says that the table is missing");
            }
        });
        root
    }

    /// Gives each record of a table.
    fn walk(&self, root: usize, troubles: &mut Vec<String>, on_record: &mut dyn FnMut(Cow<'a, [u8]>)) {
        const INTERIOR: u8 = 5;
        const LEAF: u8 = 13;
        let mut seen = HashSet::new();
        let mut budget = Budget::of(self.content);
        let mut open = vec![root];
        while let Some(number) = open.pop() {
            let offset = if number == 1 { 100 } else { 0 };
            let page = self.page(number).filter(|_| seen.insert(number));
            let kind = page.and_then(|page| page.get(offset).copied());
            let (Some(page), Some(kind)) = (page, kind) else {
                troubles.push(format!("page {number} is missing or is used twice"));
                continue;
            };
            let header = if kind == INTERIOR { 12 } else { 8 };
            let count = be16(page, offset + 3).unwrap_or_default();
            let cells = (0..count).filter_map(|cell| be16(page, offset + header + 2 * cell));
            match kind {
                INTERIOR => {
                    let children = cells.filter_map(|cell| be32(page, cell)).chain(be32(page, offset + 8));
                    let from = open.len();
                    open.extend(children);
                    open[from..].reverse();
                }
                LEAF => {
                    for cell in cells {
                        match self.payload(page, cell, &mut budget) {
                            Some(record) => on_record(record),
                            None if budget.is_spent() => return troubles.push(Budget::SPENT.to_owned()),
                            None => troubles.push(format!("a record of page {number}, at byte {cell}, ends outside of the file")),
                        }
                    }
                }
                _ => troubles.push(format!("page {number} is no page of a table")),
            }
        }
    }

    /// A record, put together from the pages that it spills over to.
    fn payload(&self, page: &'a [u8], cell: usize, budget: &mut Budget) -> Option<Cow<'a, [u8]>> {
        let rest = page.get(cell..self.usable)?;
        let (size, rest) = varint(rest)?;
        let (_, rest) = varint(rest)?;
        let size = usize::try_from(size)
            .or_none("the caller says that the page is damaged")
            .filter(|size| *size <= self.content.len() && budget.take(*size))?;
        let most = self.usable - 35;
        if size <= most {
            return rest.get(..size).map(Cow::Borrowed);
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let surplus = least + (size - least) % (self.usable - 4);
        let local = if surplus <= most { surplus } else { least };
        let mut record = Vec::with_capacity(size);
        record.extend_from_slice(rest.get(..local)?);
        let mut next = be32(rest, local)?;
        // Each page brings at least a byte, so that a loop of pages ends with the record.
        while record.len() < size {
            let page = self.page(next)?;
            next = be32(page, 0)?;
            let part = page.get(4..self.usable)?;
            record.extend_from_slice(&part[..part.len().min(size - record.len())]);
        }
        Some(Cow::Owned(record))
    }
}

#[derive(Debug)]
enum Value<'a> {
    Integer(i64),
    Text(&'a [u8]),
    Blob(&'a [u8]),
    Other,
}

/// The values of a record, as many as are whole.
fn columns(record: &[u8]) -> Vec<Value<'_>> {
    let mut values = Vec::new();
    let Some((header_size, rest)) = varint(record) else {
        return values;
    };
    let header_end = usize::try_from(header_size).unwrap_or(usize::MAX);
    let start = record.len() - rest.len();
    let (Some(mut header), Some(mut body)) = (record.get(start..header_end), record.get(header_end..)) else {
        return values;
    };
    while let Some((kind, rest)) = varint(header) {
        header = rest;
        let size = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind as usize,
            5 => 6,
            6 | 7 => 8,
            kind => usize::try_from(kind.saturating_sub(12) / 2).unwrap_or(usize::MAX),
        };
        let Some((value, rest)) = body.split_at_checked(size) else {
            break;
        };
        body = rest;
        values.push(match kind {
            8 => Value::Integer(0),
            9 => Value::Integer(1),
            1..=6 => Value::Integer(value.iter().fold(if value[0] & 0x80 != 0 { -1 } else { 0 }, |number, byte| {
                number << 8 | i64::from(*byte)
            })),
            kind if kind >= 12 && kind % 2 == 0 => Value::Blob(value),
            kind if kind >= 13 => Value::Text(value),
            _ => Value::Other,
        });
    }
    values
}

/// A number of one to nine bytes, seven bits each but the ninth.
fn varint(data: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0u64;
    for (at, byte) in data.iter().take(9).enumerate() {
        if at == 8 {
            return Some((number << 8 | u64::from(*byte), &data[9..]));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, &data[at + 1..]));
        }
    }
    None
}

fn be16(data: &[u8], at: usize) -> Option<usize> {
    Some(
        u16::from_be_bytes(
            data.get(at..at.checked_add(2)?)?
                .try_into()
                .or_none("the caller says that the page is damaged")?,
        )
        .into(),
    )
}

fn be32(data: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(
        data.get(at..at.checked_add(4)?)?
            .try_into()
            .or_none("the caller says that the page is damaged")?,
    ))
    .or_none("the caller says that the page is damaged")
}
