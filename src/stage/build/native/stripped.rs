//! Takes symbols and debug information out of an executable, as `strip` does: what is published has neither, and what was read of it is of the very
//! same link.
//!
//! What is loaded keeps its place and its bytes. Source: the System V ABI, "ELF-64 Object File Format". 64-bit little-endian only.

use super::elf::{ElfError, SECTION_HEADER, headers};

const SHT_NULL: u32 = 0;
const SHT_SYMTAB: u32 = 2;
const SHT_STRTAB: u32 = 3;
const SHT_RELA: u32 = 4;
const SHT_NOBITS: u32 = 8;
const SHT_REL: u32 = 9;
const SHT_GROUP: u32 = 17;
const SHT_SYMTAB_SHNDX: u32 = 18;
const SHF_ALLOC: u64 = 2;
/// `sh_info` is the number of a section.
const SHF_INFO_LINK: u64 = 0x40;
/// One entry of the table of segments.
const PROGRAM_HEADER: usize = 56;

/// One section: its header, its name, and its bytes where they are written anew.
struct Section {
    header: [u8; SECTION_HEADER],
    name: Vec<u8>,
    content: Option<Vec<u8>>,
}

/// The executable without what nothing loads but debuggers: tables of symbols and their names, debug information, and relocations of either.
///
/// # Errors
/// [`ElfError`] for a file that is cut off, no ELF file, or one without section headers.
pub(super) fn stripped(bytes: &[u8]) -> Result<Vec<u8>, ElfError> {
    let (headers, names) = headers(bytes)?;
    let mut kept: Vec<Section> = Vec::new();
    // The new number of each section; 0 for one that is left out, which is the number of "none".
    let mut numbers: Vec<u32> = Vec::new();
    let mut end = loaded_end(bytes)?;
    for header in headers.chunks_exact(SECTION_HEADER) {
        let header: [u8; SECTION_HEADER] = header.try_into().unwrap_or_else(|_| unreachable!("chunks are as long as a header"));
        let name = name(&names, u32_at(&header, 0))?;
        if is_dropped(&header, &name) {
            numbers.push(0);
            continue;
        }
        let is_loaded = u64_at(&header, 8) & SHF_ALLOC != 0;
        let has_bytes = !matches!(u32_at(&header, 4), SHT_NOBITS | SHT_NULL);
        let content = match has_bytes {
            true => Some(part(bytes, u64_at(&header, 24), u64_at(&header, 32))?),
            false => None,
        };
        if let (Some(content), true) = (&content, is_loaded) {
            end = end.max(index(u64_at(&header, 24))? + content.len());
        }
        numbers.push(u32::try_from(kept.len()).map_err(|_| cut())?);
        kept.push(Section {
            header,
            name,
            content: content.filter(|_| !is_loaded).map(<[u8]>::to_vec),
        });
    }
    let start = bytes.get(..end).ok_or_else(cut)?.to_vec();
    written(start, kept, &numbers)
}

/// Puts what is not loaded behind what is, then the names, then the headers.
fn written(mut out: Vec<u8>, mut kept: Vec<Section>, numbers: &[u32]) -> Result<Vec<u8>, ElfError> {
    let renumbered = |number: u32| numbers.get(number as usize).copied().unwrap_or_default();
    let names_number = kept.iter().position(|section| section.name == b".shstrtab");
    let names_number = names_number.ok_or_else(|| ElfError("it has no usable section headers".to_owned()))?;
    let mut names: Vec<u8> = vec![0];
    for section in &mut kept {
        let at = u32::try_from(names.len()).map_err(|_| cut())?;
        let at = if section.name.is_empty() { 0 } else { at };
        section.header[..4].copy_from_slice(&at.to_le_bytes());
        if !section.name.is_empty() {
            names.extend_from_slice(&section.name);
            names.push(0);
        }
    }
    kept[names_number].content = Some(names);
    for section in &mut kept {
        if let Some(content) = &section.content {
            let alignment = usize::try_from(u64_at(&section.header, 48)).map_err(|_| cut())?;
            if (2..=4096).contains(&alignment) {
                out.resize(out.len().next_multiple_of(alignment), 0);
            }
            let at = out.len() as u64;
            out.extend_from_slice(content);
            section.header[24..32].copy_from_slice(&at.to_le_bytes());
            section.header[32..40].copy_from_slice(&(content.len() as u64).to_le_bytes());
        }
        let link = renumbered(u32_at(&section.header, 40));
        section.header[40..44].copy_from_slice(&link.to_le_bytes());
        if u64_at(&section.header, 8) & SHF_INFO_LINK != 0 {
            let info = renumbered(u32_at(&section.header, 44));
            section.header[44..48].copy_from_slice(&info.to_le_bytes());
        }
    }
    out.resize(out.len().next_multiple_of(8), 0);
    let headers_at = out.len() as u64;
    let count = u16::try_from(kept.len()).map_err(|_| cut())?;
    let names_number = u16::try_from(names_number).map_err(|_| cut())?;
    kept.iter().for_each(|section| out.extend_from_slice(&section.header));
    let header = out.get_mut(..64).ok_or_else(cut)?;
    header[40..48].copy_from_slice(&headers_at.to_le_bytes());
    header[60..62].copy_from_slice(&count.to_le_bytes());
    header[62..64].copy_from_slice(&names_number.to_le_bytes());
    Ok(out)
}

fn is_dropped(header: &[u8; SECTION_HEADER], name: &[u8]) -> bool {
    let is_loaded = u64_at(header, 8) & SHF_ALLOC != 0;
    let sort = u32_at(header, 4);
    let is_of_symbols = matches!(sort, SHT_SYMTAB | SHT_REL | SHT_RELA | SHT_GROUP | SHT_SYMTAB_SHNDX);
    let is_of_names = sort == SHT_STRTAB && name != b".shstrtab";
    let debugs = [&b".debug_"[..], b".zdebug_", b".gdb_index", b".stab", b".line", b".gnu.debuglto_"];
    !is_loaded && (is_of_symbols || is_of_names || debugs.iter().any(|start| name.starts_with(start)))
}

/// The end of what is loaded, and of the tables that the loader reads.
fn loaded_end(bytes: &[u8]) -> Result<usize, ElfError> {
    let number = |at: usize, size: usize| bytes.get(at..at + size).ok_or_else(cut);
    let table = index(u64_at(number(32, 8)?, 0))?;
    let count = usize::from(u16::from_le_bytes([number(56, 1)?[0], number(57, 1)?[0]]));
    let mut end = table.checked_add(count * PROGRAM_HEADER).ok_or_else(cut)?.max(64);
    for header in bytes.get(table..end).ok_or_else(cut)?.chunks_exact(PROGRAM_HEADER).take(count) {
        let size = index(u64_at(header, 32))?;
        if size > 0 {
            end = end.max(index(u64_at(header, 8))?.checked_add(size).ok_or_else(cut)?);
        }
    }
    Ok(end)
}

fn name(names: &[u8], at: u32) -> Result<Vec<u8>, ElfError> {
    let rest = names.get(at as usize..).ok_or_else(cut)?;
    let end = rest.iter().position(|byte| *byte == 0).ok_or_else(cut)?;
    Ok(rest[..end].to_vec())
}

fn part(bytes: &[u8], offset: u64, size: u64) -> Result<&[u8], ElfError> {
    let (start, size) = (index(offset)?, index(size)?);
    let end = start.checked_add(size).ok_or_else(cut)?;
    bytes.get(start..end).ok_or_else(cut)
}

fn index(number: u64) -> Result<usize, ElfError> {
    usize::try_from(number).map_err(|_| cut())
}

fn cut() -> ElfError {
    ElfError("its sections lie outside of it".to_owned())
}

/// The caller has cut the bytes to a length that holds it.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// As [`u32_at`].
fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::elf::{put_section, section};
    use super::*;
    use crate::io::process::Program;

    /// The test's own executable has symbols and line tables.
    fn executable() -> Vec<u8> {
        std::fs::read(std::env::current_exe().expect("path")).expect("read")
    }

    #[test]
    fn a_stripped_program_runs_has_no_symbols_and_takes_a_section() {
        let whole = executable();
        assert!(section(&whole, ".symtab").is_some() && section(&whole, ".debug_info").is_some());
        let mut bare = stripped(&whole).expect("stripped");
        put_section(&mut bare, ".dep-v0", b"list").expect("put");
        for gone in [".symtab", ".strtab", ".debug_info", ".debug_line", ".debug_str"] {
            assert!(section(&bare, gone).is_none(), "{gone}");
        }
        for kept in [".text", ".rodata", ".comment", ".dynamic"] {
            assert_eq!(section(&bare, kept), section(&whole, kept), "{kept}");
        }
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("program");
        std::fs::write(&path, &bare).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("mode");
        let run = Program::new(&path.display().to_string())
            .args(["--list", "no_such_test_is_here"])
            .stdout();
        assert!(run.is_ok(), "{run:?}");
        assert!(bare.len() < whole.len() / 2, "{} of {}", bare.len(), whole.len());
    }

    #[test]
    fn stripping_twice_changes_nothing() {
        let once = stripped(&executable()).expect("stripped");
        assert!(stripped(&once).expect("stripped") == once);
    }

    #[test]
    fn an_executable_that_is_cut_off_anywhere_is_an_error_and_no_panic() {
        let elf = std::fs::read("/bin/true").expect("a small program");
        for length in (0..elf.len()).step_by(97) {
            assert!(stripped(&elf[..length]).is_err(), "cut at {length}");
        }
    }

    #[test]
    fn a_header_of_any_numbers_is_no_panic() {
        let elf = std::fs::read("/bin/true").expect("a small program");
        let table = usize::try_from(u64_at(&elf, 40)).expect("small");
        for at in (24..64).chain(table..elf.len()) {
            for value in [0, 0x7f, 0xff] {
                let mut odd = elf.clone();
                odd[at] = value;
                drop(stripped(&odd));
            }
        }
    }
}
