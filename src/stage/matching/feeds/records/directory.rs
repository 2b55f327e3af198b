//! The directory of a ZIP archive with millions of entries, in some fifty bytes each.
//!
//! What two readers could read differently is refused: a directory that does not end where the archive's last record begins, an entry whose name
//! before its bytes is another one, two entries of one name.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::stage::matching::feeds::store::file_name;
use crate::stage::matching::index::{u32_at, u64_at};

const END: &[u8] = b"PK\x05\x06";
const END_LENGTH: usize = 22;
const END64: &[u8] = b"PK\x06\x06";
const END64_LENGTH: usize = 56;
const LOCATOR64: &[u8] = b"PK\x06\x07";
const LOCATOR64_LENGTH: usize = 20;
const ENTRY: &[u8] = b"PK\x01\x02";
const ENTRY_LENGTH: usize = 46;
const LOCAL: &[u8] = b"PK\x03\x04";
const LOCAL_LENGTH: usize = 30;
/// Bytes of the directory that are read at a time.
const AT_ONCE: usize = 1 << 20;

/// A record in an archive.
pub(super) struct Entry {
    offset: u64,
    pub(super) packed: u64,
    pub(super) size: u64,
    pub(super) crc: u32,
    name: u32,
    name_length: u16,
    pub(super) method: u16,
    /// Where its key is among the keys, if its name is not plain.
    key: Option<u32>,
}

/// Every record of an archive, in the order of their keys.
pub(super) struct Directory {
    file: File,
    /// Where the directory begins: entries end before it.
    start: u64,
    names: Vec<u8>,
    keys: Vec<String>,
    pub(super) entries: Vec<Entry>,
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |b| u16::from_le_bytes([b[0], b[1]]))
}

/// Where the directory is: its offset, its length, and its number of entries.
fn find(file: &File, length: u64) -> Result<(u64, u64, u64), String> {
    let read = |at: u64, count: usize| {
        let mut bytes = vec![0; count];
        file.read_exact_at(&mut bytes, at)
            .map(|()| bytes)
            .map_err(|error| error.to_string())
    };
    let most = length.min((END_LENGTH + usize::from(u16::MAX)) as u64);
    let tail = read(length - most, most as usize)?;
    let ends_here = |at: &usize| at + END_LENGTH + usize::from(u16_at(&tail, at + 20)) == tail.len();
    let mut ends = memchr::memmem::find_iter(&tail, END).filter(|at| at + END_LENGTH <= tail.len() && ends_here(at));
    let at = ends.next().ok_or("it has no end of a directory: it is no archive, or cut off")?;
    if ends.next().is_some() {
        return Err("it has two ends, and readers differ in which of them counts".to_owned());
    }
    let end = &tail[at..];
    let end_at = length - most + at as u64;
    let (mut count, mut size, mut offset) = (u64::from(u16_at(end, 10)), u64::from(u32_at(end, 12)), u64::from(u32_at(end, 16)));
    let mut behind = end_at;
    let locator = match end_at.checked_sub(LOCATOR64_LENGTH as u64) {
        Some(at) => read(at, LOCATOR64_LENGTH)?,
        None => Vec::new(),
    };
    if locator.starts_with(LOCATOR64) {
        behind = u64_at(&locator, 8);
        if behind
            .checked_add((END64_LENGTH + LOCATOR64_LENGTH) as u64)
            .is_none_or(|end| end > end_at)
        {
            return Err("its end is not where it says".to_owned());
        }
        let large = read(behind, END64_LENGTH)?;
        if !large.starts_with(END64) {
            return Err("its end is not where it says".to_owned());
        }
        let is_said = |small: u64, most: u64, large: u64| small == most || small == large;
        let (large_count, large_size, large_offset) = (u64_at(&large, 32), u64_at(&large, 40), u64_at(&large, 48));
        let agree = is_said(count, u64::from(u16::MAX), large_count)
            && is_said(size, u64::from(u32::MAX), large_size)
            && is_said(offset, u64::from(u32::MAX), large_offset);
        if !agree {
            return Err("its two ends tell of two directories".to_owned());
        }
        (count, size, offset) = (large_count, large_size, large_offset);
    }
    if offset.checked_add(size) != Some(behind) {
        return Err("its directory does not end where its end begins".to_owned());
    }
    Ok((offset, size, count))
}

impl Directory {
    /// Reads the directory of an archive; `most` entries are read.
    pub(super) fn read(file: File, length: u64, most: u64) -> Result<Self, Refused> {
        let (start, size, count) = find(&file, length).map_err(Refused::Damaged)?;
        if count > most {
            return Err(Refused::TooMany);
        }
        // No more than the directory has room for, whatever it says.
        let room = count.min(size / ENTRY_LENGTH as u64) as usize;
        let mut directory = Self {
            file,
            start,
            names: Vec::with_capacity((size as usize).saturating_sub(room * ENTRY_LENGTH)),
            keys: Vec::new(),
            entries: Vec::with_capacity(room),
        };
        let others = directory.fill(size, count).map_err(Refused::Damaged)?;
        directory.sort(others).map_err(Refused::Damaged)?;
        Ok(directory)
    }

    /// Reads all entries; gives those that are no records.
    fn fill(&mut self, size: u64, count: u64) -> Result<Vec<Entry>, String> {
        let (mut buffer, mut at, mut others) = (Vec::new(), 0_usize, Vec::new());
        let mut unread = (self.start, size);
        for number in 0..count {
            // An entry takes 46 bytes and three lengths of 64 KiB at most.
            if buffer.len() - at < ENTRY_LENGTH + 3 * usize::from(u16::MAX) && unread.1 > 0 {
                buffer.drain(..at);
                at = 0;
                let (old, more) = (buffer.len(), AT_ONCE.min(unread.1 as usize));
                buffer.resize(old + more, 0);
                let read = self.file.read_exact_at(&mut buffer[old..], unread.0);
                read.map_err(|error| error.to_string())?;
                unread = (unread.0 + more as u64, unread.1 - more as u64);
            }
            let cut = || format!("entry {number}: it is cut off");
            let head = buffer.get(at..at + ENTRY_LENGTH).ok_or_else(cut)?;
            if !head.starts_with(ENTRY) {
                return Err(format!("entry {number}: it is none"));
            }
            let lengths = [28, 30, 32].map(|place| usize::from(u16_at(head, place)));
            let whole = ENTRY_LENGTH + lengths.iter().sum::<usize>();
            let whole = buffer.get(at..at + whole).ok_or_else(cut)?;
            at += whole.len();
            let name = &whole[ENTRY_LENGTH..ENTRY_LENGTH + lengths[0]];
            let extra = &whole[ENTRY_LENGTH + lengths[0]..ENTRY_LENGTH + lengths[0] + lengths[1]];
            let entry = self
                .entry(whole, name, extra)
                .map_err(|problem| format!("entry {number}: {problem}"))?;
            match name.ends_with(b".json") {
                true => self.entries.push(entry),
                false => others.push(entry),
            }
        }
        match at == buffer.len() && unread.1 == 0 {
            true => Ok(others),
            false => Err("its directory holds more than it says".to_owned()),
        }
    }

    fn entry(&mut self, head: &[u8], name: &[u8], extra: &[u8]) -> Result<Entry, String> {
        let text = std::str::from_utf8(name).map_err(|_| "its name is not UTF-8")?;
        if u16_at(head, 8) & 1 != 0 {
            return Err("it is encrypted".to_owned());
        }
        let mut sizes = [
            u64::from(u32_at(head, 24)),
            u64::from(u32_at(head, 20)),
            u64::from(u32_at(head, 42)),
        ];
        if sizes.contains(&u64::from(u32::MAX)) {
            let mut large = field64(extra).ok_or("its sizes are not told")?;
            for size in sizes.iter_mut().filter(|size| **size == u64::from(u32::MAX)) {
                let (first, rest) = large.split_at_checked(8).ok_or("its sizes are not told")?;
                (*size, large) = (u64_at(first, 0), rest);
            }
        }
        let [size, packed, offset] = sizes;
        let stem = text.strip_suffix(".json").unwrap_or(text);
        // The overlay's names are escaped: an id may hold a colon.
        let key = file_name(stem);
        let key = match key == stem {
            true => None,
            false => {
                self.keys.push(key);
                Some(self.keys.len() as u32 - 1)
            }
        };
        let entry = Entry {
            offset,
            packed,
            size,
            crc: u32_at(head, 16),
            name: u32::try_from(self.names.len()).map_err(|_| "its names take more than 4 GiB")?,
            name_length: name.len() as u16,
            method: u16_at(head, 10),
            key,
        };
        self.names.extend_from_slice(name);
        Ok(entry)
    }

    fn sort(&mut self, mut others: Vec<Entry>) -> Result<(), String> {
        use rayon::prelude::*;
        let mut entries = std::mem::take(&mut self.entries);
        // An export may be sorted already.
        if !entries.is_sorted_by(|a, b| self.key(a) <= self.key(b)) {
            entries.par_sort_unstable_by(|a, b| self.key(a).cmp(self.key(b)));
        }
        others.sort_by(|a, b| self.name(a).cmp(self.name(b)));
        let twice = "two of its entries have one name, and readers differ in which of them counts";
        let same = entries.windows(2).find(|pair| self.key(&pair[0]) == self.key(&pair[1]));
        if let Some(pair) = same {
            return Err(match self.name(&pair[0]) == self.name(&pair[1]) {
                true => twice.to_owned(),
                false => format!("two of its entries have the name `{}.json`", self.key(&pair[0])),
            });
        }
        if others.windows(2).any(|pair| self.name(&pair[0]) == self.name(&pair[1])) {
            return Err(twice.to_owned());
        }
        // A record whose name is damaged looks like none.
        let mut buffer = Vec::new();
        for entry in &others {
            let stored = self.stored(entry, 0, &mut buffer);
            stored.map_err(|problem| format!("{}: {problem}", self.name(entry)))?;
        }
        self.entries = entries;
        Ok(())
    }

    /// The name of an entry, as it is written.
    pub(super) fn name(&self, entry: &Entry) -> &str {
        let start = entry.name as usize;
        let name = &self.names[start..start + usize::from(entry.name_length)];
        std::str::from_utf8(name).expect("it was a text when it was added")
    }

    /// What tells an entry from others: its name without its ending, escaped as in the overlay.
    pub(super) fn key(&self, entry: &Entry) -> &str {
        match entry.key {
            Some(at) => &self.keys[at as usize],
            None => {
                let name = self.name(entry);
                &name[..name.len() - ".json".len()]
            }
        }
    }

    /// The bytes of an entry as they are stored, of which no more than `most` are read, in a buffer that is used again.
    pub(super) fn stored<'b>(&self, entry: &Entry, most: u64, buffer: &'b mut Vec<u8>) -> Result<&'b [u8], String> {
        const SLACK: u64 = 128;
        let packed = entry.packed.min(most);
        let name = self.name(entry).as_bytes();
        let head = LOCAL_LENGTH as u64 + name.len() as u64;
        // The field behind the name is mostly empty: one read gets it all.
        let mut wanted = head.saturating_add(SLACK).saturating_add(packed);
        loop {
            let room = self.start.checked_sub(entry.offset).ok_or("it is not before the directory")?;
            if head.saturating_add(entry.packed) > room {
                return Err("it is not before the directory".to_owned());
            }
            let count = wanted.min(room) as usize;
            buffer.resize(count, 0);
            let read = self.file.read_exact_at(buffer, entry.offset);
            read.map_err(|error: io::Error| error.to_string())?;
            if !buffer.starts_with(LOCAL)
                || buffer.get(LOCAL_LENGTH..head as usize) != Some(name)
                || u16_at(buffer, 26) != entry.name_length
            {
                return Err("what stands before its bytes is of another entry".to_owned());
            }
            if u16_at(buffer, 8) != entry.method {
                return Err("two methods are told of it".to_owned());
            }
            let start = head + u64::from(u16_at(buffer, 28));
            if start.saturating_add(entry.packed) > room {
                return Err("it is not before the directory".to_owned());
            }
            let end = start + packed;
            if end <= count as u64 {
                return Ok(&buffer[start as usize..end as usize]);
            }
            wanted = end;
        }
    }
}

/// The field with the sizes that have no room in an entry.
fn field64(mut extra: &[u8]) -> Option<&[u8]> {
    while extra.len() >= 4 {
        let (kind, length) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
        let field = extra.get(4..4 + length)?;
        if kind == 1 {
            return Some(field);
        }
        extra = &extra[4 + length..];
    }
    None
}

/// Why a directory is not read.
pub(super) enum Refused {
    Damaged(String),
    TooMany,
}
