//! What a changed archive leads to, and records that are made to harm.

use std::fmt::Write as _;
use std::fs;

use super::cached_index::build;
use super::tests::{Rig, packed, sample};
use crate::io::files;
use crate::stage::matching::feeds::records::Source;
use crate::stage::matching::index::Index;
use crate::stage::matching::record::read::ANY;

fn whole(rig: &Rig, earlier: Option<Index>) -> Vec<u8> {
    let source = Source::find(&rig.folder.path().join("npm")).expect("readable").expect("records");
    let path = rig.folder.path().join("built.idx");
    build(&source, earlier, "npm", &path, &rig.effects).expect("built");
    fs::read(path).expect("read")
}

fn put(rig: &Rig, records: impl IntoIterator<Item = (String, String)>) {
    files::write(&rig.folder.path().join("npm/all.zip"), &packed(records)).expect("written");
}

#[test]
fn a_new_archive_upon_an_earlier_index_gives_the_bytes_of_one_that_is_built_whole() {
    let rig = Rig::new(&[]);
    put(&rig, (0..90).map(|at| sample(at, 0)));
    rig.open();
    for (round, numbers) in [(1, 0..90), (2, 0..95), (3, 5..95), (4, 40..41)] {
        // Some are changed, some are new, some are gone, and some were laid over the archive before.
        put(&rig, numbers.map(|at| sample(at, if at % 9 == 0 { round } else { 0 })));
        let earlier = rig.store.open_cached("npm").expect("an index");
        assert!(whole(&rig, Some(earlier)) == whole(&rig, None), "round {round}");
        let overlay = rig.folder.path().join("npm/changed/GHSA-7.json");
        files::write(&overlay, sample(7, round).1.as_bytes()).expect("written");
        rig.open();
        fs::remove_file(overlay).expect("removed");
    }
}

#[test]
fn a_record_that_goes_is_gone_and_one_that_was_withdrawn_claims_nothing() {
    let record = |id: &str, more: &str| {
        let package = r#""affected":[{"package":{"ecosystem":"npm","name":"left-pad"},"versions":["1"]}]"#;
        (
            id.to_owned(),
            format!(r#"{{"id":"{id}",{more}"aliases":["CVE-2026-0001"],{package}}}"#),
        )
    };
    let rig = Rig::new(&[]);
    put(&rig, [record("GHSA-1", ""), record("MAL-1", "")]);
    let count = |index: &Index| index.package("left-pad").expect("sound").map_or(0, |(_, count)| count);
    let joined = |index: &Index| {
        let groups = index.groups_of("CVE-2026-0001").expect("sound").expect("known");
        index.group(groups[0]).expect("sound").ids().expect("sound").join(" ")
    };
    let index = rig.open();
    assert_eq!((count(&index), joined(&index).as_str()), (2, "CVE-2026-0001 GHSA-1 MAL-1"));
    put(
        &rig,
        [record("GHSA-1", ""), record("MAL-1", r#""withdrawn":"2026-01-01T00:00:00Z","#)],
    );
    let index = rig.open();
    assert_eq!((count(&index), joined(&index).as_str()), (1, "CVE-2026-0001 GHSA-1"));
    put(&rig, [record("MAL-1", "")]);
    let index = rig.open();
    assert_eq!((count(&index), joined(&index).as_str()), (1, "CVE-2026-0001 MAL-1"));
    assert!(index.groups_of("GHSA-1").expect("sound").is_none());
}

#[test]
fn a_record_of_which_only_the_beginning_is_read_may_be_about_any_package() {
    let rig = Rig::new(&[]);
    let mut long = String::from(r#"{"id":"GHSA-1","affected":[{"package":{"ecosystem":"npm","name":"first"},"versions":["1"]}"#);
    while long.len() < 5 << 20 {
        long.push_str(r#",{"package":{"ecosystem":"npm","name":"other"},"versions":["1"]}"#);
    }
    long.push_str(r#",{"package":{"ecosystem":"npm","name":"last"},"versions":["1"]}]}"#);
    let small = r#"{"id":"GHSA-2","affected":[{"package":{"ecosystem":"npm","name":"second"},"versions":["1"]}]}"#;
    put(&rig, [("GHSA-1".to_owned(), long), ("GHSA-2".to_owned(), small.to_owned())]);
    let index = rig.open();
    assert_eq!(index.meta().quarantined, 1);
    for name in ["first", "second", ANY] {
        assert!(index.package(name).expect("sound").is_some(), "{name}");
    }
    put(&rig, [("GHSA-2".to_owned(), small.to_owned())]);
    assert!(rig.open().package(ANY).expect("sound").is_none(), "the control");
}

#[test]
fn a_record_that_names_more_than_can_be_held_is_about_whatever_there_is() {
    let mut names = String::new();
    for at in 0..30_000 {
        write!(names, r#","n{at}""#).expect("room");
    }
    let mut aliases = String::from(r#""A-1""#);
    for at in 0..30_000 {
        write!(aliases, r#","B-{at}""#).expect("room");
    }
    let affected = r#""affected":[{"package":{"ecosystem":"npm","name":"a"},"versions":["1"]}]"#;
    let rig = Rig::new(&[]);
    let records = [
        ("A-1".to_owned(), format!(r#"{{"id":1,"names":["x"{names}]}}"#)),
        ("A-2".to_owned(), format!(r#"{{"id":"A-2","aliases":[{aliases}],{affected}}}"#)),
    ];
    put(&rig, records);
    let index = rig.open();
    assert_eq!((index.meta().records, index.meta().quarantined), (2, 2));
    let (first, count) = index.package(ANY).expect("sound").expect("there");
    let ids: Vec<&str> = (first..first + count)
        .map(|at| index.claim(at).expect("sound").record_id().expect("sound"))
        .collect();
    assert_eq!(ids, ["A-1", "A-2"]);
}

#[test]
fn aliases_that_chain_everything_make_no_group_of_everything() {
    let count = 40_000;
    let record = |at: usize| {
        let id = format!("GHSA-{at:06}");
        let text = format!(
            r#"{{"id":"{id}","aliases":["GHSA-{:06}"],"affected":[{{"package":{{"ecosystem":"npm","name":"p{at}"}},"versions":["1"]}}]}}"#,
            at + 1
        );
        (id, text)
    };
    let rig = Rig::new(&[]);
    put(&rig, (0..count).map(record));
    let index = rig.open();
    let mut largest = 0;
    for at in 0..index.advisories() {
        let groups = index.advisory(at).expect("sound").groups().expect("sound");
        // Whoever asks for a record's own id or its alias finds the record's groups.
        assert!((1..=2).contains(&groups.len()), "{at}");
        if at % 1000 == 0 {
            let ids = index.group(groups[0]).expect("sound").ids().expect("sound");
            largest = largest.max(ids.len());
        }
    }
    assert!((1000..20_000).contains(&largest), "{largest}");
}

#[test]
fn versions_and_ranges_that_would_all_be_compared_are_kept_as_they_are() {
    let (mut events, mut versions) = (String::new(), String::from(r#""9.9.9""#));
    for at in 1..30_000 {
        write!(events, r#",{{"introduced":"{at}.0.0"}},{{"fixed":"{at}.1.0"}}"#).expect("room");
        write!(versions, r#","{at}.5.0""#).expect("room");
    }
    let text = format!(
        r#"{{"id":"GHSA-1","affected":[{{"package":{{"ecosystem":"npm","name":"a"}},"ranges":[{{"type":"SEMVER","events":[{}]}}],"versions":[{versions}]}}]}}"#,
        &events[1..]
    );
    let rig = Rig::new(&[]);
    put(&rig, [("GHSA-1".to_owned(), text)]);
    let index = rig.open();
    let (first, _) = index.package("a").expect("sound").expect("there");
    let claim = index.claim(first).expect("sound");
    assert!(claim.broken.is_empty());
    assert_eq!(
        (claim.intervals().count(), claim.versions().expect("sound").len()),
        (29_999, 30_000)
    );
}

#[test]
fn a_function_that_is_no_text_is_not_left_out_of_those_that_a_record_is_about() {
    let functions = |list: &str| {
        let text = format!(
            r#"{{"id":"GHSA-1","affected":[{{"package":{{"ecosystem":"npm","name":"a"}},"versions":["1"],"ecosystem_specific":{{"affects":{{"functions":{list}}}}}}}]}}"#
        );
        let rig = Rig::new(&[]);
        put(&rig, [("GHSA-1".to_owned(), text)]);
        let index = rig.open();
        let (first, _) = index.package("a").expect("sound").expect("there");
        let claim = index.claim(first).expect("sound");
        let lists = claim.lists().expect("sound");
        lists.functions.iter().map(|&path| path.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(functions(r#"["a::b","a::c"]"#), ["a::b", "a::c"], "the control");
    assert_eq!(functions(r#"["a::b",{"path":"a::c"}]"#), ["a::b", "?"]);
}
