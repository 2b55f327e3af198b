//! Building, damage, and what is taken from an earlier index.

use super::super::records::{Source, SourceError};
use super::cached_index::build;
use super::*;
use crate::io::{Effects, files};
use crate::stage::matching::index::{Earlier, Index};
use std::fs;
use std::path::PathBuf;

const RECORD: &str = r#"{"id":"GHSA-a","modified":"2026-01-02T00:00:00Z","aliases":["CVE-2026-0001"],
    "affected":[{"package":{"ecosystem":"npm","name":"left-pad"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.0"}]}]}]}"#;

pub(super) struct Rig {
    pub(super) folder: tempfile::TempDir,
    pub(super) effects: Effects,
    pub(super) store: Store,
}

impl Rig {
    pub(super) fn new(records: &[(&str, &str)]) -> Self {
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

    pub(super) fn open(&self) -> Index {
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
    let header_end = 24 + 11 * 16 + 4;
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

/// Records of every kind: aliases, bundles, several packages and releases, withdrawn and broken ones, ids with a colon.
pub(super) fn sample(number: usize, variant: usize) -> (String, String) {
    let id = match number % 4 {
        0 => format!("DSA-{number}-1"),
        1 => format!("RLSA-2026:{number}"),
        _ => format!("GHSA-{number}"),
    };
    let text = match (number + variant) % 7 {
        0 => r#"{"id":"#.to_owned(),
        1 => format!(
            r#"{{"id":"{id}","withdrawn":"2026-01-01T00:00:00Z","affected":[{{"package":{{"ecosystem":"npm:old","name":"a{number}"}},"versions":["1"]}}]}}"#
        ),
        2 => format!(
            r#"{{"id":"{id}","summary":"s{variant}","upstream":["CVE-2026-1{number:03}","CVE-2026-2{variant:03}"],"affected":[{{"package":{{"ecosystem":"npm:9","name":"z"}},"versions":["1","2"]}},{{"package":{{"ecosystem":"npm","name":"b{number}"}},"ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}},{{"fixed":"1.{variant}.0"}},{{"introduced":"odd"}}]}}]}}]}}"#
        ),
        _ => format!(
            r#"{{"id":"{id}","modified":"2026-01-02T00:00:{variant:02}Z","details":"It is {variant}. More.","aliases":["CVE-2026-1{number:03}"],"severity":[{{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}}],"affected":[{{"package":{{"ecosystem":"npm","name":"p{variant}"}},"ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}},{{"fixed":"1.{variant}.0"}}]}}],"versions":["3.{variant}.0"],"ecosystem_specific":{{"affects":{{"os":["linux"]}}}}}},{{"package":{{"ecosystem":"npm","name":"a{number}"}},"versions":["1"]}}],"references":[{{"type":"WEB","url":"https://a.example/{id}"}}]}}"#
        ),
    };
    (id, text)
}

pub(super) fn packed(records: impl IntoIterator<Item = (String, String)>) -> Vec<u8> {
    use std::io::Write as _;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (id, text) in records {
        zip.start_file(format!("{id}.json"), zip::write::SimpleFileOptions::default())
            .expect("started");
        zip.write_all(text.as_bytes()).expect("written");
    }
    zip.finish().expect("finished").into_inner()
}

/// The index of what is in the folder now, made from an earlier one where that is possible, and whether it was.
fn renewed(rig: &Rig, base: &str) -> bool {
    let source = Source::find(&rig.folder.path().join(base)).expect("readable").expect("records");
    let built = |earlier: Option<Index>| {
        let path = rig.folder.path().join("built.idx");
        build(&source, earlier, base, &path, &rig.effects).expect("built");
        fs::read(path).expect("read")
    };
    let earlier = || rig.store.open_cached(base).expect("an index");
    let of_archive = earlier().meta().archive.clone().expect("an archive");
    let by_parts = built(Some(earlier()));
    let whole = built(None);
    assert!(by_parts == whole, "{} and {} bytes", by_parts.len(), whole.len());
    rig.store.open(&source, base, &rig.effects).expect("an index");
    assert!(fs::read(rig.store.path(base)).expect("read") == whole);
    earlier().meta().archive.as_ref() == Some(&of_archive)
}

fn lay_over(rig: &Rig, (id, text): (String, String)) {
    let path = rig.folder.path().join("npm/changed").join(format!("{}.json", file_name(&id)));
    files::write(&path, text.as_bytes()).expect("written");
}

#[test]
fn an_index_of_what_changed_has_the_bytes_of_one_that_is_built_whole() {
    let rig = Rig::new(&[]);
    let archive = rig.folder.path().join("npm/all.zip");
    files::write(&archive, &packed((0..60).map(|at| sample(at, 0)))).expect("written");
    rig.open();
    assert!(renewed(&rig, "npm"), "nothing changed at all");
    for round in 1..6 {
        for at in (round..80).step_by(7) {
            lay_over(&rig, sample(at, round));
        }
        assert!(renewed(&rig, "npm"), "round {round}");
    }
    // An id with a colon is one record, not two.
    let index = rig.open();
    let ids: Vec<&str> = (0..index.advisories())
        .map(|at| index.advisory(at).expect("sound").id().expect("sound"))
        .collect();
    let mut once = ids.clone();
    once.dedup();
    assert_eq!(ids, once);
    drop(index);
    fs::remove_file(rig.folder.path().join("npm/changed/GHSA-3.json")).expect("removed");
    assert!(renewed(&rig, "npm"), "what was under it is in the archive only");
    files::write(&archive, &packed((0..61).map(|at| sample(at, 0)))).expect("written");
    assert!(!renewed(&rig, "npm"), "another archive");
}

#[test]
fn a_damaged_index_is_not_built_upon() {
    let rig = Rig::new(&[]);
    // Too large to be verified whole when it is opened.
    let versions: Vec<String> = (0..2000).map(|at| format!("\"3.{at}.NUMBER-a-long-prerelease\"")).collect();
    let many = (0..80).map(|number| {
        let (id, text) = sample(number * 7 + 3, 0);
        let versions = versions.join(",").replace("NUMBER", &number.to_string());
        (id, text.replace("\"3.0.0\"", &versions))
    });
    files::write(&rig.folder.path().join("npm/all.zip"), &packed(many)).expect("written");
    rig.open();
    let path = rig.store.path("npm");
    let sound = fs::read(&path).expect("read");
    let mut noticed_late = 0;
    for at in [sound.len() / 3, sound.len() / 2, sound.len() * 99 / 100] {
        let mut damaged = sound.clone();
        damaged[at] ^= 1;
        fs::write(&path, &damaged).expect("written");
        if let Ok(earlier) = rig.store.open_cached("npm") {
            assert!(Earlier::new(earlier).is_err(), "byte {at} of {}", sound.len());
            noticed_late += 1;
        }
    }
    assert!(noticed_late > 0, "{} bytes are verified at once", sound.len());
}

#[test]
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn real_records_that_change_give_the_index_of_a_whole_build() {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let mirror = std::env::var_os("PORTCULLIS_SHARED")
        .map_or_else(beside, PathBuf::from)
        .join("mirror");
    if !mirror.is_dir() {
        return println!(
            "skipped: real records (none at {}; PORTCULLIS_SHARED names their folder's)",
            mirror.display()
        );
    }
    for base in ["crates.io", "Alpine"] {
        let rig = Rig::new(&[]);
        let folder = rig.folder.path().join(base);
        fs::create_dir_all(folder.join("changed")).expect("made");
        fs::copy(mirror.join(base).join("all.zip"), folder.join("all.zip")).expect("copied");
        let source = Source::find(&folder).expect("readable").expect("records");
        rig.store.open(&source, base, &rig.effects).expect("an index");
        let mut zip = zip::ZipArchive::new(fs::File::open(folder.join("all.zip")).expect("open")).expect("an archive");
        for at in (0..zip.len()).step_by(97) {
            let mut entry = zip.by_index(at).expect("an entry");
            let name = entry.name().expect("a name").into_owned();
            let mut text = String::new();
            std::io::Read::read_to_string(&mut entry, &mut text).expect("read");
            let stem = file_name(name.trim_end_matches(".json"));
            fs::write(
                folder.join(format!("changed/{stem}.json")),
                text.replace("\"fixed\"", "\"last_affected\""),
            )
            .expect("written");
        }
        assert!(renewed(&rig, base));
    }
}
