//! What a copy of the index holds, for `feeds status`.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use jiff::Timestamp;

use crate::io::folder;
use crate::io::hash::sha256;
use crate::model::advisory::FeedRevision;
use crate::model::excused::Excused as _;

use super::{CRATES_INDEX, CratesIndex};

/// The deepest folder that an entry lies in: `se/rd`.
const DEPTH: usize = 2;

/// The entries of a copy: crates, and when each was last written.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(in crate::stage::matching) struct Held {
    /// By the crate's name in lower case; the newest, where several copies list it.
    pub(in crate::stage::matching) crates: BTreeMap<String, Timestamp>,
    /// Bytes of the entries on disk.
    pub(in crate::stage::matching) bytes: u64,
}

impl CratesIndex {
    /// What the copy holds.
    ///
    /// # Errors
    /// The system's reason, where a folder of it cannot be listed.
    pub(in crate::stage::matching) fn held(&self) -> io::Result<Held> {
        let mut held = Held::default();
        for folder in &self.folders {
            held.add(folder, 0)?;
        }
        Ok(held)
    }
}

impl Held {
    fn add(&mut self, folder: &Path, depth: usize) -> io::Result<()> {
        for entry in folder::entries(folder)? {
            let (found, name) = (entry.metadata()?, entry.file_name());
            if found.is_dir() && depth < DEPTH {
                self.add(&entry.path(), depth + 1)?;
            }
            let written = Timestamp::try_from(found.modified()?).or_none("a time that cannot be: of no known age");
            if let (true, Some(name), Some(written)) = (found.is_file() && depth > 0, name.to_str(), written) {
                let known = self.crates.entry(name.to_ascii_lowercase()).or_insert(written);
                *known = written.max(*known);
                self.bytes += found.len();
            }
        }
        Ok(())
    }

    /// As a feed: as new as the newest entry, as a run's is. None where nothing is held.
    pub(in crate::stage::matching) fn revision(&self, source: &str) -> Option<FeedRevision> {
        let as_of = *self.crates.values().max()?;
        let lines: Vec<String> = self.crates.iter().map(|(name, written)| format!("{name} {written}\n")).collect();
        Some(FeedRevision {
            name: CRATES_INDEX.to_owned(),
            source: source.to_owned(),
            revision: sha256(lines.concat().as_bytes()),
            records: self.crates.len() as u64,
            quarantined: 0,
            as_of,
            bundle: None,
            served_by: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_tells_its_crates_and_its_newest_entry() {
        let dir = tempfile::tempdir().expect("folder");
        let cache = dir.path().join("index.crates.io-1/.cache");
        for path in ["1/a", "3/a/abc", "se/rd/serde"] {
            let path = cache.join(path);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("made");
            std::fs::write(path, "12345").expect("written");
        }
        std::fs::write(cache.join("config.json"), "{}").expect("written");
        let held = CratesIndex::of_cargo(dir.path()).held().expect("listed");
        assert_eq!(held.crates.keys().collect::<Vec<_>>(), ["a", "abc", "serde"]);
        assert_eq!(held.bytes, 15);
        let revision = held.revision("here").expect("something");
        assert_eq!((revision.records, Some(&revision.as_of)), (3, held.crates.values().max()));
        assert_eq!(
            CratesIndex::of_cargo(&dir.path().join("none")).held().expect("empty").revision("x"),
            None
        );
    }
}
