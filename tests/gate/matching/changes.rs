//! Feeds of which little changed: what is asked for, and what becomes of it.

use std::path::Path;

use portcullis::model::coverage::GapKind;
use portcullis::model::inventory::{Component, Ecosystem};
use portcullis::model::plan::FeedsPlan;
use portcullis::model::purl::Purl;

use crate::matching::ecosystem_tools::inventory_of;
use crate::matching::feeds::{OLD, archive, gaps, ids, plan, record, run_at, run_of};
use crate::support::files_server::FilesServer;

#[test]
fn only_the_records_that_changed_are_fetched_when_they_are_few() {
    let server = FilesServer::start();
    let left = record("GHSA-1", "left-pad", "1.1.0", OLD);
    server.put(
        "/npm/all.zip",
        archive(&[("GHSA-1", left), ("GHSA-2", record("GHSA-2", "right-pad", "0.5.0", OLD))]),
    );
    server.put("/npm/modified_id.csv", format!("{OLD},GHSA-2\n{OLD},GHSA-1\n"));
    let cache = tempfile::tempdir().unwrap();
    let plan = plan(&server, cache.path());
    let before = run_at(&plan, "2026-02-01T00:00:00Z").unwrap();
    assert_eq!(ids(&before), ["GHSA-1"]);
    server.seen();

    let new = "2026-02-01T01:00:00Z";
    server.put("/npm/GHSA-2.json", record("GHSA-2", "right-pad", "2.0.0", new));
    server.put("/npm/GHSA-3.json", record("GHSA-3", "left-pad", "3.0.0", new));
    server.put("/npm/modified_id.csv", format!("{new},GHSA-3\n{new},GHSA-2\n{OLD},GHSA-1\n"));
    let after = run_at(&plan, "2026-02-01T03:00:00Z").unwrap();
    assert_eq!(ids(&after), ["GHSA-1", "GHSA-3", "GHSA-2"]);
    let mut asked: Vec<String> = server.seen().into_iter().map(|seen| seen.path).collect();
    asked.sort();
    assert_eq!(asked, ["/npm/GHSA-2.json", "/npm/GHSA-3.json", "/npm/modified_id.csv"]);
    assert_ne!(before.feeds[0].revision, after.feeds[0].revision);

    // Nothing more has changed: the list alone is asked for.
    run_at(&plan, "2026-02-01T06:00:00Z").unwrap();
    assert_eq!(server.seen().len(), 1);

    // A record vanishes: only the archive can tell.
    server.put("/npm/modified_id.csv", format!("{new},GHSA-3\n{OLD},GHSA-1\n"));
    server.put(
        "/npm/all.zip",
        archive(&[
            ("GHSA-3", record("GHSA-3", "left-pad", "3.0.0", new)),
            ("GHSA-1", record("GHSA-1", "left-pad", "1.1.0", OLD)),
        ]),
    );
    let vanished = run_at(&plan, "2026-02-01T09:00:00Z").unwrap();
    assert_eq!(ids(&vanished), ["GHSA-1", "GHSA-3"]);
}

#[test]
fn a_changed_record_whose_id_has_a_colon_takes_the_place_of_the_old_one() {
    let server = FilesServer::start();
    let of_rocky = |fixed: &str, modified: &str| record("RLSA-2026:1", "bash", fixed, modified).replace("\"npm\"", "\"Rocky Linux:9\"");
    server.put("/Rocky%20Linux/all.zip", archive(&[("RLSA-2026:1", of_rocky("5.1-9", OLD))]));
    server.put("/Rocky%20Linux/modified_id.csv", format!("{OLD},RLSA-2026:1\n"));
    let cache = tempfile::tempdir().unwrap();
    let plan = plan(&server, cache.path());
    let package = Purl::new("rpm", "bash", "5.1-6").with_namespace("rocky");
    let inventory = inventory_of(vec![Component::new(package, Some(Ecosystem::new("Rocky Linux:9")), "test")]);
    let fixes = |time: &str| -> Vec<Vec<String>> {
        let found = run_of(&plan, &inventory, time).unwrap();
        found.matches.into_iter().map(|found| found.fixed).collect()
    };
    assert_eq!(fixes("2026-02-01T00:00:00Z"), [["5.1-9"]]);
    let new = "2026-02-01T01:00:00Z";
    server.put("/Rocky%20Linux/RLSA-2026%3A1.json", of_rocky("5.1-10", new));
    server.put("/Rocky%20Linux/modified_id.csv", format!("{new},RLSA-2026:1\n"));
    assert_eq!(fixes("2026-02-01T03:00:00Z"), [["5.1-10"]]);
}

#[test]
fn an_archive_under_very_many_changes_is_fetched_anew() {
    let server = FilesServer::start();
    let archive_of = |fixed: &str, modified: &str| archive(&[("GHSA-1", record("GHSA-1", "left-pad", fixed, modified))]);
    server.put("/npm/all.zip", archive_of("1.1.0", OLD));
    server.put("/npm/modified_id.csv", format!("{OLD},GHSA-1\n"));
    let cache = tempfile::tempdir().unwrap();
    let plan = plan(&server, cache.path());
    run_at(&plan, "2026-02-01T00:00:00Z").unwrap();
    let feed = std::fs::read_dir(cache.path().join("osv")).unwrap().next().unwrap().unwrap().path();
    let overlay = feed.join("npm/changed");
    std::fs::create_dir(&overlay).unwrap();
    for at in 0..2000 {
        std::fs::write(overlay.join(format!("GHSA-x{at}.json")), record("GHSA-x", "other", "1.0.0", OLD)).unwrap();
    }
    server.seen();
    let new = "2026-02-01T01:00:00Z";
    server.put("/npm/modified_id.csv", format!("{new},GHSA-1\n"));
    server.put("/npm/all.zip", archive_of("1.2.0", new));
    let found = run_at(&plan, "2026-02-01T03:00:00Z").unwrap();
    assert_eq!(found.matches[0].fixed, ["1.2.0"]);
    let asked: Vec<String> = server.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(asked, ["/npm/modified_id.csv", "/npm/all.zip"]);
    assert!(!overlay.exists(), "what was laid over the old archive is in the new one");
}

/// A server whose list of changes tells of `GHSA-2` (and more), which its archive has not; the copy is of midnight.
fn ahead(cache: &Path, more: usize) -> (FilesServer, FeedsPlan) {
    let server = FilesServer::start();
    server.put("/npm/all.zip", archive(&[("GHSA-1", record("GHSA-1", "left-pad", "1.1.0", OLD))]));
    server.put("/npm/modified_id.csv", format!("{OLD},GHSA-1\n"));
    let plan = plan(&server, cache);
    run_at(&plan, "2026-02-01T00:00:00Z").unwrap();
    let others: String = (0..more).map(|at| format!("{NEW},GHSA-x{at}\n")).collect();
    server.put("/npm/modified_id.csv", format!("{NEW},GHSA-2\n{others}{OLD},GHSA-1\n"));
    (server, plan)
}

const NEW: &str = "2026-02-01T01:00:00Z";

#[test]
fn a_copy_that_is_behind_its_servers_list_is_as_old_as_it_was() {
    let told = record("GHSA-2", "right-pad", "2.0.0", NEW);
    let of_before = record("GHSA-2", "right-pad", "2.0.0", OLD);
    let another = record("GHSA-3", "other", "2.0.0", NEW);
    let page = "<html>Service unavailable</html>".to_owned();
    let of_nothing = format!(r#"{{"id":"GHSA-2","modified":"{NEW}"}}"#);
    for (what, answer, more) in [
        ("not there", None, 0),
        ("a copy of before", Some(of_before), 0),
        ("another record", Some(another), 0),
        ("a page", Some(page), 0),
        ("an id alone", Some(r#"{"id":"GHSA-2"}"#.to_owned()), 0),
        ("a record of nothing", Some(of_nothing), 0),
        ("too many to ask for", Some(told.clone()), 400),
    ] {
        let cache = tempfile::tempdir().unwrap();
        let (server, plan) = ahead(cache.path(), more);
        if let Some(answer) = answer {
            server.put("/npm/GHSA-2.json", answer);
        }
        let behind = run_at(&plan, "2026-02-01T03:00:00Z").unwrap();
        assert_eq!((ids(&behind), gaps(&behind)), (vec!["GHSA-1"], vec![]), "{what}");
        assert_eq!(behind.feeds[0].as_of.to_string(), "2026-02-01T00:00:00Z", "{what}");
        let stale = run_at(&plan, "2026-02-02T03:00:00Z").unwrap();
        assert_eq!(gaps(&stale), [GapKind::StaleFeed], "{what}");
        // The control: it is there, and nothing else is told of.
        server.put("/npm/GHSA-2.json", told.clone());
        server.put("/npm/modified_id.csv", format!("{NEW},GHSA-2\n{OLD},GHSA-1\n"));
        let current = run_at(&plan, "2026-02-02T06:00:00Z").unwrap();
        assert_eq!((ids(&current), gaps(&current)), (vec!["GHSA-1", "GHSA-2"], vec![]), "{what}");
        assert_eq!(current.feeds[0].as_of.to_string(), "2026-02-02T06:00:00Z", "{what}");
    }
}

#[test]
fn a_new_archive_a_heading_and_records_that_are_gone_leave_no_copy_behind() {
    let cache = tempfile::tempdir().unwrap();
    let (server, plan) = ahead(cache.path(), 0);
    let both = [
        ("GHSA-1", record("GHSA-1", "left-pad", "1.1.0", OLD)),
        ("GHSA-2", record("GHSA-2", "right-pad", "2.0.0", NEW)),
    ];
    server.put("/npm/all.zip", archive(&both));
    let at = |time: &str| {
        let found = run_at(&plan, time).unwrap();
        (found.feeds[0].as_of.to_string(), ids(&found).join(" "))
    };
    let expected = |time: &str, found: &str| (time.to_owned(), found.to_owned());
    assert_eq!(at("2026-02-01T03:00:00Z"), expected("2026-02-01T03:00:00Z", "GHSA-1 GHSA-2"));
    // A heading is no record, and an archive may hold what its list has no more.
    server.put("/npm/modified_id.csv", format!("modified,id\n{NEW},GHSA-2\n{OLD},GHSA-1\n"));
    assert_eq!(at("2026-02-01T06:00:00Z"), expected("2026-02-01T06:00:00Z", "GHSA-1 GHSA-2"));
    server.put("/npm/modified_id.csv", format!("{OLD},GHSA-1\n"));
    assert_eq!(at("2026-02-01T09:00:00Z"), expected("2026-02-01T09:00:00Z", "GHSA-1 GHSA-2"));
    // Something is gone, something is new, and the archive is what it was.
    let third = "2026-02-01T10:00:00Z";
    server.put("/npm/GHSA-3.json", record("GHSA-3", "left-pad", "3.0.0", third));
    server.put("/npm/modified_id.csv", format!("{third},GHSA-3\n{OLD},GHSA-1\n"));
    assert_eq!(at("2026-02-01T12:00:00Z"), expected("2026-02-01T12:00:00Z", "GHSA-1 GHSA-3 GHSA-2"));
}

#[test]
fn a_record_that_went_back_to_an_earlier_state_is_fetched_again() {
    let server = FilesServer::start();
    let of = |fixed: &str, modified: &str| record("GHSA-1", "left-pad", fixed, modified);
    server.put("/npm/all.zip", archive(&[("GHSA-1", of("0.9.0", NEW))]));
    server.put("/npm/modified_id.csv", format!("{NEW},GHSA-1\n"));
    let cache = tempfile::tempdir().unwrap();
    let plan = plan(&server, cache.path());
    let before = run_at(&plan, "2026-02-01T02:00:00Z").unwrap();
    assert!(before.matches.is_empty(), "the change took 1.0.0 out of it");
    server.put("/npm/GHSA-1.json", of("1.1.0", OLD));
    server.put("/npm/modified_id.csv", format!("{OLD},GHSA-1\n"));
    assert_eq!(ids(&run_at(&plan, "2026-02-01T05:00:00Z").unwrap()), ["GHSA-1"]);
}

#[test]
fn a_list_that_is_behind_its_archive_makes_no_copy_old() {
    let server = FilesServer::start();
    server.put("/npm/all.zip", archive(&[("GHSA-1", record("GHSA-1", "left-pad", "1.1.0", NEW))]));
    server.put("/npm/modified_id.csv", format!("{OLD},GHSA-1\n"));
    let cache = tempfile::tempdir().unwrap();
    let plan = plan(&server, cache.path());
    run_at(&plan, "2026-02-01T02:00:00Z").unwrap();
    let later = run_at(&plan, "2026-02-01T05:00:00Z").unwrap();
    assert_eq!(ids(&later), ["GHSA-1"]);
    assert_eq!(later.feeds[0].as_of.to_string(), "2026-02-01T05:00:00Z");
}

#[test]
fn records_that_were_imported_one_by_one_end_where_an_archive_takes_their_place() {
    let cache = tempfile::tempdir().unwrap();
    let (server, plan) = ahead(cache.path(), 0);
    let feed = std::fs::read_dir(cache.path().join("osv")).unwrap().next().unwrap().unwrap().path();
    let loose = feed.join("npm/GHSA-9.json");
    std::fs::write(&loose, record("GHSA-9", "left-pad", "9.0.0", OLD)).unwrap();
    server.put("/npm/all.zip", archive(&[("GHSA-2", record("GHSA-2", "right-pad", "2.0.0", NEW))]));
    assert_eq!(ids(&run_at(&plan, "2026-02-01T03:00:00Z").unwrap()), ["GHSA-2"]);
    assert!(!loose.exists());
}
