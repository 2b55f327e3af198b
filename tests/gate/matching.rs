//! Matching against what the tools of the ecosystems themselves say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use portcullis::io::Effects;
use portcullis::model::coverage::GapKind;
use portcullis::model::inventory::{Component, Ecosystem, Inventory, Origin, SourcePackage, Subject};
use portcullis::model::matching::Matching;
use portcullis::model::plan::{CratesIndexPlace, FeedsPlan};
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

/// Opens and matches.
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
        crates_index: Some(CratesIndexPlace::Cargo(cargo_home().join("registry/index"))),
        ..plan(&shared.join("mirror"), &folder.path().join("cache"))
    };
    let mut total = 0;
    for lock in lock_files(&shared) {
        let inventory = inventory::source(&lock, &Effects::plain(plan.cache.clone())).unwrap();
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

/// The packages of a dpkg status file: (binary name, binary version, source name, source version).
pub(crate) fn dpkg_packages(status: &str) -> Vec<[String; 4]> {
    let mut packages = Vec::new();
    for paragraph in status.split("\n\n") {
        let field = |name: &str| {
            paragraph
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned))
        };
        let (Some(name), Some(version)) = (field("Package"), field("Version")) else {
            continue;
        };
        if !field("Status").is_some_and(|status| status.ends_with(" installed")) {
            continue;
        }
        let (source, source_version) = match field("Source") {
            None => (name.clone(), version.clone()),
            Some(source) => match source.split_once(" (") {
                Some((source, rest)) => (source.to_owned(), rest.trim_end_matches(')').to_owned()),
                None => (source, version.clone()),
            },
        };
        packages.push([name, version, source, source_version]);
    }
    packages
}

/// A binary package as the inventory has it.
pub(crate) fn debian_component([name, version, source, source_version]: &[String; 4]) -> Component {
    let purl = Purl::new("deb", name, version).with_namespace("debian");
    let mut component = Component::new(purl, Some(Ecosystem::new("Debian:12")), "dpkg");
    component.source = Some(SourcePackage {
        name: source.clone(),
        version: source_version.clone(),
    });
    component
}

/// (record, binary package) for every record whose ranges hold a package by `dpkg --compare-versions`, read with another JSON library's eyes.
fn by_dpkg(records: &Path, packages: &[[String; 4]]) -> BTreeSet<(String, String)> {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(records).unwrap()).unwrap();
    let mut script = String::from("set -f\n");
    for at in 0..archive.len() {
        let record: serde_json::Value = serde_json::from_reader(archive.by_index(at).unwrap()).unwrap();
        for affected in record["affected"].as_array().unwrap() {
            if affected["package"]["ecosystem"] != "Debian:12" {
                continue;
            }
            for package in packages.iter().filter(|package| affected["package"]["name"] == package[2].as_str()) {
                for range in affected["ranges"].as_array().unwrap() {
                    let event = |name: &str| range["events"].as_array().unwrap().iter().find_map(|event| event[name].as_str());
                    let below = match event("fixed") {
                        Some(fixed) => format!("dpkg --compare-versions '{}' lt '{fixed}'", package[3]),
                        None => "true".to_owned(),
                    };
                    let above = match event("introduced") {
                        Some("0") | None => "true".to_owned(),
                        Some(introduced) => format!("dpkg --compare-versions '{}' ge '{introduced}'", package[3]),
                    };
                    script.push_str(&format!(
                        "if {below} && {above}; then echo '{} {}'; fi\n",
                        record["id"].as_str().unwrap(),
                        package[0]
                    ));
                }
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("script"), script).unwrap();
    let output = Command::new("sh").arg(folder.path().join("script")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(id, name)| (id.to_owned(), name.to_owned()))
        .collect()
}

/// A root file system: one that `PORTCULLIS_ROOTFS` names, or one made by debootstrap when `PORTCULLIS_HEAVY` is set.
pub(crate) fn root_file_system(folder: &Path) -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("PORTCULLIS_ROOTFS") {
        return Some(PathBuf::from(named));
    }
    if std::env::var_os("PORTCULLIS_HEAVY").is_none() {
        println!("skipped: a real root file system (PORTCULLIS_ROOTFS names one; PORTCULLIS_HEAVY=1 makes one with debootstrap)");
        return None;
    }
    let root = folder.join("root");
    let made = Command::new(tools::program("debootstrap")?)
        .args(["--variant=minbase", "bookworm"])
        .arg(&root)
        .status()
        .unwrap();
    assert!(made.success(), "debootstrap failed");
    Some(root)
}

#[test]
fn a_debian_root_file_system_gives_what_dpkg_gives() {
    let (Some(shared), Some(_)) = (tools::shared(), tools::program("dpkg")) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let Some(root) = root_file_system(folder.path()) else { return };
    let packages = dpkg_packages(&std::fs::read_to_string(root.join("var/lib/dpkg/status")).unwrap());
    assert!(packages.len() > 50);
    let inventory = inventory_of(packages.iter().map(debian_component).collect());
    let matching = matched(&plan(&shared.join("mirror"), &folder.path().join("cache")), &inventory, &[]);
    assert_eq!(matching.gaps, []);
    let mut ours = BTreeSet::new();
    for found in &matching.matches {
        let own = found
            .advisory
            .ids
            .iter()
            .filter(|id| id.starts_with("DEBIAN-") || id.starts_with("DSA-") || id.starts_with("DLA-"));
        ours.extend(own.map(|id| (id.clone(), inventory.components[found.component].name.clone())));
    }
    let theirs = by_dpkg(&shared.join("mirror/Debian/all.zip"), &packages);
    assert_eq!(ours, theirs);
    println!("{} packages, {} claims, the same", packages.len(), ours.len());
    assert!(!ours.is_empty());
}

/// Packages of the releases that real records speak of, with versions around the fixes: below, at and above each.
pub(crate) fn around_fixes(records: &Path, ecosystem: &str, most: usize) -> Vec<(String, String)> {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(records).unwrap()).unwrap();
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    let mut packages = BTreeSet::new();
    for at in 0..archive.len() {
        let record: serde_json::Value = serde_json::from_reader(archive.by_index(at).unwrap()).unwrap();
        for affected in record["affected"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|a| a["package"]["ecosystem"] == ecosystem)
        {
            let name = affected["package"]["name"].as_str().unwrap();
            let events = affected["ranges"]
                .as_array()
                .into_iter()
                .flatten()
                .flat_map(|range| range["events"].as_array().unwrap());
            for fixed in events.filter_map(|event| event["fixed"].as_str()) {
                let count = taken.entry(name.to_owned()).or_default();
                *count += 1;
                if *count <= most {
                    packages
                        .extend([format!("{fixed}~"), fixed.to_owned(), format!("{fixed}+1")].map(|version| (name.to_owned(), version)));
                }
            }
        }
    }
    packages.into_iter().collect()
}

#[test]
fn real_debian_records_hold_what_dpkg_says_of_versions_around_their_fixes() {
    let (Some(shared), Some(_)) = (tools::shared(), tools::program("dpkg")) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let records = shared.join("mirror/Debian/all.zip");
    let packages: Vec<[String; 4]> = around_fixes(&records, "Debian:12", 2)
        .into_iter()
        // Each is a package of its own, so that a claim says which version it holds.
        .map(|(source, version)| [format!("{source}={version}"), version.clone(), source, version])
        .collect();
    let inventory = inventory_of(packages.iter().map(debian_component).collect());
    let matching = matched(&plan(&shared.join("mirror"), &folder.path().join("cache")), &inventory, &[]);
    let mut ours = BTreeSet::new();
    for found in &matching.matches {
        let own = found
            .advisory
            .ids
            .iter()
            .filter(|id| id.starts_with("DEBIAN-") || id.starts_with("DSA-") || id.starts_with("DLA-"));
        ours.extend(own.map(|id| (id.clone(), inventory.components[found.component].name.clone())));
    }
    let theirs = by_dpkg(&records, &packages);
    let differing: Vec<_> = ours.symmetric_difference(&theirs).take(20).collect();
    assert!(differing.is_empty(), "{differing:?}");
    assert!(ours.len() > 500, "only {} claims were compared", ours.len());
    println!("{} versions around fixes, {} claims, the same", packages.len(), ours.len());
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
        let inventory = inventory::source(&lock, &Effects::plain(cache.clone())).unwrap();
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
