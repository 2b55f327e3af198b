//! Sections and segments of ELF files, as far as catalogers need them. Nothing is trusted: what lies outside of the file is not there.
//!
//! Source: elf(5).

use std::borrow::Cow;

use crate::model::excused::Excused as _;

use super::random_access::RandomAccess;

/// An ELF file's tables.
pub(in crate::stage::inventory) struct Elf<'a> {
    content: &'a dyn RandomAccess,
    /// True for 64-bit files.
    wide: bool,
    big_endian: bool,
}

/// A part of the file that is put into memory.
pub(in crate::stage::inventory) struct Segment {
    /// Where it is put.
    pub(in crate::stage::inventory) address: u64,
    pub(in crate::stage::inventory) writable: bool,
    /// Where it is in the file.
    pub(in crate::stage::inventory) offset: u64,
    /// Bytes of it in the file.
    pub(in crate::stage::inventory) size: u64,
}

/// The most entries of a table that are looked at; real files have some dozens.
const MOST_ENTRIES: u64 = 4096;

impl<'a> Elf<'a> {
    /// None for a file that is no ELF file.
    pub(in crate::stage::inventory) fn new(content: &'a dyn RandomAccess) -> Option<Self> {
        let identification = content.at(0, 16)?;
        // 32 or 64 bits, the low or the high byte first: nothing else is an ELF file to anybody.
        let known = matches!(identification[4..6], [1 | 2, 1 | 2]);
        if !identification.starts_with(b"\x7fELF") || !known {
            return None;
        }
        Some(Self {
            content,
            wide: identification[4] == 2,
            big_endian: identification[5] == 2,
        })
    }

    /// The bytes of the section of a name; none where there is no such section or no table of sections.
    pub(in crate::stage::inventory) fn section(&self, name: &str) -> Option<Cow<'a, [u8]>> {
        let (entry_size, count) = self.section_table()?;
        let names = self.section_data(self.u16(if self.wide { 0x3e } else { 0x32 })?.into(), entry_size)?;
        (0..count.min(MOST_ENTRIES)).find_map(|at| {
            let start =
                usize::try_from(self.u32(self.section_header(at, entry_size)?)?).or_none("out of the file: the section is absent")?;
            let rest = names.get(start..)?.strip_prefix(name.as_bytes())?;
            (rest.first() == Some(&0)).then(|| self.section_data(at, entry_size))?
        })
    }

    /// True where the file has a table of sections.
    pub(in crate::stage::inventory) fn has_sections(&self) -> bool {
        self.section_table().is_some_and(|(_, count)| count > 1)
    }

    fn section_table(&self) -> Option<(u64, u64)> {
        let (size, count) = if self.wide { (0x3a, 0x3c) } else { (0x2e, 0x30) };
        let table = (self.u16(size)?.into(), self.u16(count)?.into());
        (table.0 >= 40 && table.1 > 0 && self.section_offset()? > 0).then_some(table)
    }

    fn section_offset(&self) -> Option<u64> {
        if self.wide { self.u64(0x28) } else { self.u32(0x20).map(u64::from) }
    }

    fn section_header(&self, at: u64, entry_size: u64) -> Option<u64> {
        self.section_offset()?.checked_add(at.checked_mul(entry_size)?)
    }

    fn section_data(&self, at: u64, entry_size: u64) -> Option<Cow<'a, [u8]>> {
        let header = self.section_header(at, entry_size)?;
        let (offset, size) = if self.wide {
            (self.u64(header.checked_add(0x18)?)?, self.u64(header.checked_add(0x20)?)?)
        } else {
            (
                self.u32(header.checked_add(0x10)?)?.into(),
                self.u32(header.checked_add(0x14)?)?.into(),
            )
        };
        self.content.at(offset, size)
    }

    /// The segments that are loaded, as much of each as is in the file.
    pub(in crate::stage::inventory) fn segments(&self) -> Vec<Segment> {
        let (offset, size, count) = if self.wide {
            (self.u64(0x20), self.u16(0x36), self.u16(0x38))
        } else {
            (self.u32(0x1c).map(u64::from), self.u16(0x2a), self.u16(0x2c))
        };
        let (Some(offset), Some(size), Some(count)) = (offset, size, count) else {
            return Vec::new();
        };
        let entries = (0..u64::from(count)).take(MOST_ENTRIES as usize);
        entries
            .filter_map(|at| self.segment(offset.checked_add(at * u64::from(size))?))
            .collect()
    }

    fn segment(&self, header: u64) -> Option<Segment> {
        const LOADED: u32 = 1;
        const WRITABLE: u32 = 2;
        let field = |wide: u64, narrow: u64| {
            if self.wide {
                self.u64(header.checked_add(wide)?)
            } else {
                self.u32(header.checked_add(narrow)?).map(u64::from)
            }
        };
        let flags = self.u32(header.checked_add(if self.wide { 4 } else { 24 })?)?;
        (self.u32(header)? == LOADED).then_some(())?;
        let (offset, size) = (field(8, 4)?, field(0x20, 16)?);
        (offset.checked_add(size)? <= self.content.size()).then_some(())?;
        Some(Segment {
            address: field(0x10, 8)?,
            writable: flags & WRITABLE != 0,
            offset,
            size,
        })
    }

    /// A number of the file's own byte order: 2, 4 or 8 bytes.
    fn number(&self, offset: u64, size: u64) -> Option<u64> {
        let bytes = self.content.at(offset, size)?;
        let push = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(if self.big_endian {
            bytes.iter().fold(0, push)
        } else {
            bytes.iter().rev().fold(0, push)
        })
    }

    fn u16(&self, offset: u64) -> Option<u16> {
        self.number(offset, 2)?.try_into().or_none("two bytes fit")
    }

    fn u32(&self, offset: u64) -> Option<u32> {
        self.number(offset, 4)?.try_into().or_none("four bytes fit")
    }

    fn u64(&self, offset: u64) -> Option<u64> {
        self.number(offset, 8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_that_nobody_knows_is_no_elf_file() {
        let mut header = *b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0";
        assert!(Elf::new(&&header[..]).is_some());
        header[5] = 5;
        assert!(Elf::new(&&header[..]).is_none());
    }
}
