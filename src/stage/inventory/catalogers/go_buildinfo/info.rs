//! Where build information lies in a program, and its two texts.

use std::borrow::Cow;
use std::ops::ControlFlow;

use memchr::memmem;

use crate::io::elf::{Elf, Segment};
use crate::io::random_access::{self, RandomAccess};
use crate::model::excused::Excused as _;

pub(super) const HEADER: &[u8] = b"\xff Go buildinf:";
pub(super) const HEADER_SIZE: usize = 32;
/// The header lies at a multiple of this.
const ALIGNMENT: usize = 16;
/// Each end of the list of modules is marked by so many bytes.
pub(super) const MARK: usize = 16;

/// The two texts of build information.
pub(super) struct Info {
    /// `go1.22.3`.
    pub(super) go: String,
    /// Lines of fields parted by tabs; empty for programs that are built without modules.
    pub(super) modules: String,
}

/// Finds it in a program; none where there is none.
pub(super) fn find(content: &dyn RandomAccess) -> Result<Option<Info>, &'static str> {
    let Some(elf) = Elf::new(content) else {
        return match aligned_header(content, 0, content.size()) {
            Some(data) => read(&data, &Pointed::new(content, &[])).map(Some),
            None => Ok(None),
        };
    };
    let segments = elf.segments();
    let pointed = Pointed::new(content, &segments);
    if let Some(section) = elf.section(".go.buildinfo") {
        return read(&section, &pointed).map(Some);
    }
    // Without a section of that name (none at all, or another name) Go's own tools look for the header in what can be written to.
    match segments
        .iter()
        .filter(|segment| segment.writable)
        .find_map(|segment| aligned_header(content, segment.offset, segment.offset + segment.size))
    {
        Some(data) => read(&data, &pointed).map(Some),
        None => Ok(None),
    }
}

/// The header between two offsets, with what follows it.
fn aligned_header(content: &dyn RandomAccess, start: u64, end: u64) -> Option<Cow<'_, [u8]>> {
    let (mut passed, mut found) = (0, None);
    content.windows(start, end, &mut |window, own| {
        let aligned = |at: &usize| (passed + at).is_multiple_of(ALIGNMENT) && *at < own;
        match memmem::find_iter(window, HEADER).find(aligned) {
            Some(at) => {
                found = Some(start + (passed + at) as u64);
                ControlFlow::Break(())
            }
            None => {
                passed += own;
                ControlFlow::Continue(())
            }
        }
    });
    let found = found?;
    content.at(found, (end - found).min(random_access::MOST))
}

/// Reads the texts that a header is followed by, or points to.
fn read(data: &[u8], pointed: &Pointed<'_>) -> Result<Info, &'static str> {
    if !data.starts_with(HEADER) || data.len() < HEADER_SIZE {
        return Err("it does not start with its mark");
    }
    const INLINE: u8 = 2;
    let (go, modules) = if data[15] & INLINE != 0 {
        let (go, rest) = counted(&data[HEADER_SIZE..]).ok_or("the version of Go ends outside of it")?;
        let (modules, _) = counted(rest).ok_or("the list of modules ends outside of it")?;
        (Cow::Borrowed(go), Cow::Borrowed(modules))
    } else {
        let pointers = Pointers {
            size: data[14].into(),
            big_endian: data[15] & 1 != 0,
            pointed,
        };
        pointers.texts(data).ok_or("it points outside of the file")?
    };
    let modules = match modules.as_ref() {
        [] => &[],
        _ if modules.len() > 2 * MARK && modules[modules.len() - MARK - 1] == b'\n' => &modules[MARK..modules.len() - MARK],
        _ => return Err("the list of modules is not between its marks"),
    };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| "it is not UTF-8");
    Ok(Info {
        go: text(&go)?,
        modules: text(modules)?,
    })
}

/// A text behind its length as a variable-length number, and what follows it.
fn counted(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 0u64;
    for (at, byte) in data.iter().take(9).enumerate() {
        length |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return data[at + 1..].split_at_checked(usize::try_from(length).or_none("the caller says that the block is odd")?);
        }
    }
    None
}

/// The older form: addresses of two Go strings, each an address and a length.
struct Pointers<'a> {
    size: usize,
    big_endian: bool,
    pointed: &'a Pointed<'a>,
}

/// What addresses lead to.
struct Pointed<'a> {
    content: &'a dyn RandomAccess,
    segments: &'a [Segment],
}

impl<'a> Pointed<'a> {
    fn new(content: &'a dyn RandomAccess, segments: &'a [Segment]) -> Self {
        Self { content, segments }
    }

    fn at(&self, address: u64, size: u64) -> Option<Cow<'a, [u8]>> {
        self.segments.iter().find_map(|segment| {
            let start = address.checked_sub(segment.address)?;
            (start.checked_add(size)? <= segment.size).then(|| self.content.at(segment.offset + start, size))?
        })
    }
}

/// The version of Go, and the modules.
type Texts<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

impl<'a> Pointers<'a> {
    fn texts(&self, data: &[u8]) -> Option<Texts<'a>> {
        if !matches!(self.size, 4 | 8) {
            return None;
        }
        let go = self.string(self.number(data.get(16..)?)?)?;
        let modules = match self.number(data.get(16 + self.size..)?)? {
            0 => Cow::Borrowed(&[][..]),
            address => self.string(address)?,
        };
        Some((go, modules))
    }

    fn string(&self, header: u64) -> Option<Cow<'a, [u8]>> {
        let header = self.pointed.at(header, 2 * self.size as u64)?;
        self.pointed.at(self.number(&header)?, self.number(&header[self.size..])?)
    }

    fn number(&self, bytes: &[u8]) -> Option<u64> {
        let bytes = bytes.get(..self.size)?;
        let push = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(if self.big_endian {
            bytes.iter().fold(0, push)
        } else {
            bytes.iter().rev().fold(0, push)
        })
    }
}
