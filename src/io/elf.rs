//! Sections and segments of ELF files, as far as the inventory and the builder need them. Nothing is trusted: what lies outside of the file is not there.
//! Its bytes come in pieces from a layer that is not held whole; `object` borrows each for as long as the file is read.
//!
//! Source: elf(5).

use std::borrow::Cow;
use std::ops::Range;

use crate::model::excused::Excused as _;

use super::random_access::RandomAccess;

/// The machine that a 64-bit little-endian ELF file is for, by its first bytes; `None` for every other file. Source: the System V ABI, `e_machine`.
#[must_use]
pub fn machine(start: &[u8]) -> Option<u16> {
    let is_read = start.starts_with(b"\x7fELF\x02\x01");
    let number = start.get(18..20).filter(|_| is_read)?;
    Some(u16::from_le_bytes([number[0], number[1]]))
}

/// The same for those of 32 bits as well: no number means one machine in the one width and another in the other.
#[must_use]
pub fn any_machine(start: &[u8]) -> Option<u16> {
    let is_narrow = start.starts_with(b"\x7fELF\x01\x01");
    let number = start.get(18..20).filter(|_| is_narrow);
    number.map_or_else(|| machine(start), |number| Some(u16::from_le_bytes([number[0], number[1]])))
}

/// An ELF file's tables.
pub struct Elf<'a> {
    content: &'a dyn RandomAccess,
    /// True for 64-bit files.
    wide: bool,
    big_endian: bool,
}

/// Where the headers of the sections are.
#[derive(Debug, Clone, Copy)]
pub struct SectionTable {
    /// Bytes from the start of the file.
    pub offset: u64,
    /// Bytes of one header.
    pub entry_size: u64,
    /// How many there are.
    pub count: u64,
    /// The number of the section that holds the names of all.
    pub names: u64,
}

/// A part of the file that is put into memory.
pub struct Segment {
    /// Where it is put.
    pub address: u64,
    /// Whether the program may write into it.
    pub writable: bool,
    /// Where it is in the file.
    pub offset: u64,
    /// Bytes of it in the file.
    pub size: u64,
}

/// What the dynamic loader is told by a file.
#[derive(Debug, Default)]
pub struct Linked {
    /// Libraries that the file names itself: `libc.so.6`.
    pub libraries: Vec<String>,
    /// Folders to look in, as they are written: `$ORIGIN/../lib`.
    pub folders: Vec<String>,
}

/// The most entries of a table that are looked at; real files have some dozens.
const MOST_ENTRIES: u64 = 4096;

impl<'a> Elf<'a> {
    /// `None` for a file that is no ELF file.
    #[must_use]
    pub fn new(content: &'a dyn RandomAccess) -> Option<Self> {
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

    /// The bytes of the section of a name; `None` where there is no such section or no table of sections.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<Cow<'a, [u8]>> {
        self.section_data(self.section_number(name)?)
    }

    /// Which section has a name.
    #[must_use]
    pub fn section_number(&self, name: &str) -> Option<u64> {
        let table = self.section_table()?;
        let names = self.section_data(table.names)?;
        (0..table.count.min(MOST_ENTRIES)).find(|number| {
            let start = self.section_header(*number).and_then(|header| self.u32(header));
            let name_on = start.and_then(|start| {
                names
                    .get(usize::try_from(start).or_none("out of the file: the section is absent")?..)?
                    .strip_prefix(name.as_bytes())
            });
            name_on.is_some_and(|rest| rest.first() == Some(&0))
        })
    }

    /// Where the table of sections is; `None` where there is none that can be read.
    #[must_use]
    pub fn section_table(&self) -> Option<SectionTable> {
        let at = if self.wide { [0x3a, 0x3c, 0x3e] } else { [0x2e, 0x30, 0x32] };
        let [entry_size, count, names] = at.map(|at| self.u16(at).map(u64::from));
        let offset = if self.wide { self.u64(0x28) } else { self.u32(0x20).map(u64::from) };
        let table = SectionTable {
            offset: offset?,
            entry_size: entry_size?,
            count: count?,
            names: names?,
        };
        (table.entry_size >= 40 && table.count > 0 && table.offset > 0).then_some(table)
    }

    /// True for 64-bit files whose numbers have their low byte first.
    #[must_use]
    pub fn is_wide_little_endian(&self) -> bool {
        self.wide && !self.big_endian
    }

    fn section_header(&self, number: u64) -> Option<u64> {
        let table = self.section_table()?;
        table.offset.checked_add(number.checked_mul(table.entry_size)?)
    }

    /// The bytes of the section of a number.
    #[must_use]
    pub fn section_data(&self, number: u64) -> Option<Cow<'a, [u8]>> {
        let (offset, size) = self.section_range(self.section_header(number)?)?;
        self.content.at(offset, size)
    }

    /// Where in the file the bytes of the section of a name are; `None` where there is no such section, or its bytes are compressed.
    #[must_use]
    pub fn plain_section(&self, name: &str) -> Option<Range<u64>> {
        const COMPRESSED: u64 = 0x800;
        let header = self.section_header(self.section_number(name)?)?;
        (self.address(header, 8, 8)? & COMPRESSED == 0).then_some(())?;
        let (offset, size) = self.section_range(header)?;
        Some(offset..offset.checked_add(size)?)
    }

    /// Addresses of the sections that hold instructions.
    #[must_use]
    pub fn code(&self) -> Vec<Range<u64>> {
        const EXECUTABLE: u64 = 4;
        let count = self.section_table().map_or(0, |table| table.count.min(MOST_ENTRIES));
        let addresses = |number: u64| {
            let header = self.section_header(number)?;
            (self.address(header, 8, 8)? & EXECUTABLE != 0).then_some(())?;
            let start = self.address(header, 0x10, 0x0c)?;
            Some(start..start.checked_add(self.section_range(header)?.1)?)
        };
        (0..count).filter_map(addresses).collect()
    }

    /// Where a section is in the file, and its bytes there.
    fn section_range(&self, header: u64) -> Option<(u64, u64)> {
        Some((self.address(header, 0x18, 0x10)?, self.address(header, 0x20, 0x14)?))
    }

    /// The segments that are loaded, as much of each as is in the file.
    #[must_use]
    pub fn segments(&self) -> Vec<Segment> {
        const LOADED: u32 = 1;
        const WRITABLE: u32 = 2;
        let loaded = |header: u64| {
            (self.u32(header)? == LOADED).then_some(())?;
            let flags = self.u32(header.checked_add(if self.wide { 4 } else { 24 })?)?;
            let (offset, size) = self.segment_range(header)?;
            (offset.checked_add(size)? <= self.content.size()).then_some(())?;
            Some(Segment {
                address: self.address(header, 0x10, 8)?,
                writable: flags & WRITABLE != 0,
                offset,
                size,
            })
        };
        self.program_headers().into_iter().flatten().filter_map(loaded).collect()
    }

    /// The dynamic loader that an executable asks for; `None` when it is static.
    ///
    /// # Errors
    /// In words, for a file that ends before what its header speaks of.
    pub fn interpreter(&self) -> Result<Option<String>, String> {
        const INTERPRETER: u32 = 3;
        let cut = || "it ends before what its header speaks of".to_owned();
        for header in self.program_headers().ok_or_else(cut)? {
            if self.u32(header).ok_or_else(cut)? == INTERPRETER {
                let range = self.segment_range(header);
                let name = range.and_then(|(offset, size)| self.content.at(offset, size)).ok_or_else(cut)?;
                return Ok(Some(String::from_utf8_lossy(&name).trim_end_matches('\0').to_owned()));
            }
        }
        Ok(None)
    }

    /// What the dynamic loader is told; nothing where the file has no such sections (a linker may leave them out).
    #[must_use]
    pub fn linked(&self) -> Linked {
        const NEEDED: u64 = 1;
        const RPATH: u64 = 15;
        const RUNPATH: u64 = 29;
        let mut linked = Linked::default();
        let (Some(number), Some(names)) = (self.section_number(".dynamic"), self.section(".dynstr")) else {
            return linked;
        };
        let Some((start, size)) = self.section_header(number).and_then(|header| self.section_range(header)) else {
            return linked;
        };
        let width = if self.wide { 8 } else { 4 };
        let text = |at: u64| {
            let rest = names.get(usize::try_from(at).or_none("out of the file: the name is absent")?..)?;
            let end = rest.iter().position(|byte| *byte == 0)?;
            Some(String::from_utf8_lossy(&rest[..end]).into_owned())
        };
        for entry in 0..(size / (2 * width)).min(MOST_ENTRIES) {
            let place = start.saturating_add(entry * 2 * width);
            let pair = self.number(place, width).zip(self.number(place.saturating_add(width), width));
            let Some((tag, value)) = pair else { break };
            match tag {
                NEEDED => linked.libraries.extend(text(value)),
                RPATH | RUNPATH => linked
                    .folders
                    .extend(text(value).iter().flat_map(|all| all.split(':')).map(str::to_owned)),
                _ => {}
            }
        }
        linked
    }

    /// Where the header of each segment is; `None` where the file's own header is cut off.
    fn program_headers(&self) -> Option<Vec<u64>> {
        let (offset, size, count) = if self.wide {
            (self.u64(0x20)?, self.u16(0x36)?, self.u16(0x38)?)
        } else {
            (self.u32(0x1c)?.into(), self.u16(0x2a)?, self.u16(0x2c)?)
        };
        let headers = (0..u64::from(count).min(MOST_ENTRIES)).map(|at| offset.checked_add(at * u64::from(size)));
        Some(headers.map_while(|header| header).collect())
    }

    /// Where a segment is in the file, and its bytes there.
    fn segment_range(&self, header: u64) -> Option<(u64, u64)> {
        Some((self.address(header, 8, 4)?, self.address(header, 0x20, 16)?))
    }

    /// A number as wide as an address.
    fn address(&self, header: u64, wide: u64, narrow: u64) -> Option<u64> {
        if self.wide {
            self.u64(header.checked_add(wide)?)
        } else {
            self.u32(header.checked_add(narrow)?).map(u64::from)
        }
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
