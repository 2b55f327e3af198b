//! Matching against what the tools of the ecosystems themselves say.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use portcullis::io::Effects;
use portcullis::model::coverage::GapKind;
use portcullis::model::inventory::{Component, Ecosystem, Inventory, Origin, Subject};
use portcullis::model::matching::Matching;
use portcullis::model::plan::{CratesIndexSource, FeedsPlan};
use portcullis::model::purl::Purl;
use portcullis::stage::{inventory, matching};

use crate::support::tools;

/// A plan over a folder, with its own cache, for feeds of any age.
pub(crate) fn plan(osv: &Path, cache: &Path) -> FeedsPlan {
    FeedsPlan {
        osv: osv.display().to_string(),
        rustsec: None,
        kev: None,
        epss: None,
        crates_index: None,
        npm_registry: None,
        pypi_index: None,
        max_age: Duration::from_secs(100 * 365 * 24 * 3600),
        cache: cache.to_owned(),
        offline: true,
    }
}

/// An inventory of nothing but these components.
pub(crate) fn inventory_of(components: Vec<Component>) -> Inventory {
    let mut inventory = Inventory::new(Subject {
        name: "test".to_owned(),
        digest: None,
        commit: None,
    });
    inventory.components = components;
    inventory
}

pub(crate) fn matched(plan: &FeedsPlan, inventory: &Inventory, ids: &[&str]) -> Matching {
    let effects = Effects::plain(plan.cache.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let feeds = runtime.block_on(matching::open(plan, inventory, &effects)).unwrap();
    let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    feeds.match_inventory(inventory, &ids)
}

/// The same, and whether what clears a component is allowed by the manifests and lock files in a folder.
pub(crate) fn matched_with_updates(plan: &FeedsPlan, inventory: &Inventory, ids: &[&str], sources: &Path) -> Matching {
    let effects = Effects::plain(plan.cache.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let feeds = runtime.block_on(matching::open(plan, inventory, &effects)).unwrap();
    let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    let mut matching = feeds.match_inventory(inventory, &ids);
    feeds.weigh_updates(&mut matching, inventory, Some(sources), &effects);
    matching
}

pub(crate) fn lock_files(shared: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(shared.join("lockfiles")).unwrap();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|p| p.to_string_lossy().ends_with(".Cargo.lock"))
        .collect();
    files.sort();
    files
}

/// Where cargo keeps its copy of the registry's index.
fn cargo_home() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cargo");
    std::env::var_os("CARGO_HOME").map_or_else(home, PathBuf::from)
}

type Claims = BTreeSet<(String, String, String)>;

/// What `cargo audit` reports: (id, crate, version); a yanked release goes by the id `yanked`.
fn cargo_audit(program: &Path, database: &Path, lock: &Path) -> Claims {
    let output = Command::new(program)
        .args(["audit", "--no-fetch", "--json", "--db"])
        .arg(database)
        .arg("-f")
        .arg(lock)
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut entries: Vec<&serde_json::Value> = report["vulnerabilities"]["list"].as_array().unwrap().iter().collect();
    for warnings in report["warnings"].as_object().unwrap().values() {
        entries.extend(warnings.as_array().unwrap());
    }
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    entries
        .into_iter()
        .map(|entry| {
            (
                entry["advisory"]["id"].as_str().unwrap_or("yanked").to_owned(),
                text(&entry["package"]["name"]),
                text(&entry["package"]["version"]),
            )
        })
        .collect()
}

/// What we say of components from crates.io, and of those from elsewhere, each with every RUSTSEC id of its alias group.
fn ours(inventory: &Inventory, matching: &Matching) -> (Claims, Claims) {
    let mut claims = (Claims::new(), Claims::new());
    for found in matching.matches.iter().filter(|found| found.not_applicable.is_none()) {
        let component = &inventory.components[found.component];
        let into = if component.origin == Origin::Registry {
            &mut claims.0
        } else {
            &mut claims.1
        };
        for id in found.advisory.ids.iter().filter(|id| id.starts_with("RUSTSEC-")) {
            into.insert((id.clone(), component.name.clone(), component.version.clone()));
        }
    }
    for component in matching.yanked.iter().map(|at| &inventory.components[*at]) {
        claims
            .0
            .insert(("yanked".to_owned(), component.name.clone(), component.version.clone()));
    }
    claims
}

#[test]
fn crates_agree_with_cargo_audit_on_every_real_lock_file() {
    let (Some(shared), Some(audit)) = (tools::shared(), tools::program("cargo-audit")) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("advisory-db");
    std::fs::create_dir(&database).unwrap();
    let unpacked = Command::new("tar")
        .arg("xzf")
        .arg(shared.join("rustsec-advisory-db.tar.gz"))
        .arg("-C")
        .arg(&database)
        .status()
        .unwrap();
    assert!(unpacked.success());
    let plan = FeedsPlan {
        crates_index: Some(CratesIndexSource::Cargo(cargo_home().join("registry/index"))),
        ..plan(&shared.join("mirror"), &folder.path().join("cache"))
    };
    let mut total = 0;
    for lock in lock_files(&shared) {
        let inventory = inventory::source(&lock, &[], &Effects::plain(plan.cache.clone())).unwrap();
        let matching = matched(&plan, &inventory, &[]);
        assert!(
            matching.gaps.iter().all(|gap| gap.kind == GapKind::UnknownYank),
            "{}",
            lock.display()
        );
        let theirs = cargo_audit(&audit, &database, &lock);
        let (ours, elsewhere) = ours(&inventory, &matching);
        assert_eq!(ours, theirs, "{}", lock.display());
        println!(
            "{}: {} the same, {} of them yanked releases, {} more about crates from elsewhere; {}",
            lock.display(),
            ours.len(),
            matching.yanked.len(),
            elsewhere.len(),
            matching
                .gaps
                .first()
                .map_or("every crate is known to cargo's index", |gap| gap.detail.as_str())
        );
        total += ours.len();
    }
    assert!(total > 30, "only {total} advisories were compared");
}

#[test]
fn a_warm_run_reads_the_index_and_not_the_source() {
    let Some(shared) = tools::shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let feed = folder.path().join("feed");
    std::fs::create_dir_all(feed.join("crates.io")).unwrap();
    std::fs::copy(shared.join("mirror/crates.io/all.zip"), feed.join("crates.io/all.zip")).unwrap();
    let plan = plan(&feed, &folder.path().join("cache"));
    let purl = Purl::new("cargo", "time", "0.1.42");
    let inventory = inventory_of(vec![Component::new(purl, Some(Ecosystem::new("crates.io")), "test")]);
    let cold = matched(&plan, &inventory, &["CVE-2020-26235", "CVE-1999-0000"]);
    assert_eq!(cold.matches[0].advisory.id, "RUSTSEC-2020-0071");
    assert_eq!(cold.known_ids.keys().collect::<Vec<_>>(), ["CVE-2020-26235"]);
    let index = std::fs::read_dir(plan.cache.join("index"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path()
        .join("crates.io.idx");
    let built = std::fs::metadata(&index).unwrap().modified().unwrap();
    assert_eq!(matched(&plan, &inventory, &["CVE-2020-26235", "CVE-1999-0000"]), cold);
    assert_eq!(
        std::fs::metadata(&index).unwrap().modified().unwrap(),
        built,
        "the index was built again"
    );
    assert!(matching_gaps(&cold).is_empty());
}

fn matching_gaps(matching: &Matching) -> Vec<GapKind> {
    matching.gaps.iter().map(|gap| gap.kind).collect()
}

#[test]
fn rustsec_s_own_database_says_what_the_osv_export_of_it_says() {
    let Some(shared) = tools::shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let exported = plan(&shared.join("mirror"), &cache);
    std::fs::create_dir(folder.path().join("nothing")).unwrap();
    let own = FeedsPlan {
        rustsec: Some(shared.join("rustsec-advisory-db.tar.gz").display().to_string()),
        ..plan(&folder.path().join("nothing"), &cache)
    };
    let both = FeedsPlan {
        rustsec: own.rustsec.clone(),
        ..exported.clone()
    };
    for lock in lock_files(&shared) {
        let inventory = inventory::source(&lock, &[], &Effects::plain(cache.clone())).unwrap();
        let from_export = matched(&exported, &inventory, &[]);
        let from_own = matched(&own, &inventory, &[]);
        assert_eq!(from_own.gaps, []);
        assert_eq!(ours(&inventory, &from_own), ours(&inventory, &from_export), "{}", lock.display());
        // Two feeds that say the same say it once.
        let from_both = matched(&both, &inventory, &[]);
        assert_eq!(from_both.matches.len(), from_export.matches.len());
        assert_eq!(from_both.feeds.len(), 2);
    }
}
