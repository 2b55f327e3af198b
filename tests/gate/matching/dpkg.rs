//! Debian's records against what dpkg itself says of versions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use portcullis::model::inventory::{Component, Ecosystem, Inventory, SourcePackage};
use portcullis::model::matching::Matching;
use portcullis::model::purl::Purl;

use crate::matching::ecosystem_tools::{inventory_of, matched, plan};
use crate::support::tools;

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

/// What we say of which package, by the ids of Debian's own records.
fn claimed(matching: &Matching, inventory: &Inventory) -> BTreeSet<(String, String)> {
    let mut claimed = BTreeSet::new();
    for found in &matching.matches {
        let own = found
            .advisory
            .ids
            .iter()
            .filter(|id| id.starts_with("DEBIAN-") || id.starts_with("DSA-") || id.starts_with("DLA-"));
        claimed.extend(own.map(|id| (id.clone(), inventory.components[found.component].name.clone())));
    }
    claimed
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
    let ours = claimed(&matching, &inventory);
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
    let ours = claimed(&matching, &inventory);
    let theirs = by_dpkg(&records, &packages);
    let differing: Vec<_> = ours.symmetric_difference(&theirs).take(20).collect();
    assert!(differing.is_empty(), "{differing:?}");
    assert!(ours.len() > 500, "only {} claims were compared", ours.len());
    println!("{} versions around fixes, {} claims, the same", packages.len(), ours.len());
}
