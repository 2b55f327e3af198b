//! The two things that the builder does to an ELF executable: see that it is static, and give it one more section.
//!
//! Source: the System V ABI, "ELF-64 Object File Format". 64-bit little-endian only.

use std::ops::Range;

use crate::model::excused::Excused as _;

const MAGIC: &[u8] = b"\x7fELF\x02\x01";
const HEADER: usize = 64;
const SECTION_HEADER: usize = 64;
const PT_INTERP: u32 = 3;
const SHT_PROGBITS: u32 = 1;

/// What is odd about a file that should be an ELF executable, with the offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ElfError(pub(super) String);

/// The dynamic loader that an executable asks for; none when it is static.
///
/// # Errors
/// [`ElfError`] for a file that is cut off or no ELF file.
pub(super) fn interpreter(elf: &[u8]) -> Result<Option<String>, ElfError> {
    check_magic(elf)?;
    let (offset, size, count) = (word(elf, 32)?, half(elf, 54)?, half(elf, 56)?);
    for index in 0..count {
        let at = offset + u64::from(index) * u64::from(size);
        if u32_at(elf, at)? != PT_INTERP {
            continue;
        }
        let (start, length) = (word(elf, at + 8)?, word(elf, at + 32)?);
        let name = slice(elf, start, length)?;
        return Ok(Some(String::from_utf8_lossy(name).trim_end_matches('\0').to_owned()));
    }
    Ok(None)
}

/// Adds a section that is not loaded, at the end of the file; a section of that name is given the new content. The old section
/// headers stay behind as dead bytes: nothing that is loaded moves.
///
/// # Errors
/// [`ElfError`] for a file that is cut off, no ELF file, or one without section headers. The file is unchanged then.
pub(super) fn put_section(elf: &mut Vec<u8>, name: &str, content: &[u8]) -> Result<(), ElfError> {
    check_magic(elf)?;
    let table = word(elf, 40)?;
    let (size, count, names_index) = (half(elf, 58)?, half(elf, 60)?, half(elf, 62)?);
    if usize::from(size) != SECTION_HEADER || count == 0 || names_index >= count {
        return Err(ElfError("it has no usable section headers".to_owned()));
    }
    let mut headers = slice(elf, table, u64::from(count) * u64::from(size))?.to_vec();
    let names_header = usize::from(names_index) * SECTION_HEADER;
    let mut names = slice(
        elf,
        word(&headers, names_header as u64 + 24)?,
        word(&headers, names_header as u64 + 32)?,
    )?
    .to_vec();
    let header = match find(&headers, &names, name)? {
        Some(at) => at,
        None if count >= 0xfeff => return Err(ElfError("it has too many sections".to_owned())),
        None => append_header(&mut headers, &mut names, name)?,
    };

    let content_at = append(elf, content, 1);
    let names_at = append(elf, &names, 1);
    put(&mut headers, header + 24, content_at);
    put(&mut headers, header + 32, content.len() as u64);
    put(&mut headers, names_header + 24, names_at);
    put(&mut headers, names_header + 32, names.len() as u64);
    let headers_at = append(elf, &headers, 8);
    put(elf, 40, headers_at);
    let count = u16::try_from(headers.len() / SECTION_HEADER).unwrap_or(count);
    elf[60..62].copy_from_slice(&count.to_le_bytes());
    Ok(())
}

/// Where the header of a named section begins in the table.
fn find(headers: &[u8], names: &[u8], name: &str) -> Result<Option<usize>, ElfError> {
    for at in (0..headers.len()).step_by(SECTION_HEADER) {
        let start = u32_at(headers, at as u64)? as usize;
        let rest = names.get(start..).unwrap_or_default();
        if rest.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&0)) {
            return Ok(Some(at));
        }
    }
    Ok(None)
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

fn check_magic(elf: &[u8]) -> Result<(), ElfError> {
    if elf.len() < HEADER || !elf.starts_with(MAGIC) {
        return Err(ElfError("it does not begin with a 64-bit little-endian ELF header".to_owned()));
    }
    Ok(())
}

fn slice(bytes: &[u8], at: u64, length: u64) -> Result<&[u8], ElfError> {
    let range = || -> Option<Range<usize>> {
        let start = usize::try_from(at).or_none("the caller says that the file is cut")?;
        Some(start..start.checked_add(usize::try_from(length).or_none("the caller says that the file is cut")?)?)
    };
    let found = range().and_then(|range| bytes.get(range));
    found.ok_or_else(|| ElfError(format!("it ends before byte {at} + {length}")))
}

fn array<const N: usize>(bytes: &[u8], at: u64) -> Result<[u8; N], ElfError> {
    let found = slice(bytes, at, N as u64)?;
    found.try_into().map_err(|_| ElfError(format!("it ends before byte {at} + {N}")))
}

fn half(bytes: &[u8], at: u64) -> Result<u16, ElfError> {
    array(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: u64) -> Result<u32, ElfError> {
    array(bytes, at).map(u32::from_le_bytes)
}

fn word(bytes: &[u8], at: u64) -> Result<u64, ElfError> {
    array(bytes, at).map(u64::from_le_bytes)
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
        assert_eq!(section(&elf, ".dep-v0"), b"second");
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

    fn section(elf: &[u8], name: &str) -> Vec<u8> {
        let headers = slice(elf, word(elf, 40).expect("table"), u64::from(half(elf, 60).expect("count")) * 64).expect("headers");
        let names = usize::from(half(elf, 62).expect("index")) * 64;
        let names = slice(
            elf,
            word(headers, names as u64 + 24).expect("at"),
            word(headers, names as u64 + 32).expect("size"),
        )
        .expect("names");
        let at = find(headers, names, name).expect("found").expect("there") as u64;
        slice(elf, word(headers, at + 24).expect("at"), word(headers, at + 32).expect("size"))
            .expect("content")
            .to_vec()
    }
}
