//! All that the line tables of one program tell, by file.

use std::collections::{BTreeMap, BTreeSet};

use super::budget::Unread;
use super::file_names::is_of_std;
use super::instance::better;
use super::sections::Sections;
use super::unit;
use crate::model::linked::LinkedFunction;

/// What instructions are of one source file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct File {
    /// Lines, from 1.
    pub(super) lines: BTreeSet<u32>,
    /// One instance of each function, by its name without types.
    pub(super) functions: BTreeMap<String, LinkedFunction>,
}

/// What instructions are of all source files but those of the standard library.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Touched {
    /// By absolute path, as the line tables spell it.
    pub(super) files: BTreeMap<String, File>,
    /// Functions that instructions are of, inlined ones counted at each place.
    pub(super) functions: u64,
    /// Whether an instruction is of the standard library.
    pub(super) has_std: bool,
}

impl Touched {
    /// Reads an executable.
    ///
    /// # Errors
    /// [`Unread`]: then nothing is known of the program.
    pub(super) fn of(executable: &[u8]) -> Result<Self, Unread> {
        let mut sections = Sections::of(executable)?;
        let mut touched = Self::default();
        let mut headers = sections.dwarf.units();
        while let Some(header) = headers.next()? {
            sections.budget.spend(1)?;
            let unit = sections.dwarf.unit(header)?;
            unit::read(&mut sections, &unit, &mut touched)?;
        }
        Ok(touched)
    }

    /// Notes a line of a file.
    pub(super) fn line(&mut self, path: &str, line: u32) {
        match is_of_std(path) {
            true => self.has_std = true,
            false => drop(self.file(path).lines.insert(line)),
        }
    }

    /// Notes an instance of a function.
    pub(super) fn function(&mut self, path: &str, name: &str, function: LinkedFunction) {
        let functions = &mut self.file(path).functions;
        match functions.get_mut(name) {
            Some(known) => better(known, function),
            None => drop(functions.insert(name.to_owned(), function)),
        }
    }

    fn file(&mut self, path: &str) -> &mut File {
        self.files.entry(path.to_owned()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::elf::Elf;
    use crate::io::process::Program;

    const SOURCE: &str = "static inline int twice(int n) {\n  int all = 0;\n  while (n-- > 0) all ^= n * 3;\n  return all;\n}\nint main(int c, char **v) {\n  return twice(c) + (int)(long)v;\n}\n";

    /// A small program with debug information: C's is read as Rust's is.
    fn program() -> Option<Vec<u8>> {
        let dir = tempfile::tempdir().expect("folder");
        let (source, program) = (dir.path().join("small.c"), dir.path().join("small"));
        std::fs::write(&source, SOURCE).expect("written");
        let [source, program] = [source, program].map(|path| path.display().to_string());
        let compiled = Program::new("cc").args(["-g", "-O2", "-o", &program, &source]).stdout();
        if compiled.is_err() {
            println!("skipped: no C compiler");
            return None;
        }
        Some(std::fs::read(program).expect("compiled"))
    }

    #[test]
    fn lines_and_inlined_functions_are_read_with_their_places() {
        let Some(program) = program() else { return };
        let touched = Touched::of(&program).expect("read");
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
        let Some(program) = program() else { return };
        let elf = Elf::new(&&program[..])
            .map(|elf| [".debug_info", ".debug_abbrev", ".debug_line", ".debug_rnglists"].map(|name| elf.plain_section(name)));
        let mut refused = 0;
        for range in elf.expect("an ELF file").into_iter().flatten() {
            for at in (range.start..range.end).map(|at| usize::try_from(at).expect("small")) {
                for value in [0, 1, 0x7f, 0x80, 0xff] {
                    let mut odd = program.clone();
                    odd[at] = value;
                    refused += usize::from(Touched::of(&odd).is_err());
                }
            }
        }
        assert!(refused > 100, "{refused}");
    }

    #[test]
    fn entries_that_make_more_work_than_a_compiler_does_are_refused() {
        let Some(program) = program() else { return };
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
