//! Crates that `cargo vendor` put into the tree: folders of which every file is one that the crate's own list of checksums names.
//!
//! Whoever writes the tree writes those lists too: a crate counts only where `Cargo.lock` pins it by the same checksum, and a file that the list does
//! not name makes its folder one like any other.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::io::{Effects, files, folder};
use crate::model::excused::Excused as _;

const SUMS: &str = ".cargo-checksum.json";

/// The checksums of the crates that the project's lock file pins.
#[derive(Debug, Default)]
pub(super) struct VendoredCrates {
    pinned: HashSet<String>,
    /// The most bytes of a list of checksums.
    limit: u64,
}

#[derive(Deserialize)]
struct Sums {
    files: BTreeMap<String, IgnoredAny>,
    #[serde(default)]
    package: Option<String>,
}

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Pinned>,
}

#[derive(Deserialize)]
struct Pinned {
    #[serde(default)]
    checksum: Option<String>,
    #[serde(default)]
    source: Option<String>,
}

impl VendoredCrates {
    /// Reads the checksums in the lock file beside the configuration. Without one no folder counts as a vendored crate.
    pub(super) fn of(root: &Path, effects: &Effects) -> Self {
        let limit = effects.limits.document;
        let lock = files::read_text_inside(root, Path::new("Cargo.lock"), limit)
            .or_none("without a lock file nothing is pinned")
            .and_then(|text| toml::from_str::<Lock>(&text).or_none("one that cannot be read is a gap of its own"));
        let mut pinned = HashSet::new();
        for package in lock.into_iter().flat_map(|lock| lock.package) {
            // A crate of a git repository has no checksum, there and in its folder.
            let of_git = package.source.filter(|source| source.starts_with("git+")).map(|_| String::new());
            pinned.extend(package.checksum.or(of_git));
        }
        Self { pinned, limit }
    }

    /// True for a folder with a list of checksums that cargo could read.
    pub(super) fn has_sums(&self, path: &Path) -> bool {
        self.sums(path).is_some()
    }

    fn sums(&self, path: &Path) -> Option<Sums> {
        files::read_text_inside(path, Path::new(SUMS), self.limit)
            .or_none("without checksums it is no crate that cargo would take")
            .and_then(|text| serde_json::from_str::<Sums>(&text).or_none("as without them"))
    }

    /// True for a folder that holds a pinned crate and nothing else.
    pub(super) fn is_whole(&self, path: &Path) -> bool {
        self.sums(path).is_some_and(|sums| {
            let package = sums.package.unwrap_or_default();
            self.pinned.contains(&package) && sums.files.contains_key("Cargo.toml") && holds_only(path, "", &sums.files)
        })
    }
}

/// True where every file below a folder is named. What cannot be listed, and links, are not.
fn holds_only(root: &Path, inside: &str, named: &BTreeMap<String, IgnoredAny>) -> bool {
    let Ok(entries) = folder::listed(&root.join(inside)) else {
        return false;
    };
    entries.iter().all(|entry| {
        let name = entry.file_name();
        let (Some(name), Ok(kind)) = (name.to_str(), entry.file_type()) else {
            return false;
        };
        let path = if inside.is_empty() {
            name.to_owned()
        } else {
            format!("{inside}/{name}")
        };
        match kind.is_dir() {
            true => holds_only(root, &path, named),
            false => kind.is_file() && (path == SUMS || named.contains_key(&path)),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_folder_is_a_vendored_crate_where_the_lock_file_pins_it_and_its_list_names_every_file() {
        let here = tempfile::tempdir().expect("a folder");
        let crate_ = here.path().join("vendor/a");
        fs::create_dir_all(crate_.join("src")).expect("made");
        let write = |name: &str, text: &str| fs::write(here.path().join(name), text).expect("written");
        let sum = "ab".repeat(32);
        write("vendor/a/Cargo.toml", "");
        write("vendor/a/src/lib.rs", "");
        let sums = |package: &str| format!(r#"{{"files":{{"Cargo.toml":"1","src/lib.rs":"2"}},"package":"{package}"}}"#);
        write("vendor/a/.cargo-checksum.json", &sums(&sum));
        let lock = format!("version = 4\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nchecksum = \"{sum}\"\n");
        write("Cargo.lock", &lock);
        let effects = Effects::plain(here.path().to_owned());
        let is_whole = || VendoredCrates::of(here.path(), &effects).is_whole(&crate_);
        assert!(is_whole());
        write("vendor/a/src/package-lock.json", "{}");
        assert!(!is_whole(), "a file that the list does not name");
        fs::remove_file(crate_.join("src/package-lock.json")).expect("removed");
        write("vendor/a/.cargo-checksum.json", &sums("cd"));
        assert!(!is_whole(), "a crate that is not pinned");
        write("vendor/a/.cargo-checksum.json", "");
        assert!(!is_whole(), "an empty list");
        assert!(!VendoredCrates::of(here.path(), &effects).has_sums(&crate_), "no list at all");
    }
}
