//! Cargo's copy of the index, and the one that was fetched, asked for single releases.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::time::SystemTime;

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::entry;
use super::entry::Listed;
use super::entry::{Found, Needs, Release};
use crate::io::folder;
use crate::model::excused::Excused as _;

/// The name of the index among the feeds.
pub(in crate::stage::matching) const CRATES_INDEX: &str = "crates-index";

/// A copy of the index on this machine. Answers are kept, for thousands of inventories ask for the same crates.
#[derive(Debug)]
pub(in crate::stage::matching) struct CratesIndex {
    /// Folders in the layout of cargo's cache: `se/rd/serde` in each.
    pub(super) folders: Vec<PathBuf>,
    /// For people.
    pub(in crate::stage::matching) shown: String,
    known: RwLock<HashMap<String, HashMap<String, Known>>>,
}

/// What is known of a release.
#[derive(Debug, Clone, Copy)]
pub(in crate::stage::matching) struct Known {
    /// The release; none where no copy lists it, or the copy cannot be read.
    pub(super) release: Option<Release>,
    /// When the newest copy of the crate's entry was written.
    pub(super) written: Option<Timestamp>,
}

impl CratesIndex {
    /// Cargo's copy: `registry/index/*/.cache` in cargo's home. Registries other than crates.io are in folders of other names.
    pub(in crate::stage::matching) fn of_cargo(registries: &Path) -> Self {
        let names = folder::entries(registries)
            .or_empty("a copy that cannot be listed knows nothing, and what none knows is told")
            .into_iter();
        let is_crates_io = |name: &str| name.starts_with("index.crates.io-") || name.starts_with("github.com-");
        let mut folders: Vec<PathBuf> = names
            .filter(|entry| entry.file_name().to_str().is_some_and(is_crates_io))
            .map(|entry| entry.path().join(".cache"))
            .filter(|folder| folder.is_dir())
            .collect();
        folders.sort();
        Self::new(folders, "cargo's copy of the index".to_owned())
    }

    pub(super) fn new(folders: Vec<PathBuf>, shown: String) -> Self {
        Self {
            folders,
            shown,
            known: RwLock::default(),
        }
    }

    /// What is known of a release.
    pub(in crate::stage::matching) fn release(&self, name: &str, version: &str) -> Known {
        let kept = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.get(name).and_then(|versions| versions.get(version)) {
            return *known;
        }
        drop(kept);
        let found = self.look_up(name, version);
        let known = Known {
            written: found
                .as_ref()
                .and_then(|found| Timestamp::try_from(found.written).or_none("a time that cannot be: of no known age, and so not fresh")),
            release: found.and_then(|found| found.release),
        };
        let mut kept = self.known.write().unwrap_or_else(PoisonError::into_inner);
        kept.entry(name.to_owned()).or_default().insert(version.to_owned(), known);
        known
    }

    /// The releases of a crate; none where nothing is known of it.
    pub(in crate::stage::matching) fn releases(&self, name: &str) -> Option<Vec<Listed>> {
        let path = entry_path(name)?;
        let files = self.folders.iter().map(|folder| folder.join(&path));
        let newest = files.max_by_key(|file| {
            fs::metadata(file)
                .and_then(|found| found.modified())
                .unwrap_or(SystemTime::UNIX_EPOCH)
        })?;
        entry::releases(&newest).or_none("a hint of a fix stays away")
    }

    /// What a release requires of a crate, as it is written, but for tests; none where nothing is known of the release.
    pub(in crate::stage::matching) fn requirements(&self, name: &str, version: &str, of: &str) -> Option<Vec<String>> {
        let release = self.look_up::<Needs>(name, version)?.release?;
        let meant = |dependency: &&entry::Dependency| dependency.crate_name() == of && dependency.kind.as_deref() != Some("dev");
        Some(release.deps.iter().filter(meant).map(|dependency| dependency.req.clone()).collect())
    }

    /// Several copies may list a crate (cargo has renamed the folder before): the one that was written last speaks.
    fn look_up<T: DeserializeOwned>(&self, name: &str, version: &str) -> Option<Found<T>> {
        let asked = entry_path(name).into_iter().flat_map(|path| {
            let look = move |folder: &PathBuf| -> io::Result<Option<Found<T>>> { entry::look_up(&folder.join(&path), version) };
            self.folders.iter().map(look)
        });
        let read = asked.filter_map(|found| found.or_none("a copy that cannot be read knows nothing, and what none knows is told")?);
        read.max_by_key(|found| found.written)
    }
}

/// Where a crate's entry lies: `1/a`, `2/ab`, `3/a/abc`, `se/rd/serde`; none for what is no crate's name.
pub(super) fn entry_path(name: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
        return None;
    }
    let name = name.to_ascii_lowercase();
    Some(match name.len() {
        1 => format!("1/{name}"),
        2 => format!("2/{name}"),
        3 => format!("3/{}/{name}", &name[..1]),
        _ => format!("{}/{}/{name}", &name[..2], &name[2..4]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_lie_where_cargo_puts_them() {
        let paths: Vec<_> = ["a", "ab", "abc", "serde", "Inflector", "../x", ""]
            .into_iter()
            .map(entry_path)
            .collect();
        let expected = [
            Some("1/a"),
            Some("2/ab"),
            Some("3/a/abc"),
            Some("se/rd/serde"),
            Some("in/fl/inflector"),
            None,
            None,
        ];
        assert_eq!(paths.iter().map(Option::as_deref).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_copy_that_was_written_last_speaks() {
        let folder = tempfile::tempdir().expect("folder");
        let put = |registry: &str, yanked: bool, age: u64| {
            let path = folder.path().join(registry).join(".cache/2/ab");
            fs::create_dir_all(path.parent().expect("parent")).expect("made");
            let line = format!("{{\"vers\":\"1.0.0\",\"yanked\":{yanked}}}");
            fs::write(&path, entry::encode("x", line.as_bytes())).expect("written");
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(2_000_000_000 - age);
            fs::File::options()
                .write(true)
                .open(&path)
                .and_then(|file| file.set_modified(time))
                .expect("dated");
        };
        put("index.crates.io-6f17d22bba15001f", false, 100);
        put("index.crates.io-1949cf8c6b5b557f", true, 10);
        put("crates.example.org-1949cf8c6b5b557f", false, 0);
        let index = CratesIndex::of_cargo(folder.path());
        assert_eq!(index.release("ab", "1.0.0").release.map(|release| release.yanked), Some(true));
        assert!(index.release("ab", "1.0.1").release.is_none());
        assert!(index.release("abc", "1.0.0").release.is_none());
    }
}
