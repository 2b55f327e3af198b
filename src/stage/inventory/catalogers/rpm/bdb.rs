//! `Packages`: a hash table of Berkeley DB, as rpm wrote it before 4.16. Keys are numbers, values are header blobs on pages of their own.
//!
//! Source: Berkeley DB's `db_page.h`. Numbers are in the byte order of the machine that wrote the file, which the magic tells.

use std::borrow::Cow;

use crate::model::excused::Excused as _;

use super::blobs::{Blobs, Budget};

const HASH_MAGIC: u32 = 0x0006_1561;
const HASH_UNSORTED: u8 = 2;
const HASH: u8 = 13;
const OVERFLOW: u8 = 7;
const KEY_DATA: u8 = 1;
const OFF_PAGE: u8 = 3;
/// Bytes before the entries of a page.
const PAGE_HEADER: usize = 26;

/// The header blobs of every key but 0, which holds a counter.
pub(super) fn blobs(content: &[u8]) -> Blobs<'_> {
    let Some(database) = Database::new(content) else {
        return Blobs::trouble("it is no hash table of Berkeley DB");
    };
    let mut blobs = Blobs::default();
    if !content.len().is_multiple_of(database.page_size) {
        blobs
            .troubles
            .push(format!("it ends in the middle of a page, at byte {}", content.len()));
    }
    let mut budget = Budget::of(content);
    for (number, page) in content.chunks_exact(database.page_size).enumerate() {
        if matches!(page[25], HASH | HASH_UNSORTED) && !database.entries(number, page, &mut blobs, &mut budget) {
            blobs.troubles.push(Budget::SPENT.to_owned());
            break;
        }
    }
    blobs
}

struct Database<'a> {
    content: &'a [u8],
    page_size: usize,
    big_endian: bool,
}

impl<'a> Database<'a> {
    fn new(content: &'a [u8]) -> Option<Self> {
        let magic: [u8; 4] = content
            .get(12..16)?
            .try_into()
            .or_none("the caller says that the database is cut")?;
        let big_endian = u32::from_be_bytes(magic) == HASH_MAGIC;
        if !big_endian && u32::from_le_bytes(magic) != HASH_MAGIC {
            return None;
        }
        let mut database = Self {
            content,
            page_size: 0,
            big_endian,
        };
        database.page_size = database
            .u32(content, 20)
            .filter(|size| (512..=65536).contains(size) && size.is_power_of_two())?;
        Some(database)
    }

    /// Entries come in pairs, a key and its value. Each lies between the offset that the page names for it and that of the one before.
    /// False when the budget is spent.
    fn entries(&self, number: usize, page: &'a [u8], blobs: &mut Blobs<'a>, budget: &mut Budget) -> bool {
        let entry = |at: usize| {
            let start = self.u16(page, PAGE_HEADER.checked_add(at.checked_mul(2)?)?)?;
            let end = match at {
                0 => page.len(),
                _ => self.u16(page, PAGE_HEADER + 2 * (at - 1))?,
            };
            page.get(start..end)
        };
        let count = self.u16(page, 20).unwrap_or_default();
        for pair in 0..count / 2 {
            let value = entry(2 * pair + 1);
            let size = match value {
                Some(place @ [OFF_PAGE, ..]) => self.u32(place, 8),
                value => value.map(<[u8]>::len),
            };
            // A value that is larger than the file is on no pages at all, and is told as that.
            if size.is_some_and(|size| size <= self.content.len() && !budget.take(size)) {
                return false;
            }
            match (entry(2 * pair), value) {
                // Under key 0 is a counter.
                (Some([KEY_DATA, 0, 0, 0, 0]), Some(_)) => {}
                (Some(_), Some([KEY_DATA, blob @ ..])) => blobs.blobs.push(Cow::Borrowed(blob)),
                (Some(_), Some(place @ [OFF_PAGE, ..])) => match self.overflow(place) {
                    Some(blob) => blobs.blobs.push(Cow::Owned(blob)),
                    None => blobs
                        .troubles
                        .push(format!("a value of page {number} is not on the pages that it names")),
                },
                _ => blobs
                    .troubles
                    .push(format!("entry {} of page {number} is of no kind that is known", 2 * pair + 1)),
            }
        }
        true
    }

    /// A value on pages of its own: the first of them, and its size.
    fn overflow(&self, place: &[u8]) -> Option<Vec<u8>> {
        let mut next = self.u32(place, 4)?;
        let size = self.u32(place, 8).filter(|size| *size <= self.content.len())?;
        let mut blob = Vec::with_capacity(size);
        while blob.len() < size {
            let start = next.checked_mul(self.page_size).filter(|start| *start > 0)?;
            let page = self.content.get(start..start.checked_add(self.page_size)?)?;
            let used = self.u16(page, 22)?;
            let part = page
                .get(PAGE_HEADER..PAGE_HEADER.checked_add(used)?)
                .filter(|part| page[25] == OVERFLOW && !part.is_empty())?;
            blob.extend_from_slice(&part[..part.len().min(size - blob.len())]);
            next = self.u32(page, 16)?;
        }
        Some(blob)
    }

    fn u16(&self, data: &[u8], at: usize) -> Option<usize> {
        let bytes = data
            .get(at..at.checked_add(2)?)?
            .try_into()
            .or_none("the caller says that the database is cut")?;
        Some(
            if self.big_endian {
                u16::from_be_bytes(bytes)
            } else {
                u16::from_le_bytes(bytes)
            }
            .into(),
        )
    }

    fn u32(&self, data: &[u8], at: usize) -> Option<usize> {
        let bytes = data
            .get(at..at.checked_add(4)?)?
            .try_into()
            .or_none("the caller says that the database is cut")?;
        usize::try_from(if self.big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        })
        .or_none("the caller says that the database is cut")
    }
}
