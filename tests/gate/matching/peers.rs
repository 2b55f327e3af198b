//! Matching against osv-scanner over the same records, offline.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use portcullis::io::Effects;
use portcullis::io::hash::sha256;
use portcullis::model::inventory::{Component, Inventory, Origin};
use portcullis::model::version::apk;
use portcullis::stage::inventory;

use crate::matching::dpkg::{around_fixes, debian_component, dpkg_packages, root_file_system};
use crate::matching::ecosystem_tools::{inventory_of, lock_files, matched, plan};
use crate::support::tools;

/// (record, package, version)
type Claims = BTreeSet<(String, String, String)>;

/// osv-scanner with the mirror as its database; ecosystems without data get an empty one, which it asks for.
struct Scanner {
    program: PathBuf,
    databases: PathBuf,
}

impl Scanner {
    fn new(folder: &Path, shared: &Path) -> Option<Self> {
        let program = tools::program("osv-scanner")?;
        let databases = folder.join("databases");
        for ecosystem in ["Alpine", "Debian", "crates.io", "npm"] {
            let into = databases.join("osv-scalibr").join(ecosystem);
            fs::create_dir_all(&into).unwrap();
            fs::copy(shared.join("mirror").join(ecosystem).join("all.zip"), into.join("all.zip")).unwrap();
        }
        for ecosystem in ["PyPI", "Go", "Maven", "RubyGems", "NuGet", "Packagist", "Hex", "Pub", "Ubuntu"] {
            let into = databases.join("osv-scalibr").join(ecosystem);
            fs::create_dir_all(&into).unwrap();
            zip::ZipWriter::new(fs::File::create(into.join("all.zip")).unwrap())
                .finish()
                .unwrap();
        }
        Some(Self { program, databases })
    }

    fn scan(&self, arguments: &[&str], what: &Path) -> Claims {
        let output = Command::new(&self.program)
            .args(arguments)
            .arg(what)
            .args(["--offline", "--offline-vulnerabilities", "--format", "json"])
            .env("OSV_SCANNER_LOCAL_DB_CACHE_DIRECTORY", &self.databases)
            .output()
            .unwrap();
        let report: serde_json::Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
        let mut claims = Claims::new();
        for package in list(&report["results"]).iter().flat_map(|result| list(&result["packages"])) {
            let text = |key: &str| package["package"][key].as_str().unwrap().to_owned();
            for record in list(&package["vulnerabilities"]) {
                claims.insert((record["id"].as_str().unwrap().to_owned(), text("name"), text("version")));
            }
        }
        claims
    }
}

/// Every record of these databases that we say holds a component, under the name and version that were compared.
fn ours(plan: &portcullis::model::plan::FeedsPlan, inventory: &Inventory, prefixes: &[&str]) -> Claims {
    let matching = matched(plan, inventory, &[]);
    let mut claims = Claims::new();
    for found in &matching.matches {
        for id in found
            .advisory
            .ids
            .iter()
            .filter(|id| prefixes.iter().any(|prefix| id.starts_with(prefix)))
        {
            claims.insert((id.clone(), found.evidence.package.clone(), found.evidence.version.clone()));
        }
    }
    claims
}

#[test]
fn lock_files_agree_with_osv_scanner() {
    let Some(shared) = tools::shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let Some(scanner) = Scanner::new(folder.path(), &shared) else {
        return;
    };
    let plan = plan(&shared.join("mirror"), &folder.path().join("cache"));
    let mut files: Vec<(PathBuf, &str)> = lock_files(&shared).into_iter().map(|file| (file, "Cargo.lock")).collect();
    for name in ["package-lock.json", "pnpm-lock.yaml", "yarn.lock"] {
        files.push((shared.join("lockfiles/node-service").join(name), name));
    }
    for (file, name) in files {
        let lock = folder.path().join("lock");
        let _ = fs::remove_dir_all(&lock);
        fs::create_dir(&lock).unwrap();
        fs::copy(&file, lock.join(name)).unwrap();
        let inventory = match inventory::source(&lock.join(name), &[], &Effects::plain(plan.cache.clone())) {
            Ok(inventory) if !inventory.components.is_empty() => inventory,
            _ => {
                println!("skipped: {} (no cataloger reads it)", file.display());
                continue;
            }
        };
        let prefix = if name == "Cargo.lock" { "RUSTSEC-" } else { "GHSA-" };
        let ours = ours(&plan, &inventory, &[prefix]);
        let mut theirs = scanner.scan(&["scan", "source", "-L"], &lock.join(name));
        // The one known difference: osv-scanner takes the members of a workspace for the registry's packages of the same names.
        let is_local = |c: &Component, name: &str, version: &str| c.origin == Origin::Local && c.name == name && c.version == version;
        let before = theirs.len();
        theirs.retain(|(_, name, version)| !inventory.components.iter().any(|c| is_local(c, name, version)));
        assert_eq!(ours, theirs, "{}", file.display());
        println!(
            "{}: {} the same, {} about the tree itself left out",
            file.display(),
            ours.len(),
            before - theirs.len()
        );
    }
}

#[test]
fn a_root_file_system_agrees_with_osv_scanner() {
    let Some(shared) = tools::shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (Some(scanner), Some(root)) = (Scanner::new(folder.path(), &shared), root_file_system(folder.path())) else {
        return;
    };
    let os_release = fs::read(root.join("usr/lib/os-release")).unwrap();
    let database = fs::read(root.join("var/lib/dpkg/status")).unwrap();
    let archive = saved_image(
        folder.path(),
        &[("var/lib/dpkg/status", &database), ("etc/os-release", &os_release)],
    );
    let status = fs::read_to_string(root.join("var/lib/dpkg/status")).unwrap();
    let inventory = inventory_of(dpkg_packages(&status).iter().map(debian_component).collect());
    let plan = plan(&shared.join("mirror"), &folder.path().join("cache"));
    let ours: BTreeSet<String> = ours(&plan, &inventory, &["DEBIAN-", "DSA-", "DLA-"])
        .into_iter()
        .map(|(id, source, _)| format!("{id} {source}"))
        .collect();
    let theirs: BTreeSet<String> = scanner
        .scan(&["scan", "image", "--archive"], &archive)
        .into_iter()
        .map(|(id, source, _)| format!("{id} {source}"))
        .collect();
    assert_eq!(ours, theirs);
    println!("{} the same", ours.len());
}

/// Files as an image of one layer that `docker save` would write.
fn saved_image(folder: &Path, files: &[(&str, &[u8])]) -> PathBuf {
    let image = folder.join("image");
    fs::create_dir_all(&image).unwrap();
    let mut layer = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        layer.append_data(&mut header, name, *bytes).unwrap();
    }
    let layer = layer.into_inner().unwrap();
    let config = serde_json::json!({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [sha256(&layer).to_string()]},
        "history": [{"created_by": "debootstrap"}],
    });
    let config = serde_json::to_vec(&config).unwrap();
    let name = format!("{}.json", sha256(&config).hex());
    let manifest = serde_json::json!([{"Config": name, "RepoTags": ["root:test"], "Layers": ["layer.tar"]}]);
    let path = folder.join("image.tar");
    let mut archive = tar::Builder::new(fs::File::create(&path).unwrap());
    for (name, bytes) in [
        ("layer.tar", layer),
        (&name, config),
        ("manifest.json", serde_json::to_vec(&manifest).unwrap()),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    archive.finish().unwrap();
    path
}

/// Every record of these databases that a scan of an image gives, by source package and version.
fn of_image(archive: &Path, plan: &portcullis::model::plan::FeedsPlan, prefix: &str) -> (Claims, Inventory) {
    let reference = portcullis::model::image_ref::ImageRef::DockerArchive(archive.to_owned());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let inventory = runtime
        .block_on(inventory::image_ref(&reference, &Effects::plain(plan.cache.clone())))
        .unwrap();
    (ours(plan, &inventory, &[prefix]), inventory)
}

/// Records of a release that name a fix in words that are no version of Alpine's.
fn fixed_in_no_version(records: &Path, ecosystem: &str) -> BTreeSet<String> {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(records).unwrap()).unwrap();
    let mut ids = BTreeSet::new();
    for at in 0..archive.len() {
        let record: serde_json::Value = serde_json::from_reader(archive.by_index(at).unwrap()).unwrap();
        let affected = record["affected"].as_array().unwrap().iter();
        let of_release = affected.filter(|a| a["package"]["ecosystem"] == ecosystem);
        let ranges = of_release.flat_map(|a| a["ranges"].as_array().into_iter().flatten());
        let mut fixes = ranges
            .flat_map(|range| range["events"].as_array().unwrap())
            .filter_map(|event| event["fixed"].as_str());
        if fixes.any(|fixed| apk::Version::parse(fixed).is_err()) {
            ids.insert(record["id"].as_str().unwrap().to_owned());
        }
    }
    ids
}

#[test]
fn alpine_packages_around_every_fix_agree_with_osv_scanner() {
    let Some(shared) = tools::shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let Some(scanner) = Scanner::new(folder.path(), &shared) else {
        return;
    };
    let plan = plan(&shared.join("mirror"), &folder.path().join("cache"));
    let mut total = 0;
    for branch in ["3.4", "3.9", "3.11"] {
        let mut database = String::new();
        let mut seen = BTreeSet::new();
        let records = shared.join("mirror/Alpine/all.zip");
        let malformed = fixed_in_no_version(&records, &format!("Alpine:v{branch}"));
        for (name, version) in around_fixes(&records, &format!("Alpine:v{branch}"), 4) {
            // A tilde and a plus are no parts of Alpine's versions: revisions are what lies around a fix.
            let Some((upstream, revision)) = version.rsplit_once("-r") else {
                continue;
            };
            let Ok(revision) = revision.parse::<u32>() else { continue };
            if apk::Version::parse(&version).is_err() {
                continue;
            }
            for revision in [revision.saturating_sub(1), revision, revision + 1] {
                if seen.insert((name.clone(), upstream.to_owned(), revision)) {
                    let package = format!("{name}-of-{upstream}-r{revision}").replace('.', "_");
                    database.push_str(&format!("P:{package}\nV:{upstream}-r{revision}\nA:x86_64\no:{name}\n\n"));
                }
            }
        }
        if seen.is_empty() {
            continue;
        }
        let os_release = format!("ID=alpine\nVERSION_ID={branch}.1\nPRETTY_NAME=\"Alpine Linux v{branch}\"\n");
        let archive = saved_image(
            &folder.path().join(branch),
            &[
                ("lib/apk/db/installed", database.as_bytes()),
                ("etc/os-release", os_release.as_bytes()),
            ],
        );
        let (ours, _) = of_image(&archive, &plan, "ALPINE-");
        // osv-scanner names the source package in some versions and the binary one in others: the record and the version tell enough.
        let plain = |claims: &Claims| {
            claims
                .iter()
                .map(|(id, _, version)| format!("{id} {version}"))
                .collect::<BTreeSet<_>>()
        };
        let theirs = scanner.scan(&["scan", "image", "--archive"], &archive);
        let (ours, theirs) = (plain(&ours), plain(&theirs));
        // `4.10-1-r1` and `0.8.21.r2` are no versions that apk knows: osv-scanner guesses, we say that the record cannot be evaluated.
        let guessed = |claim: &&String| malformed.iter().any(|id| claim.starts_with(&format!("{id} ")));
        let missing = theirs.difference(&ours).filter(|claim| !guessed(claim));
        let differing: Vec<_> = ours.difference(&theirs).chain(missing).take(20).collect();
        assert!(
            differing.is_empty(),
            "v{branch}: {} and {}: {differing:?}",
            ours.len(),
            theirs.len()
        );
        println!(
            "Alpine v{branch}: {} versions around fixes, {} claims, the same",
            seen.len(),
            ours.len()
        );
        total += ours.len();
    }
    assert!(total > 100, "only {total} claims were compared");
}
