//! Feeds of which little changed: what is asked for, and what becomes of it.

use portcullis::model::inventory::{Component, Ecosystem};
use portcullis::model::purl::Purl;

use crate::matching::ecosystem_tools::inventory_of;
use crate::matching::feeds::{OLD, archive, ids, plan, record, run_at, run_of};
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
