//! A program as cargo left it: seen to be what was asked for, and given the list of its crates.

use std::path::Path;

use super::compile::{Compilate, Compilation};
use super::elf::ElfError;
use super::lines::Crates;
use super::stand_ins::StandIns;
use super::{audit, elf, stripped};
use crate::io::files;
use crate::model::linked::LinkedProgram;
use crate::model::plan::Link;
use crate::stage::build::assembly::{Below, Sort};
use crate::stage::build::{BuildError, NativeError};

/// A program of the image.
pub(super) struct Built {
    pub(super) name: String,
    pub(super) content: Vec<u8>,
    /// The dynamic loader that it asks for.
    interpreter: Option<String>,
    /// The libraries that it names.
    libraries: Vec<String>,
    /// What was linked into it.
    pub(super) linked: LinkedProgram,
}

/// Reads every program of a compilation and writes the list of its crates into it.
///
/// # Errors
/// [`BuildError::NotStatic`], [`BuildError::Elf`], [`NativeError::WrongMachine`]; [`BuildError::File`].
pub(super) fn built(
    compilation: &Compilation<'_>,
    compilate: &Compilate,
    stand_ins: &StandIns,
    crates: &Crates,
) -> Result<Vec<Built>, BuildError> {
    let section = audit::section(&compilate.compiled, &compilate.graph, &compilation.package.id, &|id, name| {
        stand_ins.holds(id, name)
    })?;
    let contents = compilate.contents()?;
    let executables = compilate.executables.iter();
    let linked = |name: &str, content: &[u8]| crates.linked(content, name, &contents);
    executables
        .map(|(name, path)| one(compilation, name, path, &section, &linked))
        .collect()
}

fn one(
    compilation: &Compilation<'_>,
    name: &str,
    path: &Path,
    section: &[u8],
    linked: &dyn Fn(&str, &[u8]) -> LinkedProgram,
) -> Result<Built, BuildError> {
    let odd = |ElfError(reason)| BuildError::Elf {
        path: path.to_owned(),
        reason,
    };
    let mut content = files::read(path, compilation.effects.limits.executable)?;
    let interpreter = elf::interpreter(&content).map_err(odd)?;
    if crate::io::elf::machine(&content) != compilation.target.machine() {
        let (path, platform) = (path.to_owned(), compilation.target.platform().to_string());
        return Err(NativeError::WrongMachine { path, platform }.into());
    }
    match interpreter {
        Some(interpreter) if compilation.build.link == Link::Static => {
            let path = path.to_owned();
            return Err(BuildError::NotStatic { path, interpreter });
        }
        _ => {}
    }
    let libraries = elf::libraries(&content).map_err(odd)?;
    let linked = linked(name, &content);
    if !compilation.build.keep_symbols {
        content = stripped::stripped(&content).map_err(odd)?;
    }
    elf::put_section(&mut content, audit::SECTION, section).map_err(odd)?;
    let name = name.to_owned();
    Ok(Built {
        name,
        interpreter,
        libraries,
        content,
        linked,
    })
}

/// Sees that what is built upon has the loader that a program asks for, and that it is one for the same machine.
///
/// # Errors
/// [`NativeError::NoLoader`].
pub(super) fn has_its_loader(program: &Built, below: &Below, machine: Option<u16>) -> Result<(), NativeError> {
    let Some(interpreter) = &program.interpreter else { return Ok(()) };
    let missing = |reason: &str| NativeError::NoLoader {
        program: format!("/app/{}", program.name),
        interpreter: interpreter.clone(),
        reason: reason.to_owned(),
    };
    match below.resolve(interpreter).map(|(_, node)| &node.sort) {
        Some(Sort::File(found)) if found.is_some() && *found == machine => Ok(()),
        Some(Sort::File(Some(_))) => Err(missing("the base has one for another machine there")),
        Some(_) => Err(missing("what the base has there is no program")),
        None => Err(missing("the base has nothing there")),
    }
}

/// Libraries that a program names and no file of what is built upon is called after: the loader may find them elsewhere, and most likely does not.
pub(super) fn missing_libraries<'p>(program: &'p Built, below: &Below) -> Vec<&'p str> {
    let named = program.libraries.iter().map(String::as_str);
    named.filter(|library| !below.has_file_called(library)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loader_is_one_that_is_there_and_for_the_same_machine() {
        let program = Built {
            name: "x".to_owned(),
            content: Vec::new(),
            interpreter: Some("/lib64/ld.so".to_owned()),
            libraries: ["libc.so.6", "libz.so.1"].map(str::to_owned).into(),
            linked: LinkedProgram::default(),
        };
        let mut below = Below::default();
        let says = |below: &Below| has_its_loader(&program, below, Some(62)).map_err(|error| error.to_string());
        assert!(says(&below).expect_err("empty").contains("nothing there"));
        below.put("lib64", Sort::Folder, 0o755);
        below.put("lib64/ld.so", Sort::File(None), 0o755);
        assert!(says(&below).expect_err("a script").contains("no program"));
        below.put("lib64/ld.so", Sort::File(Some(183)), 0o755);
        assert!(says(&below).expect_err("aarch64").contains("another machine"));
        below.put("lib64/ld.so", Sort::File(Some(62)), 0o755);
        assert_eq!(says(&below), Ok(()));
        below.put("usr/lib/libc.so.6", Sort::Link("libc-2.so".to_owned()), 0o777);
        below.put("usr/share/libz.so.1", Sort::Folder, 0o755);
        assert_eq!(missing_libraries(&program, &below), ["libz.so.1"]);
    }
}
