//! Feeds over HTTP: what is asked for, what is kept, and what a run makes of a server that is slow, gone or lying.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use portcullis::io::Effects;
use portcullis::io::clock::Clock;
use portcullis::model::coverage::GapKind;
use portcullis::model::exit_kind::ExitKind;
use portcullis::model::inventory::{Component, Ecosystem, Inventory};
use portcullis::model::matching::Matching;
use portcullis::model::plan::FeedsPlan;
use portcullis::model::purl::Purl;
use portcullis::stage::matching;
use portcullis::stage::matching::MatchingError;

use crate::matching::ecosystem_tools::inventory_of;
use crate::support::files_server::FilesServer;

/// A clock that a test moves.
struct Watch(jiff::Timestamp);

impl Clock for Watch {
    fn now(&self) -> jiff::Timestamp {
        self.0
    }

    fn evaluation(&self) -> jiff::Timestamp {
        self.0
    }
}

pub(crate) fn record(id: &str, package: &str, fixed: &str, modified: &str) -> String {
    format!(
        r#"{{"id":"{id}","modified":"{modified}","affected":[{{"package":{{"ecosystem":"npm","name":"{package}"}},"ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}},{{"fixed":"{fixed}"}}]}}]}}]}}"#
    )
}

pub(crate) fn archive(records: &[(&str, String)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (id, text) in records {
        zip.start_file(format!("{id}.json"), zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub(crate) fn plan(server: &FilesServer, cache: &Path) -> FeedsPlan {
    FeedsPlan {
        osv: server.url(),
        rustsec: None,
        kev: None,
        epss: None,
        crates_index: None,
        npm_registry: None,
        pypi_index: None,
        max_age: Duration::from_secs(24 * 3600),
        cache: cache.to_owned(),
        offline: false,
    }
}

fn inventory() -> Inventory {
    let component = |name: &str| Component::new(Purl::new("npm", name, "1.0.0"), Some(Ecosystem::new("npm")), "test");
    inventory_of(vec![component("left-pad"), component("right-pad")])
}

pub(crate) fn run_at(plan: &FeedsPlan, time: &str) -> Result<Matching, MatchingError> {
    run_of(plan, &inventory(), time)
}

pub(crate) fn run_of(plan: &FeedsPlan, inventory: &Inventory, time: &str) -> Result<Matching, MatchingError> {
    let mut effects = Effects::plain(plan.cache.clone());
    effects.clock = Arc::new(Watch(time.parse().unwrap()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    Ok(runtime
        .block_on(matching::open(plan, inventory, &effects))?
        .match_inventory(inventory, &[]))
}

pub(crate) fn ids(matching: &Matching) -> Vec<&str> {
    matching.matches.iter().map(|found| found.advisory.id.as_str()).collect()
}

pub(crate) fn gaps(matching: &Matching) -> Vec<GapKind> {
    matching.gaps.iter().map(|gap| gap.kind).collect()
}

pub(crate) fn statuses(server: &FilesServer) -> Vec<u16> {
    server.seen().iter().map(|seen| seen.status).collect()
}

pub(crate) const OLD: &str = "2026-01-01T00:00:00Z";

#[test]
fn a_feed_is_fetched_once_asked_again_by_its_etag_and_ages_when_the_server_is_gone() {
    let server = FilesServer::start();
    server.put("/npm/all.zip", archive(&[("GHSA-1", record("GHSA-1", "left-pad", "1.1.0", OLD))]));
    let cache = tempfile::tempdir().unwrap();
    let plan = plan(&server, cache.path());

    let first = run_at(&plan, "2026-02-01T00:00:00Z").unwrap();
    assert_eq!((ids(&first), gaps(&first)), (vec!["GHSA-1"], vec![]));
    assert_eq!(first.feeds[0].as_of.to_string(), "2026-02-01T00:00:00Z");
    assert_eq!(statuses(&server), [200]);

    // Half an hour later nobody is asked; three hours later the list is, which is not there, and the archive, which is as it was.
    run_at(&plan, "2026-02-01T00:30:00Z").unwrap();
    assert_eq!(statuses(&server), [0_u16; 0]);
    let later = run_at(&plan, "2026-02-01T03:00:00Z").unwrap();
    assert_eq!(later.feeds[0].as_of.to_string(), "2026-02-01T03:00:00Z");
    assert_eq!(statuses(&server), [404, 304]);

    // The server is gone: the copy serves until it is too old.
    drop(server);
    let without = run_at(&plan, "2026-02-01T09:00:00Z").unwrap();
    assert_eq!((ids(&without), gaps(&without)), (vec!["GHSA-1"], vec![]));
    let stale = run_at(&plan, "2026-02-02T04:00:00Z").unwrap();
    assert_eq!((ids(&stale), gaps(&stale)), (vec!["GHSA-1"], vec![GapKind::StaleFeed]));
}

#[test]
fn a_download_that_breaks_off_goes_on_where_it_ended() {
    let server = FilesServer::start();
    let noise: String = (0..6000)
        .map(|at: u64| char::from(33 + (at.wrapping_mul(2_654_435_761) >> 7) as u8 % 90))
        .filter(|c| *c != '"' && *c != '\\')
        .collect();
    let records: Vec<(String, String)> = (0..40)
        .map(|at| {
            let text = record(&format!("GHSA-{at}"), "left-pad", "1.1.0", OLD);
            (
                format!("GHSA-{at}"),
                text.replacen('{', &format!("{{\"details\":\"{at}{noise}\","), 1),
            )
        })
        .collect();
    let records: Vec<(&str, String)> = records.iter().map(|(id, text)| (id.as_str(), text.clone())).collect();
    server.put("/npm/all.zip", archive(&records));
    server.cut(2, 20_000);
    let cache = tempfile::tempdir().unwrap();
    let found = run_at(&plan(&server, cache.path()), "2026-02-01T00:00:00Z").unwrap();
    assert_eq!(found.matches.len(), 40);
    let seen = server.seen();
    assert_eq!(seen.iter().map(|seen| seen.status).collect::<Vec<_>>(), [200, 206, 206]);
    assert_eq!(seen[2].range.as_deref(), Some("bytes=40000-"));
}

#[test]
fn a_server_that_stumbles_is_asked_again_and_one_that_is_not_there_ends_the_run() {
    let server = FilesServer::start();
    server.put("/npm/all.zip", archive(&[("GHSA-1", record("GHSA-1", "left-pad", "1.1.0", OLD))]));
    server.fail(2);
    let cache = tempfile::tempdir().unwrap();
    let mut plan = plan(&server, cache.path());
    assert_eq!(ids(&run_at(&plan, "2026-02-01T00:00:00Z").unwrap()), ["GHSA-1"]);
    assert_eq!(statuses(&server), [503, 503, 200]);

    drop(server);
    let empty = tempfile::tempdir().unwrap();
    plan.cache = empty.path().to_owned();
    let error = run_at(&plan, "2026-02-01T00:00:00Z").unwrap_err();
    assert_eq!(error.exit_kind(), ExitKind::Unreachable);
}

#[test]
fn an_ecosystem_that_the_server_lacks_is_uncovered_and_offline_without_a_copy_is_missing() {
    let server = FilesServer::start();
    let cache = tempfile::tempdir().unwrap();
    let mut plan = plan(&server, cache.path());
    assert_eq!(gaps(&run_at(&plan, "2026-02-01T00:00:00Z").unwrap()), [GapKind::UncoveredEcosystem]);
    plan.offline = true;
    assert_eq!(gaps(&run_at(&plan, "2026-02-01T00:00:00Z").unwrap()), [GapKind::MissingFeed]);
}

#[test]
fn a_damaged_archive_is_missing_data_and_is_fetched_anew() {
    let server = FilesServer::start();
    server.put("/npm/all.zip", &b"<html>not a zip</html>"[..]);
    let cache = tempfile::tempdir().unwrap();
    let plan = plan(&server, cache.path());
    assert_eq!(gaps(&run_at(&plan, "2026-02-01T00:00:00Z").unwrap()), [GapKind::MissingFeed]);
    server.put("/npm/all.zip", archive(&[("GHSA-1", record("GHSA-1", "left-pad", "1.1.0", OLD))]));
    assert_eq!(ids(&run_at(&plan, "2026-02-01T00:10:00Z").unwrap()), ["GHSA-1"]);
}

/// A record with a CVE that KEV and EPSS know.
pub(crate) fn put_exploited(server: &FilesServer) {
    let aliased = record("GHSA-1", "left-pad", "1.1.0", OLD).replacen('{', r#"{"aliases":["CVE-2026-0001"],"#, 1);
    server.put("/npm/all.zip", archive(&[("GHSA-1", aliased)]));
    server.put(
        "/kev.json",
        r#"{"dateReleased":"2026-01-31T00:00:00Z","vulnerabilities":[{"cveID":"CVE-2026-0001"}]}"#,
    );
    server.put(
        "/epss.csv",
        "#model_version:v1,score_date:2026-01-31T00:00:00Z\ncve,epss,percentile\nCVE-2026-0001,0.5,0.9\n",
    );
}

#[test]
fn exploitation_is_known_from_kev_and_epss() {
    let server = FilesServer::start();
    put_exploited(&server);
    let cache = tempfile::tempdir().unwrap();
    let mut plan = plan(&server, cache.path());
    plan.kev = Some(format!("{}/kev.json", server.url()));
    plan.epss = Some(format!("{}/epss.csv", server.url()));
    let found = run_at(&plan, "2026-02-01T00:00:00Z").unwrap();
    assert_eq!(
        (found.matches[0].advisory.known_exploited, found.matches[0].advisory.epss),
        (true, Some(0.5))
    );
    assert_eq!(
        found.feeds.iter().map(|feed| feed.name.as_str()).collect::<Vec<_>>(),
        ["epss", "kev", "osv:npm"]
    );
    assert_eq!(found.gaps, []);

    plan.kev = Some(cache.path().join("nothing.json").display().to_string());
    let without = run_at(&plan, "2026-02-01T00:00:00Z").unwrap();
    assert_eq!(gaps(&without), [GapKind::MissingFeed]);
}

fn blocking<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

#[test]
fn feeds_are_updated_looked_at_and_carried_over_an_air_gap() {
    let server = FilesServer::start();
    let broken = r#"{"id":"GHSA-9","affected":7}"#.to_owned();
    server.put(
        "/npm/all.zip",
        archive(&[("GHSA-1", record("GHSA-1", "left-pad", "1.1.0", OLD)), ("GHSA-9", broken)]),
    );
    let here = tempfile::tempdir().unwrap();
    let plan_here = plan(&server, here.path());
    let mut effects = Effects::plain(here.path().to_owned());
    effects.clock = Arc::new(Watch("2026-02-01T00:00:00Z".parse().unwrap()));
    assert_eq!(blocking(matching::status(&plan_here, &[], &effects)).unwrap(), []);

    let updated = blocking(matching::update(&plan_here, &[Ecosystem::new("npm")], &effects)).unwrap();
    assert_eq!(updated[0].quarantine.iter().map(|q| q.id.as_str()).collect::<Vec<_>>(), ["GHSA-9"]);
    assert_eq!(updated[0].revision.as_ref().unwrap().records, 2);
    // An update asks, however fresh the copy is; a look does not.
    server.seen();
    blocking(matching::update(&plan_here, &[], &effects)).unwrap();
    assert_eq!(statuses(&server), [404, 304]);
    assert_eq!(blocking(matching::status(&plan_here, &[], &effects)).unwrap(), updated);
    assert_eq!(statuses(&server), [0_u16; 0]);

    let file = here.path().join("out/feeds.tar");
    let written = matching::export(&plan_here, &[], &file).unwrap();
    let again = matching::export(&plan_here, &[], &here.path().join("again.tar")).unwrap();
    assert_eq!(written, again, "equal copies give equal bundles");

    let there = tempfile::tempdir().unwrap();
    let mut plan_there = plan(&server, there.path());
    plan_there.offline = true;
    assert_eq!(gaps(&run_at(&plan_there, "2026-02-01T12:00:00Z").unwrap()), [GapKind::MissingFeed]);
    assert_eq!(matching::import(&file, &plan_there, &effects).unwrap().digest, written.digest);
    let found = run_at(&plan_there, "2026-02-01T12:00:00Z").unwrap();
    assert_eq!((ids(&found), gaps(&found)), (vec!["GHSA-1"], vec![]));
    assert_eq!(
        found.feeds[0].as_of.to_string(),
        "2026-02-01T00:00:00Z",
        "as old as the copy, not as the import"
    );
}

#[test]
fn a_bundle_that_was_cut_or_changed_is_refused_and_leaves_what_was_there() {
    let server = FilesServer::start();
    server.put("/npm/all.zip", archive(&[("GHSA-1", record("GHSA-1", "left-pad", "1.1.0", OLD))]));
    let cache = tempfile::tempdir().unwrap();
    let plan = plan(&server, cache.path());
    run_at(&plan, "2026-02-01T00:00:00Z").unwrap();
    let file = cache.path().join("feeds.tar");
    matching::export(&plan, &[], &file).unwrap();
    let sound = std::fs::read(&file).unwrap();
    let effects = Effects::plain(cache.path().to_owned());
    let at = sound
        .windows(9)
        .position(|window| window == b"left-pad\"" || window == b"GHSA-1.js")
        .unwrap();
    let mut changed = sound.clone();
    changed[at] ^= 1;
    for bytes in [&sound[..sound.len() / 2], &sound[..600], &changed, b"not a tar"] {
        std::fs::write(&file, bytes).unwrap();
        let error = matching::import(&file, &plan, &effects).unwrap_err();
        assert_eq!(error.exit_kind(), ExitKind::Undecidable, "{error}");
    }
    assert_eq!(ids(&run_at(&plan, "2026-02-01T00:10:00Z").unwrap()), ["GHSA-1"]);
}

#[test]
fn a_mirror_is_carried_over_without_its_own_files_and_no_import_writes_into_a_folder() {
    let server = FilesServer::start();
    let cache = tempfile::tempdir().unwrap();
    let mirror = cache.path().join("mirror");
    std::fs::create_dir_all(mirror.join("npm")).unwrap();
    std::fs::create_dir_all(mirror.join("notes")).unwrap();
    std::fs::write(
        mirror.join("npm/all.zip"),
        archive(&[("GHSA-1", record("GHSA-1", "left-pad", "1.1.0", OLD))]),
    )
    .unwrap();
    std::fs::write(mirror.join("ecosystems.txt"), "npm\n").unwrap();
    let of_mirror = FeedsPlan {
        osv: mirror.display().to_string(),
        ..plan(&server, cache.path())
    };
    let effects = Effects {
        clock: Arc::new(Watch("2026-02-01T00:00:00Z".parse().unwrap())),
        ..Effects::plain(cache.path().to_owned())
    };
    let listed = blocking(matching::status(&of_mirror, &[], &effects)).unwrap();
    assert_eq!(listed.iter().map(|feed| feed.name.as_str()).collect::<Vec<_>>(), ["osv:npm"]);
    let file = cache.path().join("feeds.tar");
    let written = matching::export(&of_mirror, &[], &file).unwrap();
    assert_eq!(written.contents.ecosystems.keys().collect::<Vec<_>>(), ["npm"]);

    // Into a mirror nothing is written, whichever setting names it.
    let seen = || {
        let all = walkdir(&mirror);
        (all.clone(), all.iter().map(|path| std::fs::read(path).unwrap()).collect::<Vec<_>>())
    };
    let before = seen();
    let error = matching::import(&file, &of_mirror, &effects).unwrap_err();
    assert_eq!(error.exit_kind(), ExitKind::Usage, "{error}");
    assert!(error.to_string().contains("[feeds] osv names"), "{error}");
    assert!(seen() == before);

    // The control: the cache takes it.
    let there = tempfile::tempdir().unwrap();
    let plan_there = FeedsPlan {
        offline: true,
        ..plan(&server, there.path())
    };
    assert_eq!(matching::import(&file, &plan_there, &effects).unwrap().contents, written.contents);
}

/// Every file below a folder, sorted.
fn walkdir(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(walkdir(&path))
        } else {
            files.push(path)
        }
    }
    files.sort();
    files
}
