//! What lies beside an archive, and lists of records.

use std::fs;

use super::Source;
use crate::io::Effects;
use crate::stage::matching::feeds::store::Store;
use crate::stage::matching::index::Index;

fn record(id: &str, version: &str) -> String {
    format!(r#"{{"id":"{id}","affected":[{{"package":{{"ecosystem":"npm","name":"a"}},"versions":["{version}"]}}]}}"#)
}

struct Rig(tempfile::TempDir);

impl Rig {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn put(&self, name: &str, text: &str) {
        crate::io::files::write(&self.0.path().join("npm").join(name), text.as_bytes()).expect("written");
    }

    fn put_archive(&self, records: &[(&str, &str)]) {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (id, version) in records {
            zip.start_file(format!("{id}.json"), zip::write::SimpleFileOptions::default())
                .expect("an entry");
            std::io::Write::write_all(&mut zip, record(id, version).as_bytes()).expect("written");
        }
        let bytes = zip.finish().expect("an archive").into_inner();
        crate::io::files::write(&self.0.path().join("npm/all.zip"), &bytes).expect("written");
    }

    fn open(&self) -> Result<Index, String> {
        let source = Source::find(&self.0.path().join("npm")).expect("looked").expect("records");
        let cache = self.0.path().join("cache");
        let opened = Store::new(&cache, "feed").open(&source, "npm", &Effects::plain(cache.clone()));
        opened.map_err(|error| crate::model::error_chain::chain(&error))
    }

    fn ids(&self) -> String {
        let index = self.open().expect("an index");
        let (first, count) = index.package("a").expect("sound").expect("there");
        let id = |at: u32| index.claim(at).expect("sound").record_id().expect("sound").to_owned();
        (first..first + count).map(id).collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn a_list_of_records_that_are_not_there_is_a_copy_of_which_a_part_is_missing() {
    let rig = Rig::new();
    let read = |list: &str| {
        rig.put("modified_id.csv", list);
        rig.open().map(drop)
    };
    rig.put("GHSA-1.json", &record("GHSA-1", "1"));
    assert_eq!(read("2026-01-01T00:00:00Z,GHSA-1\n"), Ok(()), "the control");
    let problem = read("2026-01-01T00:00:00Z,GHSA-1\n2026-01-01T00:00:00Z,GHSA-2\n").expect_err("GHSA-2 is missing");
    assert!(problem.contains("GHSA-2") && problem.contains("1 of them"), "{problem}");
    let many: String = (0..2000).map(|_| "2026-01-01T00:00:00Z,GHSA-1\n").collect();
    assert_eq!(read(&format!("{many}2026-01-01T00:00:00Z,GHSA-2\n")), Ok(()), "newer than the copy");
}

#[test]
fn a_record_whose_files_name_has_a_colon_is_the_one_that_a_list_names() {
    for name in ["RLSA-2026:1.json", "RLSA-2026%3A1.json"] {
        let rig = Rig::new();
        rig.put(name, &record("RLSA-2026:1", "1"));
        rig.put("modified_id.csv", "2026-01-01T00:00:00Z,RLSA-2026:1\n");
        assert_eq!(rig.ids(), "RLSA-2026:1", "{name}");
        rig.put("modified_id.csv", "2026-01-01T00:00:00Z,RLSA-2026:2\n");
        assert!(rig.open().is_err(), "the control");
    }
}

#[test]
fn own_records_beside_an_archive_are_read_with_it() {
    let rig = Rig::new();
    rig.put_archive(&[("GHSA-1", "1"), ("GHSA-3", "1")]);
    assert_eq!(rig.ids(), "GHSA-1 GHSA-3", "the control");
    rig.put("GHSA-2.json", &record("GHSA-2", "1"));
    rig.put("ACME:1.json", &record("ACME:1", "1"));
    assert_eq!(rig.ids(), "ACME:1 GHSA-1 GHSA-2 GHSA-3");
    // What was fetched by itself still takes the archive's place, with the archive unread.
    rig.put("changed/GHSA-3.json", &record("GHSA-3", "3"));
    assert_eq!(rig.ids(), "ACME:1 GHSA-1 GHSA-2 GHSA-3");
    fs::remove_file(rig.0.path().join("npm/GHSA-2.json")).expect("removed");
    assert_eq!(rig.ids(), "ACME:1 GHSA-1 GHSA-3");
}

#[test]
fn a_record_beside_an_archive_that_holds_another_of_its_name_is_refused_by_name() {
    let rig = Rig::new();
    rig.put_archive(&[("GHSA-1", "1"), ("GHSA-2", "1")]);
    rig.put("GHSA-1.json", &record("GHSA-1", "1"));
    assert_eq!(rig.ids(), "GHSA-1 GHSA-2", "an archive that was unpacked where it lies");
    rig.put("GHSA-1.json", &record("GHSA-1", "2"));
    let problem = rig.open().map(drop).expect_err("nobody says which holds");
    assert!(problem.contains("GHSA-1.json"), "{problem}");
    rig.put("GHSA-1.json", &record("GHSA-1", "1"));
    assert_eq!(rig.ids(), "GHSA-1 GHSA-2");
}
