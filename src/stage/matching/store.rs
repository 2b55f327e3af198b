//! Indexes in the cache: opened where they fit their source, built where not.

use std::path::{Path, PathBuf};

use crate::io::Effects;
use crate::io::files::{self, FileError};
use crate::io::hash::sha256;
use crate::model::event::Stage;
use crate::model::inventory::Ecosystem;
use crate::model::version::Scheme;

use super::draft::Target;
use super::index::{Index, IndexError, Meta, encode};
use super::source::{Source, SourceError};

/// Why there is no index.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    /// The records cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// What was just built cannot be opened.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The cache cannot be written.
    #[error(transparent)]
    Write(#[from] FileError),
}

/// Where indexes of feeds are kept.
#[derive(Debug, Clone)]
pub(super) struct Store {
    folder: PathBuf,
}

impl Store {
    /// The store of one feed, by where its records come from.
    pub(super) fn new(cache: &Path, feed: &str) -> Self {
        let key = sha256(feed.as_bytes()).hex();
        Self {
            folder: cache.join("index").join(&key[..16]),
        }
    }

    /// The file of an ecosystem's index.
    pub(super) fn path(&self, base: &str) -> PathBuf {
        self.folder.join(format!("{}.idx", file_name(base)))
    }

    /// The index of a source. A run that finds it opens it; one that does not builds it and puts it in place by a rename, so that nobody waits
    /// and nobody reads half of one.
    pub(super) fn open(&self, source: &Source, base: &str, effects: &Effects) -> Result<Index, StoreError> {
        let path = self.path(base);
        match Index::open(&path) {
            Ok(index) if index.meta().identity == source.identity() && index.meta().ecosystem == base => return Ok(index),
            Ok(_) => {}
            Err(IndexError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => effects.warn(Stage::Matching, format!("{error}; it is built anew")),
        }
        let bytes = build(source, base, effects)?;
        files::write(&path, &bytes)?;
        drop(bytes);
        Ok(Index::open(&path)?)
    }

    /// The index of an ecosystem as it is in the cache, whatever its source looks like now.
    pub(super) fn open_cached(&self, base: &str) -> Result<Index, IndexError> {
        Index::open(&self.path(base))
    }
}

fn build(source: &Source, base: &str, effects: &Effects) -> Result<Vec<u8>, StoreError> {
    let target = Target {
        base,
        scheme: Scheme::of(&Ecosystem::new(base)),
    };
    let content = source.read(target, effects)?;
    let drafts = &content.chunk.drafts;
    let mut releases: Vec<&str> = drafts
        .iter()
        .flat_map(|draft| draft.claims.iter())
        .map(|claim| content.chunk.pool.get(claim.release))
        .collect();
    releases.sort_unstable();
    releases.dedup();
    let meta = Meta {
        ecosystem: base.to_owned(),
        identity: source.identity().to_owned(),
        revision: content.revision,
        records: drafts.len() as u64,
        quarantined: drafts.iter().filter(|draft| draft.broken.is_some()).count() as u64,
        newest: content.newest,
        releases: releases.into_iter().map(str::to_owned).collect(),
    };
    let full = |error: super::index::strings::PoolFull| SourceError::Limit {
        path: PathBuf::from(base),
        problem: error.to_string(),
    };
    Ok(encode(content.chunk, &meta).map_err(full)?)
}

/// An ecosystem's name as a file name and as a part of a URL.
pub(super) fn file_name(base: &str) -> String {
    let mut name = String::with_capacity(base.len());
    for byte in base.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => name.push(char::from(byte)),
            _ => name.push_str(&format!("%{byte:02X}")),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const RECORD: &str = r#"{"id":"GHSA-a","modified":"2026-01-02T00:00:00Z","aliases":["CVE-2026-0001"],
        "affected":[{"package":{"ecosystem":"npm","name":"left-pad"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.0"}]}]}]}"#;

    struct Rig {
        folder: tempfile::TempDir,
        effects: Effects,
        store: Store,
    }

    impl Rig {
        fn new(records: &[(&str, &str)]) -> Self {
            let folder = tempfile::tempdir().expect("folder");
            for (name, text) in records {
                files::write(&folder.path().join("npm").join(name), text.as_bytes()).expect("written");
            }
            let cache = folder.path().join("cache");
            Self {
                effects: Effects::plain(cache.clone()),
                store: Store::new(&cache, "feed"),
                folder,
            }
        }

        fn open(&self) -> Index {
            let source = Source::find(&self.folder.path().join("npm")).expect("readable").expect("records");
            self.store.open(&source, "npm", &self.effects).expect("an index")
        }
    }

    #[test]
    fn an_index_gives_back_what_went_in() {
        let rig = Rig::new(&[("GHSA-a.json", RECORD)]);
        let index = rig.open();
        let (first, count) = index.package("left-pad").expect("sound").expect("there");
        assert_eq!(count, 1);
        let claim = index.claim(first).expect("sound");
        assert_eq!(claim.record_id().expect("sound"), "GHSA-a");
        assert_eq!(claim.intervals().next().expect("one").expect("sound").describe(), "<1.2.0");
        assert!(index.package("left-pad2").expect("sound").is_none());
        assert_eq!(index.groups_of("CVE-2026-0001").expect("sound").expect("known").len(), 1);
        assert!(index.groups_of("CVE-2026-0002").expect("sound").is_none());
    }

    #[test]
    fn every_single_damaged_byte_is_noticed() {
        let rig = Rig::new(&[("GHSA-a.json", RECORD)]);
        rig.open();
        let path = rig.store.path("npm");
        let sound = fs::read(&path).expect("read");
        let header_end = 24 + 10 * 16 + 4;
        for at in (0..header_end).chain(4096..sound.len()) {
            let mut damaged = sound.clone();
            damaged[at] ^= 0x10;
            fs::write(&path, &damaged).expect("written");
            assert!(rig.store.open_cached("npm").is_err(), "byte {at}");
        }
        for length in [0, 7, 4095, 4096, sound.len() - 1] {
            fs::write(&path, &sound[..length]).expect("written");
            assert!(rig.store.open_cached("npm").is_err(), "cut to {length}");
        }
    }

    #[test]
    fn a_damaged_or_foreign_index_is_built_anew() {
        let rig = Rig::new(&[("GHSA-a.json", RECORD)]);
        rig.open();
        let path = rig.store.path("npm");
        for foreign in [b"not an index".to_vec(), vec![0; 9000]] {
            fs::write(&path, foreign).expect("written");
            assert!(rig.open().package("left-pad").expect("sound").is_some());
        }
    }

    #[test]
    fn another_source_makes_another_index_and_readers_keep_theirs() {
        let rig = Rig::new(&[("GHSA-a.json", RECORD)]);
        let before = rig.open();
        let other = RECORD.replace("left-pad", "right-pad").replace("GHSA-a", "GHSA-b");
        files::write(&rig.folder.path().join("npm/GHSA-b.json"), other.as_bytes()).expect("written");
        let after = rig.open();
        assert!(after.package("right-pad").expect("sound").is_some());
        assert!(before.package("right-pad").expect("sound").is_none());
        assert!(before.package("left-pad").expect("sound").is_some());
    }

    #[test]
    fn a_cut_archive_is_damaged_not_empty() {
        let rig = Rig::new(&[]);
        files::write(&rig.folder.path().join("npm/all.zip"), b"PK\x03\x04 cut").expect("written");
        let source = Source::find(&rig.folder.path().join("npm")).expect("readable").expect("an archive");
        assert!(matches!(
            rig.store.open(&source, "npm", &rig.effects),
            Err(StoreError::Source(SourceError::Archive { .. }))
        ));
    }
}
