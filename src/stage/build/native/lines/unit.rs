//! One unit of debug information: rows of its line table, and functions that are there or inlined.
//!
//! With line tables alone a function has a name and a place, and no file of its own: that of an inlined function is where what is inlined in it is
//! called, or the row of its first instruction. Source: DWARF 5, 3.3 and 6.2; rustc 1.95 writes version 4.

use std::collections::{BTreeMap, BTreeSet};

use gimli::{AttributeValue, DebuggingInformationEntry, UnitOffset};

use super::budget::Unread;
use super::file_names::{is_of_std, joined};
use super::instance::bare;
use super::sections::{Bytes, Sections};
use super::touched::Touched;
use crate::model::linked::LinkedFunction;
use crate::model::visible::shortened;

type Unit<'b> = gimli::Unit<Bytes<'b>>;
type Value<'b> = AttributeValue<Bytes<'b>>;
type Entry<'b> = DebuggingInformationEntry<Bytes<'b>>;

/// So many characters of a function's name are kept: names of generic ones reach thousands.
const SHOWN: usize = 160;
/// An entry names another one that names another one: compilers write two.
const MOST_ORIGINS: usize = 4;

/// Reads a unit.
///
/// # Errors
/// [`Unread`].
pub(super) fn read<'b>(sections: &mut Sections<'b>, unit: &Unit<'b>, touched: &mut Touched) -> Result<(), Unread> {
    let mut reading = Reading {
        paths: BTreeMap::new(),
        rows: Vec::new(),
        lines: BTreeMap::new(),
        sections,
        unit,
        touched,
    };
    reading.rows()?;
    reading.entries()?;
    reading.finish()
}

struct Reading<'r, 'b> {
    sections: &'r mut Sections<'b>,
    unit: &'r Unit<'b>,
    touched: &'r mut Touched,
    /// Paths of files, by their numbers in the table.
    paths: BTreeMap<u64, String>,
    /// Address and file of each row, ascending.
    rows: Vec<(u64, u64)>,
    /// Lines that something is of, by the number of the file.
    lines: BTreeMap<u64, BTreeSet<u32>>,
}

/// A function, or an instance of an inlined one, whose entries are being read.
struct Open<'b> {
    /// How deep its entry lies; what belongs to it lies deeper.
    depth: isize,
    /// It is of what the linker left out.
    dropped: bool,
    /// What names it: a text, or where the entry is that has it.
    name: Option<Value<'b>>,
    origin: Option<Value<'b>>,
    address: Option<u64>,
    /// The file in which something that is inlined in it is called.
    file: Option<u64>,
    /// Where it is inlined itself.
    called: Option<(u64, u64)>,
}

impl<'b> Reading<'_, 'b> {
    fn rows(&mut self) -> Result<(), Unread> {
        let Some(program) = self.unit.line_program.clone() else {
            return Ok(());
        };
        let header = program.header();
        self.sections
            .budget
            .spend(header.file_names().len() + header.include_directories().len())?;
        let mut rows = program.rows();
        let mut sequence: Option<bool> = None;
        while let Some((_, row)) = rows.next_row()? {
            self.sections.budget.spend(1)?;
            if row.end_sequence() {
                sequence = None;
                continue;
            }
            // What the linker left out begins where no code is.
            let is_there = *sequence.get_or_insert_with(|| self.sections.is_code(row.address()));
            if !is_there {
                continue;
            }
            self.rows.push((row.address(), row.file_index()));
            let line = row.line().and_then(|line| number_of(line.get()));
            self.lines.entry(row.file_index()).or_default().extend(line);
        }
        self.rows.sort_by_key(|(address, _)| *address);
        Ok(())
    }

    fn entries(&mut self) -> Result<(), Unread> {
        let mut open: Vec<Open<'b>> = Vec::new();
        let mut entries = self.unit.entries();
        while let Some(entry) = entries.next_dfs()? {
            self.sections.budget.spend(1 + entry.attrs().len())?;
            let depth = entry.depth();
            while let Some(done) = open.pop_if(|function| function.depth >= depth) {
                self.close(&done)?;
            }
            let is_inlined = match entry.tag() {
                gimli::DW_TAG_subprogram => false,
                gimli::DW_TAG_inlined_subroutine => true,
                _ => continue,
            };
            let (address, has_code) = self.start_of(entry)?;
            if !is_inlined && !has_code {
                // It is declared, or the origin of what is inlined.
                continue;
            }
            let above = open.last_mut();
            let dropped = match (is_inlined, &above) {
                (true, Some(above)) => above.dropped,
                _ => address.is_some_and(|address| !self.sections.is_code(address)),
            };
            let number = |name| entry.attr_value(name).and_then(|value| value.udata_value());
            let file = entry.attr_value(gimli::DW_AT_call_file).and_then(|value| match value {
                AttributeValue::FileIndex(file) => Some(file),
                value => value.udata_value(),
            });
            let called = file.zip(number(gimli::DW_AT_call_line)).filter(|_| is_inlined);
            if let (Some((file, line)), false) = (called, dropped) {
                self.lines.entry(file).or_default().extend(number_of(line));
                if let Some(above) = above {
                    above.file.get_or_insert(file);
                }
            }
            open.push(Open {
                depth,
                dropped,
                name: entry.attr_value(gimli::DW_AT_name),
                origin: origin(entry),
                address,
                file: None,
                called,
            });
        }
        while let Some(done) = open.pop() {
            self.close(&done)?;
        }
        Ok(())
    }

    /// Its first address; and whether it has any.
    fn start_of(&self, entry: &Entry<'b>) -> Result<(Option<u64>, bool), Unread> {
        if let Some(low) = entry.attr_value(gimli::DW_AT_low_pc) {
            return Ok((self.sections.dwarf.attr_address(self.unit, low)?, true));
        }
        let Some(ranges) = entry.attr_value(gimli::DW_AT_ranges) else {
            return Ok((None, false));
        };
        let first = match self.sections.dwarf.attr_ranges(self.unit, ranges)? {
            Some(mut ranges) => ranges.next()?,
            None => None,
        };
        Ok((first.map(|range| range.begin), true))
    }

    /// Notes a function all of whose entries were read.
    fn close(&mut self, function: &Open<'b>) -> Result<(), Unread> {
        if function.dropped {
            return Ok(());
        }
        self.touched.functions += 1;
        let Some(file) = function.file.or_else(|| self.file_at(function.address?)) else {
            return Ok(());
        };
        let path = self.path(file)?;
        if is_of_std(&path) {
            return Ok(());
        }
        let Some(symbol) = self.name(function)? else { return Ok(()) };
        let Some(name) = bare(&symbol) else { return Ok(()) };
        let inlined_at = match function.called {
            Some((file, line)) => Some(format!("{}:{line}", self.path(file)?)),
            None => None,
        };
        let instance = LinkedFunction {
            symbol: shortened(&symbol, SHOWN),
            inlined_at,
        };
        self.touched.function(&path, name, instance);
        Ok(())
    }

    /// The file of the row that holds an address.
    fn file_at(&self, address: u64) -> Option<u64> {
        let after = self.rows.partition_point(|(start, _)| *start <= address);
        Some(self.rows.get(after.checked_sub(1)?)?.1)
    }

    fn name(&mut self, function: &Open<'b>) -> Result<Option<String>, Unread> {
        let (mut name, mut origin_at) = (function.name, function.origin);
        for _ in 0..MOST_ORIGINS {
            if name.is_some() {
                break;
            }
            let Some(AttributeValue::UnitRef(offset)) = origin_at.and_then(|value| within(value, self.unit)) else {
                break;
            };
            self.sections.budget.spend(1)?;
            let entry = self.unit.entry(offset)?;
            (name, origin_at) = (entry.attr_value(gimli::DW_AT_name), origin(&entry));
        }
        match name {
            Some(name) => Ok(Some(self.text(name)?)),
            None => Ok(None),
        }
    }

    fn text(&mut self, value: Value<'b>) -> Result<String, Unread> {
        let text = self.sections.dwarf.attr_string(self.unit, value)?;
        self.sections.budget.spend(text.len())?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    fn path(&mut self, number: u64) -> Result<String, Unread> {
        if let Some(path) = self.paths.get(&number) {
            return Ok(path.clone());
        }
        let program = self.unit.line_program.clone();
        let header = program.as_ref().map(gimli::IncompleteLineProgram::header);
        let file = header.and_then(|header| Some((header, header.file(number)?)));
        let (header, file) = file.ok_or_else(|| Unread("name a file that is not in them".to_owned()))?;
        let name = self.text(file.path_name())?;
        let folder = match file.directory(header) {
            Some(folder) => self.text(folder)?,
            None => String::new(),
        };
        let above = self.unit.comp_dir.map(|text| String::from_utf8_lossy(&text).into_owned());
        let path = joined([above.as_deref().unwrap_or_default(), &folder, &name]);
        self.sections.budget.spend(path.len())?;
        self.paths.insert(number, path.clone());
        Ok(path)
    }

    fn finish(mut self) -> Result<(), Unread> {
        for (number, lines) in std::mem::take(&mut self.lines) {
            let path = self.path(number)?;
            for line in lines {
                self.touched.line(&path, line);
            }
        }
        Ok(())
    }
}

/// A line's number; line 0 stands for none in particular.
fn number_of(line: u64) -> Option<u32> {
    Some(u32::try_from(line).unwrap_or(u32::MAX)).filter(|line| *line > 0)
}

/// Where the entry is that has an instance's name.
fn origin<'b>(entry: &Entry<'b>) -> Option<Value<'b>> {
    let abstract_origin = entry.attr_value(gimli::DW_AT_abstract_origin);
    abstract_origin.or_else(|| entry.attr_value(gimli::DW_AT_specification))
}

/// A reference into this unit. One into another, as LTO makes them, gives no name: lines answer then.
fn within<'b>(value: Value<'b>, unit: &Unit<'b>) -> Option<Value<'b>> {
    match value {
        AttributeValue::DebugInfoRef(offset) => {
            let offset: UnitOffset = offset.to_unit_offset(&unit.header)?;
            Some(AttributeValue::UnitRef(offset))
        }
        value => Some(value),
    }
}
