//! What is linked into programs beside what is compiled for them: folders, libraries and arguments that build scripts name, or a configuration in their
//! place. rustc and the linker read what lies there, and cargo's own lists have none of it.
//!
//! Source: the Cargo book, "Build Scripts" ("Outputs of the Build Script", "Overriding Build Scripts"), "External tools" (`build-script-executed`).

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use memchr::memmem;

use super::configurations::{Configuration, Configurations};
use super::linked_files::{self, Asked};
use super::linker_words::library;
use super::tooling::is_a_choice;
use crate::io::files;
use crate::model::excused::Excused as _;
use crate::model::plan::NativeBuild;

/// What stands before a folder that is searched. Source: rustc's `-L`.
const KINDS: [&str; 5] = ["native", "dependency", "crate", "framework", "all"];

/// What was named. A path may be relative to any of the folders that rustc works in.
#[derive(Debug, Clone, Default)]
pub(super) struct LinkedIn {
    asked: Asked,
    /// Variables that build scripts gave rustc, by which they chose what links.
    chosen: BTreeSet<String>,
}

impl LinkedIn {
    /// Adds what another has.
    pub(super) fn extend(&mut self, more: Self) {
        self.asked.extend(more.asked);
        self.chosen.extend(more.chosen);
    }

    /// Of programs whose rustc works in a folder: the workspace's.
    pub(super) fn in_folder(workspace: &Path) -> Self {
        let mut linked = Self::default();
        linked.works_in([workspace.to_owned()]);
        linked
    }

    /// Adds what a build script had linked, by cargo's message of it.
    pub(super) fn add(&mut self, libraries: &[String], searched: &[String]) {
        self.asked
            .libraries
            .extend(libraries.iter().flat_map(|library| names_of(library)).map(str::to_owned));
        self.asked.searched.extend(searched.iter().map(|folder| folder_of(folder)));
    }

    /// Adds folders that rustc works in.
    pub(super) fn works_in(&mut self, folders: impl IntoIterator<Item = PathBuf>) {
        self.asked.works_in.extend(folders);
    }

    /// Adds what a build script of a local package said, or a configuration in its place, of which cargo's messages have no arguments.
    pub(super) fn add_said(&mut self, key: &str, said: &str) {
        match key {
            "rustc-link-search" => _ = self.asked.searched.insert(folder_of(said)),
            "rustc-link-lib" => self.asked.libraries.extend(names_of(said).map(str::to_owned)),
            "rustc-link-arg-bin" => self.add_said("rustc-link-arg", said.split_once('=').map_or(said, |(_, argument)| argument)),
            _ if key.contains("link-arg") || key == "rustc-flags" => {
                self.asked
                    .libraries
                    .extend(said.split([' ', ',']).filter_map(library).map(str::to_owned));
                self.asked.arguments.insert(said.trim().to_owned());
            }
            _ => {}
        }
    }

    /// Adds what configurations say in the place of build scripts, and what the settings of the build, or they, give the C compiler and what links.
    pub(super) fn add_settings(&mut self, root: &Path, build: &NativeBuild, configurations: &Configurations) {
        for linker in build.linkers.values().filter(|linker| linker.contains('/')) {
            self.asked.given.insert(root.join(linker).display().to_string());
        }
        for (name, value) in build.env.iter().filter(|(name, _)| is_of_a_compiler(name)) {
            self.add_variable(name, value);
        }
        for configuration in configurations.iter() {
            for (key, said) in configuration.answers() {
                self.add_said(key, said);
            }
            for (name, value) in variables(configuration) {
                self.add_variable(&name, &value);
            }
        }
    }

    /// Adds a variable that a build script gives rustc, and so to what links: `NAME=value`.
    pub(super) fn add_env(&mut self, said: &str) {
        let Some((name, value)) = said.split_once('=') else { return };
        if is_a_choice(name) {
            self.chosen.insert(name.to_owned());
        }
        if is_of_a_compiler(name) {
            self.add_variable(name, value.trim());
        }
    }

    /// Variables by which build scripts chose what links, which no list of files shows.
    pub(super) fn chosen(&self) -> impl Iterator<Item = &str> {
        self.chosen.iter().map(String::as_str)
    }

    /// A list of folders, or a command with its arguments.
    fn add_variable(&mut self, name: &str, value: &str) {
        match name.ends_with("PATH") {
            true => self.asked.given.extend(value.split(':').map(str::to_owned)),
            false => self.asked.given.extend(value.split(' ').map(str::to_owned)),
        }
    }

    /// The files of a checkout that may have been linked by that, and folders that were named for all that is in them; of what lies elsewhere the libraries,
    /// but for those of the machine, as its C library is. Scripts for the linker, and the sources that were `compiled`, are read up to a number of bytes.
    pub(super) fn files(&self, top: &Path, compiled: &BTreeSet<PathBuf>, limit: u64) -> BTreeSet<PathBuf> {
        linked_files::of(&self.asked, &|| may_ask_for_any_name(compiled, limit), top, limit)
    }
}

/// `native=/a/b`, or the folder alone.
fn folder_of(searched: &str) -> PathBuf {
    let kind = searched.split_once('=').filter(|(kind, _)| KINDS.contains(&kind.trim()));
    PathBuf::from(kind.map_or(searched, |(_, folder)| folder).trim())
}

/// `static:+whole-archive=NAME:RENAMED`, `NAME`. With `+verbatim` it is a file's, whatever that is called.
fn names_of(library: &str) -> impl Iterator<Item = &str> {
    let name = library.split_once('=').map_or(library, |(_, name)| name);
    name.split(':').map(str::trim).filter(|name| !name.is_empty())
}

/// True where a source may ask for a library by a file's name (`#[link(modifiers = "+verbatim")]`): the key can be written in one way, its value in many.
/// Source: the Rust reference, "External blocks".
fn may_ask_for_any_name(compiled: &BTreeSet<PathBuf>, limit: u64) -> bool {
    let asks = |path: &PathBuf| {
        let text = files::read(path, limit).or_none("what is larger may say anything");
        text.is_none_or(|text| memmem::find(&text, b"modifiers").is_some())
    };
    let is_a_source = |path: &&PathBuf| path.is_file() && path.extension() == Some(OsStr::new("rs"));
    compiled.iter().filter(is_a_source).any(asks)
}

/// True for a variable by which C compilers and linkers, or `cc` that starts them, are given programs, flags and folders.
fn is_of_a_compiler(name: &str) -> bool {
    let parts = || name.split(['_', '-']);
    let is_program = parts().any(|part| ["CC", "CXX", "AR", "LD", "RANLIB", "NM"].contains(&part));
    is_program
        || is_a_choice(name)
        || name.contains("FLAGS")
        || name == "CPATH"
        || name.ends_with("LIBRARY_PATH")
        || name.ends_with("INCLUDE_PATH")
}

/// What `[env]` gives them, and what stands in for a build script's answer.
fn variables(configuration: &Configuration) -> Vec<(String, String)> {
    let own = configuration.table.get("env").and_then(toml::Value::as_table);
    let answers = configuration.tables("target").flat_map(|(_, target)| target.values());
    let of_answers = answers.filter_map(|answer| answer.get("rustc-env")?.as_table());
    let values = own.into_iter().chain(of_answers).flatten();
    let of = |(name, value): (&String, &toml::Value)| {
        let text = value.as_str().or_else(|| value.get("value")?.as_str())?;
        let is_relative = value.get("relative").and_then(toml::Value::as_bool) == Some(true);
        let text = match is_relative {
            true => configuration.base().join(text).display().to_string(),
            false => text.to_owned(),
        };
        is_of_a_compiler(name).then(|| (name.clone(), text))
    };
    values.filter_map(of).collect()
}
