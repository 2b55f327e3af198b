//! All units of one program.

use gimli::Section as _;

use super::budget::Unread;
use super::sections::Sections;
use super::touched::Touched;
use super::unit;

/// Reads an executable.
///
/// # Errors
/// [`Unread`]: then nothing is known of the program.
pub(super) fn read(executable: &[u8]) -> Result<Touched, Unread> {
    let mut sections = Sections::of(executable)?;
    let mut touched = Touched::default();
    let mut headers = sections.dwarf.units();
    while let Some(header) = headers.next()? {
        // The table of abbreviations is read for each unit, and may be the same one.
        sections.budget.spend(1 + sections.dwarf.debug_abbrev.reader().len() / 4)?;
        let unit = sections.dwarf.unit(header)?;
        unit::read(&mut sections, &unit, &mut touched)?;
    }
    Ok(touched)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::elf::Elf;
    use crate::io::process::Program;

    const SOURCE: &str = "static inline int twice(int n) {\n  int all = 0;\n  while (n-- > 0) all ^= n * 3;\n  return all;\n}\nint main(int c, char **v) {\n  return twice(c) + (int)(long)v;\n}\n";

    /// A small program with debug information: C's is read as Rust's is.
    fn program() -> Vec<u8> {
        let dir = tempfile::tempdir().expect("folder");
        let (source, program) = (dir.path().join("small.c"), dir.path().join("small"));
        std::fs::write(&source, SOURCE).expect("written");
        let [source, program] = [source, program].map(|path| path.display().to_string());
        let compiled = Program::new("cc").args(["-g", "-O2", "-o", &program, &source]).stdout();
        assert!(compiled.is_ok(), "what links needs a C compiler: {compiled:?}");
        std::fs::read(program).expect("compiled")
    }

    #[test]
    fn lines_and_inlined_functions_are_read_with_their_places() {
        let program = program();
        let touched = read(&program).expect("read");
        let (path, file) = touched
            .files
            .iter()
            .find(|(path, _)| path.ends_with("/small.c"))
            .expect("its source");
        assert!(file.lines.contains(&3) && file.lines.contains(&7), "{:?}", file.lines);
        assert_eq!(file.functions["twice"].inlined_at, Some(format!("{path}:7")));
        assert_eq!(file.functions["main"].inlined_at, None);
    }

    #[test]
    fn debug_information_of_any_bytes_is_no_panic() {
        let program = program();
        let elf = Elf::new(&&program[..])
            .map(|elf| [".debug_info", ".debug_abbrev", ".debug_line", ".debug_rnglists"].map(|name| elf.plain_section(name)));
        let mut refused = 0;
        for range in elf.expect("an ELF file").into_iter().flatten() {
            for at in (range.start..range.end).map(|at| usize::try_from(at).expect("small")) {
                for value in [0, 1, 0x7f, 0x80, 0xff] {
                    let mut odd = program.clone();
                    odd[at] = value;
                    refused += usize::from(read(&odd).is_err());
                }
            }
        }
        assert!(refused > 100, "{refused}");
    }

    #[test]
    fn entries_that_make_more_work_than_a_compiler_does_are_refused() {
        let program = program();
        let mut sections = Sections::of(&program).expect("sections");
        let mut steps = 0usize;
        let spent = loop {
            steps += 1;
            if let Err(error) = sections.budget.spend(1 << 20) {
                break error;
            }
        };
        assert!(spent.0.contains("more often than any compiler"), "{spent:?} after {steps}");
    }
}
