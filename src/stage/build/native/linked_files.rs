//! The files that a linker may take by what it is asked for.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::linker_words::{of_argument, of_list, of_script};
use crate::io::files;
use crate::io::folder;
use crate::model::excused::Excused as _;

/// So many scripts for the linker are read.
const MOST_READ: usize = 1000;
/// Where a machine keeps what is its own, as its C library and its compiler.
const OF_THE_MACHINE: [&str; 6] = ["/usr", "/lib", "/lib32", "/lib64", "/nix/store", "/gnu/store"];
/// Ends of names by which rustc and the linker find what is linked, and scripts for it.
const ENDS: [&str; 15] = [
    "a", "o", "obj", "lo", "lib", "so", "rlib", "rmeta", "bc", "x", "ld", "lds", "map", "ver", "def",
];

/// How files begin that are linked, whatever they are called: ELF, archives, LLVM's bitcode. Source: ld(1), "AUTHORS" and BFD's formats; rustc's `-l`.
const MAGICS: [&[u8]; 5] = [b"\x7fELF", b"!<arch>\n", b"!<thin>\n", b"BC\xc0\xde", b"\xde\xc0\x17\x0b"];

/// What a linker is asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    /// Where it works, and what paths are relative to.
    pub(super) works_in: BTreeSet<PathBuf>,
    /// Folders that are searched for libraries.
    pub(super) searched: BTreeSet<PathBuf>,
    /// Names of libraries.
    pub(super) libraries: BTreeSet<String>,
    /// Arguments, as they are written.
    pub(super) arguments: BTreeSet<String>,
    /// Words that the settings of the build give compilers and linkers: what lies elsewhere is the machine's own.
    pub(super) given: BTreeSet<String>,
}

impl Asked {
    pub(super) fn extend(&mut self, other: Self) {
        self.works_in.extend(other.works_in);
        self.searched.extend(other.searched);
        self.libraries.extend(other.libraries);
        self.arguments.extend(other.arguments);
        self.given.extend(other.given);
    }

    /// Where a path leads, if it is relative also from the folders given.
    fn places<'p>(&'p self, path: &'p Path, folders: impl Iterator<Item = &'p Path> + 'p) -> impl Iterator<Item = PathBuf> + 'p {
        let is_whole = path.is_absolute();
        let from = self.works_in.iter().map(PathBuf::as_path).chain(folders);
        // Joined to a whole path, every folder gives that path.
        from.take(if is_whole { 1 } else { usize::MAX })
            .map(move |folder| folder.join(path))
    }
}

/// Files and folders that were asked for, without what the machine has for everybody. Whether a source may ask for a file of any name is only asked where a
/// folder of the checkout is searched.
pub(super) fn of<'a>(asked: &'a Asked, may_ask_for_any_name: &dyn Fn() -> bool, top: &Path, limit: u64) -> BTreeSet<PathBuf> {
    let any_name = std::cell::LazyCell::new(may_ask_for_any_name);
    let libraries = |folder: &Path| libraries(folder, asked, &|| *any_name, top);
    let parts = |arguments: &'a BTreeSet<String>| {
        arguments
            .iter()
            .flat_map(|argument| of_argument(argument))
            .collect::<BTreeSet<&str>>()
    };
    let (words, given) = (parts(&asked.arguments), parts(&asked.given));
    let folders = |path: &Path| {
        asked
            .places(path, [].into_iter())
            .filter(|place| place.is_dir())
            .collect::<Vec<_>>()
    };
    let mut searched: BTreeSet<PathBuf> = asked.searched.iter().flat_map(|folder| folders(folder)).collect();
    let named = words.union(&given).flat_map(|word| folders(Path::new(word)));
    let named: Vec<PathBuf> = named.filter(|folder| is_below(folder, top)).collect();
    searched.extend(named.iter().cloned());
    let mut searched: BTreeSet<PathBuf> = searched.into_iter().filter(|folder| !is_of_the_machine(folder, top)).collect();
    let file = |searched: &BTreeSet<PathBuf>, word: &str, beside: Option<&Path>| -> Vec<PathBuf> {
        let from = searched.iter().map(PathBuf::as_path).chain(beside);
        let places = asked.places(Path::new(word), from);
        places.filter(|place| place.is_file() && !is_of_the_machine(place, top)).collect()
    };
    let mut found: BTreeSet<PathBuf> = words.iter().flat_map(|word| file(&searched, word, None)).collect();
    found.extend(
        given
            .iter()
            .flat_map(|word| file(&searched, word, None))
            .filter(|path| is_below(path, top)),
    );
    found.extend(searched.iter().flat_map(|folder| libraries(folder)));
    let mut open: Vec<PathBuf> = found.iter().cloned().collect();
    let mut read = 0;
    while let Some(path) = open.pop().filter(|_| read < MOST_READ) {
        let Some(text) = script(&path, limit).filter(|_| is_below(&path, top)) else {
            continue;
        };
        read += 1;
        let listed = of_list(&text);
        let listed = listed.iter().flat_map(|word| of_argument(word));
        let words: BTreeSet<&str> = of_script(&text).into_iter().chain(listed).collect();
        // Folders first: what stands before `-L` may be found by it.
        for folder in words.iter().flat_map(|word| folders(Path::new(word))) {
            if is_below(&folder, top) && searched.insert(folder.clone()) {
                let more = libraries(&folder).into_iter();
                open.extend(more.filter(|path| found.insert(path.clone())));
                found.insert(folder);
            }
        }
        for word in words {
            let led = file(&searched, word, Some(files::folder_of(&path)));
            open.extend(led.into_iter().filter(|path| found.insert(path.clone())));
        }
    }
    found.extend(named);
    found
}

/// True for what lies in a checkout, by its name or where links lead.
fn is_below(path: &Path, top: &Path) -> bool {
    let is_led_there = || path.canonicalize().is_ok_and(|real| real.starts_with(top));
    files::without_dots(path).starts_with(top) || is_led_there()
}

fn is_of_the_machine(path: &Path, top: &Path) -> bool {
    let path = files::without_dots(path);
    !path.starts_with(top) && OF_THE_MACHINE.iter().any(|place| path.starts_with(place))
}

/// What is found in a folder that is searched: in a checkout all that has the name of something to link, since a library may be asked for in the sources
/// (`#[link]`), and all that is one, or whatever there is if a source may ask for it by any name. Elsewhere it is what was asked for by its name, and
/// archives if nothing was.
fn libraries(folder: &Path, asked: &Asked, may_ask_for_any_name: &dyn Fn() -> bool, top: &Path) -> Vec<PathBuf> {
    let listed = folder::listed(folder).or_none("what cannot be listed was not searched");
    let paths = listed.into_iter().flatten().map(|entry| entry.path());
    let is_in_it = is_below(folder, top);
    let is_asked_for = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let end = name.rsplit_once('.').map_or("", |(_, end)| end);
        let is_to_link = ENDS.contains(&end) || name.contains(".so.") || name.starts_with("lib") && end != "rs";
        let called = |library: &String| name == library.as_str() || name == format!("lib{library}.a").as_str();
        match is_in_it {
            true => is_to_link || asked.libraries.iter().any(called) || path.is_file() && (is_one(path) || may_ask_for_any_name()),
            false => asked.libraries.iter().any(called) || asked.libraries.is_empty() && end == "a",
        }
    };
    paths.filter(is_asked_for).collect()
}

/// True for a file that is linked as it is. One that cannot be read is not.
fn is_one(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(8).read_to_end(&mut head));
    read.is_ok() && MAGICS.iter().any(|magic| head.starts_with(magic))
}

/// The text of a script for the linker, of a list of arguments, or of a thin archive, which names its members. `None` for everything else.
fn script(path: &Path, limit: u64) -> Option<String> {
    let bytes = files::read(path, limit).or_none("what is larger is no script")?;
    match bytes.starts_with(b"!<thin>\n") {
        true => Some(String::from_utf8_lossy(&bytes).into_owned()),
        false => String::from_utf8(bytes)
            .or_none("what is no text names nothing")
            .filter(|text| !text.contains('\0')),
    }
}
