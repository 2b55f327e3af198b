//! When releases were published, and what young ones clear: from cargo's copy of the index, and from the registries of npm and Python.

use std::path::Path;

use portcullis::model::inventory::{Component, Ecosystem};
use portcullis::model::matching::Matching;
use portcullis::model::plan::{CratesIndexSource, FeedsPlan, NpmRegistrySource};
use portcullis::model::purl::Purl;

use crate::matching::ecosystem_tools::inventory_of;
use crate::matching::feeds::{OLD, archive, plan, record, run_of};
use crate::support::files_server::{Fault, FilesServer};

fn component(kind: &str, name: &str, version: &str) -> Component {
    let ecosystem = match kind {
        "cargo" => Ecosystem::CRATES,
        "pypi" => Ecosystem::PYPI,
        _ => Ecosystem::NPM,
    };
    Component::new(Purl::new(kind, name, version), Some(Ecosystem::new(ecosystem)), "test")
}

/// Puts a crate's entry where cargo keeps it.
fn keep(index: &Path, name: &str, releases: &[(&str, Option<&str>)]) {
    let mut bytes = b"\x03\x02\0\0\0Unknown\0".to_vec();
    for (version, time) in releases {
        let time = time.map(|time| format!(",\"pubtime\":\"{time}\"")).unwrap_or_default();
        let (version, yanked) = version.strip_suffix(" yanked").map_or((*version, false), |version| (version, true));
        bytes.extend_from_slice(format!("{version}\0{{\"vers\":\"{version}\",\"yanked\":{yanked}{time}}}\0").as_bytes());
    }
    let place = index
        .join("index.crates.io-0123456789abcdef/.cache")
        .join(&name[..2])
        .join(&name[2..4]);
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join(name), bytes).unwrap();
}

/// Each release with its time, who says so, and what it clears in which spell.
fn told(matching: &Matching) -> Vec<String> {
    let spell = |time: Option<jiff::Timestamp>| time.map_or_else(|| "?".to_owned(), |time| time.strftime("%Y-%m-%d").to_string());
    let of = |release: &portcullis::model::release::Release| {
        let clears = release.clears.iter().map(|cleared| {
            let id = &cleared.matched.advisory.id;
            format!(" {id} {}..{}", spell(cleared.from), spell(Some(cleared.until)))
        });
        format!(
            "{} {} {}{}",
            release.component,
            spell(release.published),
            release.told_by,
            clears.collect::<String>()
        )
    };
    matching.releases.iter().map(of).collect()
}

const AT: &str = "2026-11-21T12:00:00Z";

#[test]
fn a_young_release_clears_what_was_the_newest_before_it_and_nothing_that_waiting_does_not_cost() {
    let server = FilesServer::start();
    let crates = |record: String| record.replace("npm", "crates.io");
    let records = [
        ("R-1", crates(record("R-1", "fixed-now", "1.0.2", OLD))),
        ("R-2", crates(record("R-2", "fixed-long-ago", "1.0.1", OLD))),
        ("R-3", crates(record("R-3", "fault-of-its-own", "2.0.0", OLD))),
        ("R-4", crates(record("R-4", "backport", "1.4.2", OLD))),
        ("R-6", crates(record("R-6", "taken-back", "1.0.1", OLD))),
        // The fault came with a release as young as its fix: who waits never had it.
        (
            "R-5",
            crates(record("R-5", "short-lived", "1.1.1", OLD).replace("\"0\"", "\"1.1.0\"")),
        ),
    ];
    server.put("/crates.io/all.zip", archive(&records));
    let cache = tempfile::tempdir().unwrap();
    let index = cache.path().join("registry");
    let old = Some("2025-01-01T00:00:00Z");
    let (last_month, yesterday) = (Some("2026-10-20T00:00:00Z"), Some("2026-11-20T12:00:00Z"));
    keep(
        &index,
        "fixed-now",
        &[("1.0.0", old), ("1.0.1", last_month), ("1.0.2", yesterday), ("2.0.0", old)],
    );
    keep(
        &index,
        "fixed-long-ago",
        &[("1.0.0", old), ("1.0.1", last_month), ("1.0.2", yesterday)],
    );
    keep(&index, "fault-of-its-own", &[("1.0.0", old), ("1.0.1", yesterday)]);
    // Whoever is on the old line gets its backport; that a newer line has long been mended is no help to them.
    keep(&index, "backport", &[("1.4.1", old), ("2.0.0", old), ("1.4.2", yesterday)]);
    keep(
        &index,
        "short-lived",
        &[("1.0.0", old), ("1.1.0", Some("2026-11-20T00:00:00Z")), ("1.1.1", yesterday)],
    );
    keep(&index, "no-time", &[("1.0.0", None)]);
    // Whoever took over an account takes the fixed release back: that makes no fix of the next one.
    let two_years = Some("2024-01-01T00:00:00Z");
    keep(
        &index,
        "taken-back",
        &[("1.0.0", two_years), ("1.0.1 yanked", old), ("1.0.2", yesterday)],
    );
    let plan = FeedsPlan {
        crates_index: Some(CratesIndexSource::Cargo(index)),
        ..plan(&server, cache.path())
    };
    let inventory = inventory_of(vec![
        component("cargo", "fixed-now", "1.0.2"),
        component("cargo", "fixed-long-ago", "1.0.2"),
        component("cargo", "fault-of-its-own", "1.0.1"),
        component("cargo", "backport", "1.4.2"),
        component("cargo", "short-lived", "1.1.1"),
        component("cargo", "no-time", "1.0.0"),
        component("cargo", "fixed-now", "1.0.1"),
        component("cargo", "taken-back", "1.0.2"),
    ]);
    let matching = run_of(&plan, &inventory, AT).unwrap();
    assert_eq!(
        told(&matching),
        [
            "0 2026-11-20 crates-index R-1 2025-01-01..2026-11-20",
            // Within three months somebody who waits for as long would have it; a policy of some days is not concerned.
            "1 2026-11-20 crates-index R-2 2025-01-01..2026-10-20",
            "2 2026-11-20 crates-index",
            "3 2026-11-20 crates-index R-4 2025-01-01..2026-11-20",
            "4 2026-11-20 crates-index R-5 2026-11-20..2026-11-20",
            "6 2026-10-20 crates-index",
            "7 2026-11-20 crates-index",
        ]
    );
    // The control: years later nobody asks what they clear, and the times stay.
    let later = run_of(&plan, &inventory, "2028-11-21T12:00:00Z").unwrap();
    assert!(later.releases.len() == 7 && later.releases.iter().all(|release| release.clears.is_empty()));
}

#[test]
fn where_only_the_lock_file_tells_a_release_clears_what_names_it_as_fix() {
    let server = FilesServer::start();
    let python = |record: String| record.replace("npm", "PyPI").replace("SEMVER", "ECOSYSTEM");
    let records = [
        ("PYSEC-1", python(record("PYSEC-1", "flask", "3.0.1", OLD))),
        ("PYSEC-2", python(record("PYSEC-2", "flask", "2.0", OLD))),
    ];
    server.put("/PyPI/all.zip", archive(&records));
    let cache = tempfile::tempdir().unwrap();
    let mut fix = component("pypi", "flask", "3.0.1");
    fix.published = Some("2026-11-20T12:00:00Z".parse().unwrap());
    let mut next = component("pypi", "flask", "3.0.2");
    next.published = fix.published;
    let matching = run_of(&plan(&server, cache.path()), &inventory_of(vec![fix, next]), AT).unwrap();
    assert_eq!(told(&matching), ["0 ?  PYSEC-1 ?..2026-11-20"]);
}

#[test]
fn npm_and_pythons_index_are_asked_where_they_are_configured_and_for_what_is_not_known_yet() {
    let server = FilesServer::start();
    server.put("/npm/all.zip", archive(&[("GHSA-1", record("GHSA-1", "@acme/core", "1.1.0", OLD))]));
    server.put(
        "/PyPI/all.zip",
        archive(&[("PYSEC-1", record("PYSEC-1", "flask", "9", OLD).replace("npm", "PyPI"))]),
    );
    let packument = r#"{"versions":{"1.0.0":{},"1.1.0":{}},"time":{"created":"2020-01-01T00:00:00Z","1.0.0":"2020-01-01T00:00:00Z","1.1.0":"2026-11-20T00:00:00Z"}}"#;
    server.put("/registry/@acme%2fcore", packument);
    let page = r#"{"files":[{"filename":"Flask_Cors-1.0.tar.gz","upload-time":"2026-11-19T00:00:00Z"}]}"#;
    server.put("/simple/flask-cors/", page);
    let cache = tempfile::tempdir().unwrap();
    let plan = FeedsPlan {
        npm_registry: Some(NpmRegistrySource::Url(format!("{}/registry/", server.url()))),
        pypi_index: Some(format!("{}/simple", server.url())),
        ..plan(&server, cache.path())
    };
    let inventory = inventory_of(vec![
        component("npm", "@acme/core", "1.1.0"),
        component("npm", "unheard", "1.0.0"),
        component("pypi", "Flask_Cors", "1.0.0"),
    ]);
    let asked = |server: &FilesServer| {
        let is_registry = |path: &str| path.starts_with("/registry") || path.starts_with("/simple");
        let mut asked: Vec<String> = server
            .seen()
            .into_iter()
            .map(|seen| seen.path)
            .filter(|path| is_registry(path))
            .collect();
        asked.sort();
        asked
    };
    // A file's time is the machine's: a clock of long ago would find every copy fresh.
    let now = jiff::Timestamp::now();
    let at = |minutes: i64| (now + jiff::SignedDuration::from_mins(minutes)).to_string();
    let first = run_of(&plan, &inventory, &at(0)).unwrap();
    let expected = ["0 2026-11-20 npm-times GHSA-1 2020-01-01..2026-11-20", "2 2026-11-19 pypi-times"];
    assert_eq!(told(&first), expected);
    assert_eq!(
        asked(&server),
        ["/registry/@acme%2fcore", "/registry/unheard", "/simple/flask-cors/"]
    );
    let feeds: Vec<&str> = first.feeds.iter().map(|feed| feed.name.as_str()).collect();
    assert!(feeds.contains(&"npm-times") && feeds.contains(&"pypi-times"), "{feeds:?}");
    // What does not change is not asked again; what was not there is after an hour, and Python's index, where a file may be new of an old release.
    run_of(&plan, &inventory, &at(10)).unwrap();
    assert_eq!(asked(&server), Vec::<String>::new());
    run_of(&plan, &inventory, &at(90)).unwrap();
    assert_eq!(asked(&server), ["/registry/unheard", "/simple/flask-cors/"]);
    let added = r#"{"filename":"flask_cors-1.0.0-py3-none-any.whl","upload-time":"2026-11-20T00:00:00Z"}"#;
    server.put("/simple/flask-cors/", page.replace("}]", &format!("}},{added}]")));
    run_of(&plan, &inventory, &at(180)).unwrap();
    assert_eq!(asked(&server), ["/registry/unheard", "/simple/flask-cors/"]);
    let expected = [expected[0], "2 2026-11-20 pypi-times"];
    // Where the registry does not answer, what is kept speaks; offline nobody is asked.
    server.misbehave([Fault::Status(500, 0); 20]);
    assert_eq!(told(&run_of(&plan, &inventory, &at(300)).unwrap()), expected);
    asked(&server);
    let offline = FeedsPlan { offline: true, ..plan };
    assert_eq!(told(&run_of(&offline, &inventory, &at(600)).unwrap()), expected);
    assert_eq!(asked(&server), Vec::<String>::new());
}
