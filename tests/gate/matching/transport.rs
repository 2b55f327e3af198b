//! Feeds from servers that lie and stumble.

use std::time::{Duration, Instant};

use crate::matching::feeds::{OLD, archive, gaps, ids, plan, record, run_at, statuses};
use crate::support::files_server::{Fault, FilesServer};

/// Records that do not compress to nothing.
fn large_archive(count: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'a' + (state >> 16) as u8 % 26)
    };
    let records: Vec<(String, String)> = (0..count)
        .map(|at| {
            let details: String = (0..3000).map(|_| noise()).collect();
            let text = record(&format!("GHSA-{at}"), "left-pad", "1.1.0", OLD);
            (
                format!("GHSA-{at}"),
                text.replacen('{', &format!("{{\"details\":\"{details}\","), 1),
            )
        })
        .collect();
    let records: Vec<(&str, String)> = records.iter().map(|(id, text)| (id.as_str(), text.clone())).collect();
    archive(&records)
}

#[test]
fn a_server_that_asks_to_wait_is_given_the_time_and_not_asked_for_ever() {
    let server = FilesServer::start();
    server.put("/npm/all.zip", archive(&[("GHSA-1", record("GHSA-1", "left-pad", "1.1.0", OLD))]));
    server.misbehave([Fault::Status(429, 1), Fault::Status(503, 0)]);
    let cache = tempfile::tempdir().unwrap();
    let plan = plan(&server, cache.path());
    let start = Instant::now();
    assert_eq!(ids(&run_at(&plan, "2026-02-01T00:00:00Z").unwrap()), ["GHSA-1"]);
    assert!(
        start.elapsed() >= Duration::from_secs(1),
        "it was asked again after {:?}",
        start.elapsed()
    );
    assert_eq!(statuses(&server), [429, 503, 200]);

    server.misbehave([Fault::Status(429, 0); 20]);
    let later = run_at(&plan, "2026-02-01T02:00:00Z").unwrap();
    assert_eq!(ids(&later), ["GHSA-1"], "the copy is used");
    // The list of changes and the archive, five times each.
    assert_eq!(statuses(&server), [429; 10]);
}

#[test]
fn resets_and_broken_promises_are_made_good_from_where_the_answer_ended() {
    let server = FilesServer::start();
    server.put("/npm/all.zip", large_archive(60));
    server.misbehave([Fault::Reset(30_000), Fault::TooShort]);
    let cache = tempfile::tempdir().unwrap();
    let found = run_at(&plan(&server, cache.path()), "2026-02-01T00:00:00Z").unwrap();
    assert_eq!(found.matches.len(), 60);
    let seen = server.seen();
    assert_eq!(seen[1].range.as_deref(), Some("bytes=30000-"), "{seen:?}");
    assert!(seen.len() <= 4, "{seen:?}");
}

#[test]
fn a_rest_that_is_not_the_rest_is_never_put_behind_what_is_there() {
    let server = FilesServer::start();
    server.put("/npm/all.zip", large_archive(60));
    server.misbehave([Fault::Reset(30_000), Fault::WrongRange]);
    let cache = tempfile::tempdir().unwrap();
    let found = run_at(&plan(&server, cache.path()), "2026-02-01T00:00:00Z").unwrap();
    assert_eq!((found.matches.len(), gaps(&found)), (60, vec![]));
}

#[test]
fn a_document_that_changed_since_its_download_broke_off_is_fetched_whole() {
    let server = FilesServer::start();
    server.put("/npm/all.zip", large_archive(60));
    server.misbehave([
        Fault::Reset(30_000),
        Fault::Status(503, 0),
        Fault::Status(503, 0),
        Fault::Status(503, 0),
        Fault::Status(503, 0),
    ]);
    let cache = tempfile::tempdir().unwrap();
    let plan = plan(&server, cache.path());
    assert!(run_at(&plan, "2026-02-01T00:00:00Z").is_err(), "five attempts came to nothing");
    server.put("/npm/all.zip", archive(&[("GHSA-1", record("GHSA-1", "left-pad", "1.1.0", OLD))]));
    server.seen();
    let found = run_at(&plan, "2026-02-01T00:01:00Z").unwrap();
    assert_eq!(ids(&found), ["GHSA-1"]);
    let seen = server.seen();
    assert_eq!(
        (seen[0].range.as_deref(), seen[0].status),
        (Some("bytes=30000-"), 200),
        "If-Range no longer holds"
    );
}
