//! The sections of an executable that hold its debug information, and where its code is.

use std::ops::Range;

use gimli::{Dwarf, EndianSlice, LittleEndian, Section as _, SectionId};

use super::budget::{Budget, Unread};
use crate::io::elf::Elf;
use crate::model::excused::Excused as _;

/// Borrowed bytes of a section.
pub(super) type Bytes<'b> = EndianSlice<'b, LittleEndian>;

/// The debug information of one executable.
pub(super) struct Sections<'b> {
    pub(super) dwarf: Dwarf<Bytes<'b>>,
    /// Addresses of instructions. What the linker left out has addresses elsewhere.
    code: Vec<Range<u64>>,
    pub(super) budget: Budget,
}

impl<'b> Sections<'b> {
    /// Finds them.
    ///
    /// # Errors
    /// [`Unread`] for what is no executable of 64 bits, or has no line tables that can be read.
    pub(super) fn of(bytes: &'b [u8]) -> Result<Self, Unread> {
        let unread = |words: &str| Unread(words.to_owned());
        let elf = Elf::new(&bytes).filter(Elf::is_wide_little_endian);
        let elf = elf.ok_or_else(|| unread("are not looked for in what is no 64-bit little-endian ELF file"))?;
        let mut all = 0u64;
        let dwarf = Dwarf::load(|id: SectionId| {
            let range = match (elf.plain_section(id.name()), elf.section_number(id.name())) {
                (Some(range), _) => range,
                (None, None) => return Ok(Bytes::default()),
                (None, Some(_)) => return Err(unread("are compressed, or lie outside of the file")),
            };
            all = all.saturating_add(range.end - range.start);
            let at = |offset: u64| usize::try_from(offset).or_none("the caller says that it is outside of the file");
            let content = at(range.start).zip(at(range.end)).and_then(|(start, end)| bytes.get(start..end));
            let content = content.ok_or_else(|| unread("lie outside of the file"))?;
            Ok(EndianSlice::new(content, LittleEndian))
        })?;
        if dwarf.debug_info.reader().is_empty() || dwarf.debug_line.reader().is_empty() {
            return Err(unread("are not there: something that links has left them out"));
        }
        Ok(Self {
            dwarf,
            code: elf.code(),
            budget: Budget::of(all),
        })
    }

    /// True for the address of an instruction.
    pub(super) fn is_code(&self, address: u64) -> bool {
        self.code.iter().any(|range| range.contains(&address))
    }
}
