//! What is known of crates beside OSV: the registry's sparse index, and RustSec's own repository.

use std::path::Path;
use std::time::Duration;

use portcullis::model::coverage::GapKind;
use portcullis::model::inventory::{Component, Ecosystem};
use portcullis::model::plan::{CratesIndexSource, FeedsPlan};
use portcullis::model::purl::Purl;

use crate::matching::ecosystem_tools::inventory_of;
use crate::matching::feeds::{OLD, archive, gaps, ids, plan, record, run_of};
use crate::support::checkout::git;
use crate::support::files_server::{Fault, FilesServer};
use crate::support::tools;

#[test]
fn a_sparse_index_is_asked_for_the_crates_at_hand_and_by_etag_after_that() {
    let server = FilesServer::start();
    server.put(
        "/crates.io/all.zip",
        archive(&[("GHSA-1", record("GHSA-1", "left-pad", "1.1.0", OLD).replace("npm", "crates.io"))]),
    );
    server.put(
        "/index/ol/d-/old-crate",
        "{\"name\":\"old-crate\",\"vers\":\"1.0.0\",\"deps\":[],\"yanked\":true}\n{\"name\":\"old-crate\",\"vers\":\"1.0.1\",\"deps\":[],\"yanked\":false}\n",
    );
    let cache = tempfile::tempdir().unwrap();
    let plan = FeedsPlan {
        crates_index: Some(CratesIndexSource::Sparse(format!("sparse+{}/index/", server.url()))),
        ..plan(&server, cache.path())
    };
    let component =
        |name: &str, version: &str| Component::new(Purl::new("cargo", name, version), Some(Ecosystem::new("crates.io")), "test");
    let inventory = inventory_of(vec![
        component("old-crate", "1.0.0"),
        component("old-crate", "1.0.1"),
        component("unheard", "1.0.0"),
    ]);
    // A file's time is the machine's: a clock of long ago would find every copy fresh.
    let now = jiff::Timestamp::now();
    let at = |minutes: i64| (now + jiff::SignedDuration::from_mins(minutes)).to_string();
    let first = run_of(&plan, &inventory, &at(0)).unwrap();
    assert_eq!((first.yanked.as_slice(), gaps(&first)), (&[0][..], vec![GapKind::UnknownYank]));
    let asked = |server: &FilesServer| {
        let seen = server.seen().into_iter().filter(|seen| seen.path.starts_with("/index"));
        let mut asked: Vec<(String, u16)> = seen.map(|seen| (seen.path, seen.status)).collect();
        asked.sort();
        asked
    };
    assert_eq!(
        asked(&server),
        [("/index/ol/d-/old-crate".to_owned(), 200), ("/index/un/he/unheard".to_owned(), 404)]
    );
    run_of(&plan, &inventory, &at(10)).unwrap();
    assert_eq!(asked(&server), [], "fresh copies are used without asking");
    assert_eq!(run_of(&plan, &inventory, &at(90)).unwrap().yanked, first.yanked);
    assert_eq!(
        asked(&server),
        [("/index/ol/d-/old-crate".to_owned(), 304), ("/index/un/he/unheard".to_owned(), 404)]
    );
    server.misbehave([Fault::Status(500, 0); 20]);
    assert_eq!(
        run_of(&plan, &inventory, &at(300)).unwrap().yanked,
        first.yanked,
        "the copies speak where the registry does not"
    );
}

const ADVISORY: &str = "```toml\n[advisory]\nid = \"RUSTSEC-2026-ID\"\npackage = \"acme\"\ndate = \"2026-01-02\"\n[versions]\npatched = [\">= 1.2.0\"]\n```\n\n# It breaks\n\nWhen used.\n";

/// Commits an advisory to a checkout and pushes it to the bare repository that it was cloned from.
fn publish(checkout: &Path, id: &str) {
    let file = checkout.join(format!("crates/acme/RUSTSEC-2026-{id}.md"));
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, ADVISORY.replace("ID", id)).unwrap();
    git(checkout, &["add", "-A"]);
    git(checkout, &["commit", "-q", "-m", id]);
    git(checkout, &["push", "-q", "origin", "HEAD"]);
}

#[test]
fn rustsec_s_repository_is_cloned_again_when_it_is_due_and_its_copy_serves_when_it_is_gone() {
    if tools::program("git").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (bare, checkout) = (folder.path().join("db.git"), folder.path().join("checkout"));
    git(folder.path(), &["init", "-q", "--bare", "db.git"]);
    git(folder.path(), &["clone", "-q", "db.git", "checkout"]);
    publish(&checkout, "9001");
    std::fs::create_dir(folder.path().join("osv")).unwrap();
    let plan = FeedsPlan {
        rustsec: Some(format!("git+file://{}", bare.display())),
        ..crate::matching::ecosystem_tools::plan(&folder.path().join("osv"), &folder.path().join("cache"))
    };
    let plan = FeedsPlan {
        max_age: Duration::from_secs(24 * 3600),
        offline: false,
        ..plan
    };
    let inventory = inventory_of(vec![Component::new(
        Purl::new("cargo", "acme", "1.0.0"),
        Some(Ecosystem::new("crates.io")),
        "test",
    )]);
    let at = |time: &str| run_of(&plan, &inventory, time).unwrap();
    let first = at("2026-02-01T00:00:00Z");
    assert_eq!((ids(&first), gaps(&first)), (vec!["RUSTSEC-2026-9001"], vec![]));
    assert_eq!(first.feeds[0].as_of.to_string(), "2026-02-01T00:00:00Z");

    publish(&checkout, "9002");
    assert_eq!(
        ids(&at("2026-02-01T00:30:00Z")),
        ["RUSTSEC-2026-9001"],
        "a fresh copy is used without asking"
    );
    assert_eq!(ids(&at("2026-02-01T01:30:00Z")), ["RUSTSEC-2026-9001", "RUSTSEC-2026-9002"]);

    std::fs::remove_dir_all(&bare).unwrap();
    let later = at("2026-02-01T12:00:00Z");
    assert_eq!((ids(&later).len(), gaps(&later)), (2, vec![]));
    assert_eq!(gaps(&at("2026-02-03T12:00:00Z")), [GapKind::StaleFeed], "the copy ages");
}

#[test]
fn a_record_that_names_functions_in_one_entry_and_none_in_the_other_is_about_all_of_the_crate() {
    use crate::matching::ecosystem_tools::inventory_of;
    use crate::matching::feeds::{archive, plan, run_of};
    let functions = |id: &str, entries: &[&str]| {
        let entry = |functions: &&str| {
            format!(
                r#"{{"package":{{"ecosystem":"crates.io","name":"acme"}},"ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}}]}}],"ecosystem_specific":{{"affects":{{"functions":{functions}}}}}}}"#
            )
        };
        let entries = entries.iter().map(entry).collect::<Vec<_>>().join(",");
        let record = format!(r#"{{"id":"{id}","modified":"2026-01-01T00:00:00Z","affected":[{entries}]}}"#);
        let server = crate::support::files_server::FilesServer::start();
        server.put("/crates.io/all.zip", archive(&[(id, record)]));
        let cache = tempfile::tempdir().unwrap();
        let component = portcullis::model::inventory::Component::new(
            portcullis::model::purl::Purl::new("cargo", "acme", "1.0.0"),
            Some(portcullis::model::inventory::Ecosystem::new("crates.io")),
            "test",
        );
        let found = run_of(&plan(&server, cache.path()), &inventory_of(vec![component]), "2026-02-01T00:00:00Z").unwrap();
        found.matches[0].advisory.functions.clone()
    };
    let id = "RUSTSEC-2026-0001";
    assert_eq!(
        functions(id, &[r#"["acme::a"]"#, r#"["acme::b"]"#]),
        ["acme::a", "acme::b"],
        "the control"
    );
    assert_eq!(functions(id, &[r#"["acme::a"]"#, "[]"]), Vec::<String>::new());
}
