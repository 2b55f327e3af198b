//! The two things that the builder does to an ELF executable: see that it is static, and give it one more section.
//!
//! Source: the System V ABI, "ELF-64 Object File Format". 64-bit little-endian only.

use crate::io::elf::{Elf, SectionTable};

pub(super) const SECTION_HEADER: usize = 64;
const SHT_PROGBITS: u32 = 1;

/// What is odd about a file that should be an ELF executable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ElfError(pub(super) String);

/// The dynamic loader that an executable asks for; none when it is static.
///
/// # Errors
/// [`ElfError`] for a file that is cut off or no ELF file.
pub(super) fn interpreter(bytes: &[u8]) -> Result<Option<String>, ElfError> {
    elf(&bytes)?.interpreter().map_err(ElfError)
}

/// The libraries that an executable names: `libc.so.6`.
///
/// # Errors
/// [`ElfError`] for what is no ELF file.
pub(super) fn libraries(bytes: &[u8]) -> Result<Vec<String>, ElfError> {
    Ok(elf(&bytes)?.linked().libraries)
}

/// Adds a section that is not loaded, at the end of the file; a section of that name is given the new content. The old section
/// headers stay behind as dead bytes: nothing that is loaded moves.
///
/// # Errors
/// [`ElfError`] for a file that is cut off, no ELF file, or one without section headers. The file is unchanged then.
pub(super) fn put_section(bytes: &mut Vec<u8>, name: &str, content: &[u8]) -> Result<(), ElfError> {
    let Tables {
        mut headers,
        mut names,
        names_header,
        known,
    } = tables(bytes, name)?;
    let header = match known {
        Some(at) => at,
        None if headers.len() / SECTION_HEADER >= 0xfeff => return Err(ElfError("it has too many sections".to_owned())),
        None => append_header(&mut headers, &mut names, name)?,
    };

    let content_at = append(bytes, content, 1);
    let names_at = append(bytes, &names, 1);
    put(&mut headers, header + 24, content_at);
    put(&mut headers, header + 32, content.len() as u64);
    put(&mut headers, names_header + 24, names_at);
    put(&mut headers, names_header + 32, names.len() as u64);
    let headers_at = append(bytes, &headers, 8);
    put(bytes, 40, headers_at);
    let count = u16::try_from(headers.len() / SECTION_HEADER).map_err(|_| ElfError("it has too many sections".to_owned()))?;
    bytes[60..62].copy_from_slice(&count.to_le_bytes());
    Ok(())
}

/// What is written anew.
struct Tables {
    headers: Vec<u8>,
    names: Vec<u8>,
    /// Where in the headers that of the names is.
    names_header: usize,
    /// Where in the headers that of the wanted name is, if there is one.
    known: Option<usize>,
}

fn tables(bytes: &[u8], name: &str) -> Result<Tables, ElfError> {
    let elf = elf(&bytes)?;
    let unusable = || ElfError("it has no usable section headers".to_owned());
    let table = elf.section_table().filter(usable).ok_or_else(unusable)?;
    let at = |number: u64| {
        usize::try_from(number)
            .map(|number| number * SECTION_HEADER)
            .map_err(|_| unusable())
    };
    let start = usize::try_from(table.offset).map_err(|_| unusable())?;
    let end = start.checked_add(at(table.count)?).ok_or_else(unusable)?;
    Ok(Tables {
        headers: bytes.get(start..end).ok_or_else(unusable)?.to_vec(),
        names: elf.section_data(table.names).ok_or_else(unusable)?.into_owned(),
        names_header: at(table.names)?,
        known: elf.section_number(name).map(at).transpose()?,
    })
}

/// The headers of all sections, and the names that they refer to.
///
/// # Errors
/// [`ElfError`] for a file that is cut off, no ELF file, or one without section headers.
pub(super) fn headers(bytes: &[u8]) -> Result<(Vec<u8>, Vec<u8>), ElfError> {
    let Tables { headers, names, .. } = tables(bytes, "")?;
    Ok((headers, names))
}

const fn usable(table: &SectionTable) -> bool {
    table.entry_size == SECTION_HEADER as u64 && table.names < table.count
}

fn elf<'a>(bytes: &'a &'a [u8]) -> Result<Elf<'a>, ElfError> {
    let elf = Elf::new(bytes).filter(Elf::is_wide_little_endian);
    elf.ok_or_else(|| ElfError("it does not begin with a 64-bit little-endian ELF header".to_owned()))
}

/// Adds a name and a header that is empty but for it.
fn append_header(headers: &mut Vec<u8>, names: &mut Vec<u8>, name: &str) -> Result<usize, ElfError> {
    let name_at = u32::try_from(names.len()).map_err(|_| ElfError("its table of names is larger than 4 GiB".to_owned()))?;
    names.extend_from_slice(name.as_bytes());
    names.push(0);
    let at = headers.len();
    headers.resize(at + SECTION_HEADER, 0);
    headers[at..at + 4].copy_from_slice(&name_at.to_le_bytes());
    headers[at + 4..at + 8].copy_from_slice(&SHT_PROGBITS.to_le_bytes());
    put(headers, at + 48, 1);
    Ok(at)
}

/// Appends bytes at an aligned offset, which it gives.
fn append(elf: &mut Vec<u8>, bytes: &[u8], alignment: usize) -> u64 {
    elf.resize(elf.len().next_multiple_of(alignment), 0);
    let at = elf.len() as u64;
    elf.extend_from_slice(bytes);
    at
}

fn put(bytes: &mut [u8], at: usize, value: u64) {
    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

/// The bytes of a section; `None` without one.
#[cfg(test)]
pub(super) fn section(bytes: &[u8], name: &str) -> Option<Vec<u8>> {
    let elf = elf(&bytes).expect("an ELF file");
    Some(bytes[elf.plain_section(name).map(|range| range.start as usize..range.end as usize)?].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test's own executable: a real ELF file on Linux.
    fn executable() -> Vec<u8> {
        std::fs::read(std::env::current_exe().expect("path")).expect("read")
    }

    #[test]
    fn the_loader_of_a_dynamic_executable_is_named() {
        let loader = interpreter(&executable()).expect("an ELF file");
        assert!(
            loader.is_some_and(|name| name.contains("ld")),
            "the test binary is linked dynamically"
        );
    }

    #[test]
    fn a_section_that_was_put_is_found_and_the_program_still_runs() {
        use std::os::unix::fs::PermissionsExt;
        let mut elf = std::fs::read("/bin/true").expect("a small program");
        put_section(&mut elf, ".dep-v0", b"first").expect("put");
        put_section(&mut elf, ".dep-v0", b"second").expect("put again");
        assert_eq!(section(&elf, ".dep-v0").as_deref(), Some(&b"second"[..]));
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("true");
        std::fs::write(&path, &elf).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("mode");
        let run = crate::io::process::Program::new(&path.display().to_string()).stdout();
        assert!(run.is_ok(), "{run:?}");
    }

    #[test]
    fn an_executable_that_is_cut_off_anywhere_is_an_error_and_no_panic() {
        let elf = std::fs::read("/bin/true").expect("a small program");
        for length in (0..elf.len()).step_by(97) {
            let mut cut = elf[..length].to_vec();
            drop(interpreter(&cut));
            assert!(put_section(&mut cut, ".dep-v0", b"x").is_err(), "cut at {length}");
            assert_eq!(cut.len(), length, "unchanged");
        }
    }
}
