//! All that the line tables of one program tell, by file.

use std::collections::{BTreeMap, BTreeSet};

use super::file_names::is_of_std;
use super::instance::better;
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
