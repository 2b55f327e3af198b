//! SBOMs that syft writes, in every version of both forms: each package that it names by a purl comes in, and what it cannot say is a gap.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use portcullis::io::Effects;
use portcullis::model::coverage::GapKind;
use portcullis::model::image::Compression;
use portcullis::model::inventory::{Component, Ecosystem, Inventory, Subject};
use portcullis::model::purl::Purl;
use portcullis::stage::inventory::sbom;
use serde_json::{Value, json};

use crate::support::engines::output;
use crate::support::layered::{self, Step};
use crate::support::tools;

const STATUS: &str = "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nSource: bash (5.2.15-2)\nVersion: 5.2.15-2+b7\n\n\
    Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nSource: glibc\nVersion: 2.36-9+deb12u10\n\n";
const METADATA: &str = "Metadata-Version: 2.1\nName: Zope.Interface\nVersion: 6.0\n\n";

fn image(folder: &Path) {
    let base = Step::new(
        "ADD base",
        &[
            (
                "etc/os-release",
                0o644,
                b"ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n",
            ),
            ("var/lib/dpkg/status", 0o644, STATUS.as_bytes()),
        ],
    );
    let application = Step::new(
        "COPY app",
        &[
            (
                "srv/node_modules/@acme/web/package.json",
                0o644,
                br#"{"name":"@acme/web","version":"1.2.3","license":"MIT"}"#,
            ),
            (
                "usr/lib/python3/dist-packages/zope.interface-6.0.dist-info/METADATA",
                0o644,
                METADATA.as_bytes(),
            ),
        ],
    );
    layered::image(folder, &[base, application], Compression::Gzip, &json!({}));
}

/// What identifies a package: the purl without its qualifiers.
fn essence(purl: &Purl) -> String {
    format!(
        "{}/{}/{}@{}",
        purl.kind,
        purl.namespace.as_deref().unwrap_or_default(),
        purl.name,
        purl.version.as_deref().unwrap_or_default()
    )
}

/// Every purl in a document, wherever it stands.
fn purls(document: &Value, found: &mut BTreeSet<String>) {
    match document {
        Value::String(text) if text.starts_with("pkg:") => _ = Purl::parse(text).map(|purl| found.insert(essence(&purl))),
        Value::Array(list) => list.iter().for_each(|value| purls(value, found)),
        // References repeat the purl with an id behind it.
        Value::Object(fields) => {
            let named = fields
                .iter()
                .filter(|(key, _)| !matches!(key.as_str(), "bom-ref" | "ref" | "dependsOn"));
            named.for_each(|(_, value)| purls(value, found));
        }
        _ => {}
    }
}

fn read(file: &Path, cache: &Path) -> Inventory {
    sbom::read(file, &Effects::plain(cache.to_owned())).unwrap()
}

const FORMS: [&str; 5] = [
    "cyclonedx-json@1.4",
    "cyclonedx-json@1.5",
    "cyclonedx-json@1.6",
    "spdx-json@2.2",
    "spdx-json@2.3",
];

#[test]
fn what_syft_writes_comes_in_whole_in_every_form() {
    let Some(syft) = tools::program("syft") else { return };
    let folder = tempfile::tempdir().unwrap();
    image(&folder.path().join("image"));
    let mut scan = Command::new(syft);
    scan.args(["scan", "-q", "oci-dir:image"]).current_dir(folder.path());
    scan.env("SYFT_CHECK_FOR_APP_UPDATE", "false").env("HOME", folder.path());
    for form in FORMS {
        scan.args(["-o", &format!("{form}={form}.json")]);
    }
    output(&mut scan);
    for form in FORMS {
        let file = folder.path().join(format!("{form}.json"));
        let document: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let mut written = BTreeSet::new();
        purls(&document, &mut written);
        // The image itself is the subject and no package of it.
        written.retain(|purl| !purl.starts_with("oci/"));
        let inventory = read(&file, folder.path());
        let ours: BTreeSet<String> = inventory.components.iter().map(|c| essence(&c.purl)).collect();
        assert_eq!(ours, written, "{form}");
        assert!(ours.len() >= 4, "{form}: {ours:?}");
        let libc = inventory.components.iter().find(|c| c.name == "libc6").unwrap();
        assert_eq!(libc.ecosystem.as_ref().map(|e| e.as_str()), Some("Debian:12"), "{form}");
        assert_eq!(libc.source.as_ref().map(|s| s.name.as_str()), Some("glibc"), "{form}");
        let zope = inventory.components.iter().find(|c| c.purl.kind == "pypi").unwrap();
        assert_eq!(zope.name, "zope-interface", "{form}: advisories name it so");
        assert_eq!(inventory.gaps, [], "{form}");
        expect_gap_without_purl(&document, form, folder.path());
    }
}

#[test]
fn what_is_written_by_default_is_read_whole_by_syft_and_osv_scanner() {
    let folder = tempfile::tempdir().unwrap();
    let effects = Effects::plain(folder.path().to_owned());
    let mut inventory = Inventory::new(Subject {
        name: "image".to_owned(),
        digest: None,
        commit: None,
    });
    for (purl, ecosystem) in [
        ("pkg:cargo/smallvec@1.6.0", "crates.io"),
        ("pkg:npm/%40acme/web@1.2.3", "npm"),
        ("pkg:pypi/zope-interface@6.0", "PyPI"),
    ] {
        let component = Component::new(Purl::parse(purl).unwrap(), Some(Ecosystem::new(ecosystem)), "test");
        inventory.components.push(component);
    }
    inventory.canonicalize();
    let ours: BTreeSet<String> = inventory.components.iter().map(|c| c.version.clone()).collect();
    let written = sbom::cyclonedx(&inventory, effects.clock.evaluation()).unwrap();
    fs::write(folder.path().join("ours.cdx.json"), written).unwrap();
    if let Some(syft) = tools::program("syft") {
        let mut convert = Command::new(syft);
        convert
            .args(["convert", "-q", "ours.cdx.json", "-o", "syft-json=syft.json"])
            .current_dir(folder.path());
        convert.env("SYFT_CHECK_FOR_APP_UPDATE", "false").env("HOME", folder.path());
        output(&mut convert);
        let read: Value = serde_json::from_slice(&fs::read(folder.path().join("syft.json")).unwrap()).unwrap();
        let versions = read["artifacts"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|artifact| artifact["purl"] != "");
        let versions: BTreeSet<String> = versions.map(|artifact| artifact["version"].as_str().unwrap().to_owned()).collect();
        assert_eq!(versions, ours, "syft");
    }
    if let Some(scanner) = tools::program("osv-scanner") {
        let mut scan = Command::new(scanner);
        scan.args([
            "scan",
            "source",
            "-L",
            "ours.cdx.json",
            "--all-packages",
            "--format",
            "json",
            "--offline-vulnerabilities",
        ]);
        scan.args(["--local-db-path", "none"]).current_dir(folder.path());
        // Without a database it says so by its exit code, and lists the packages all the same.
        let read: Value = serde_json::from_slice(&scan.output().unwrap().stdout).unwrap();
        let packages = read["results"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|result| result["packages"].as_array().unwrap());
        let versions: BTreeSet<String> = packages.map(|of| of["package"]["version"].as_str().unwrap().to_owned()).collect();
        assert_eq!(versions, ours, "osv-scanner");
    }
}

/// The same document with one package that has no purl any more.
fn expect_gap_without_purl(document: &Value, form: &str, folder: &Path) {
    let mut document = document.clone();
    let list = if form.starts_with("spdx") { "packages" } else { "components" };
    let packages = document[list].as_array_mut().unwrap();
    let libc = packages
        .iter_mut()
        .find(|package| package["name"] == "libc6")
        .unwrap()
        .as_object_mut()
        .unwrap();
    libc.remove("purl");
    libc.remove("externalRefs");
    let file = folder.join("without.json");
    fs::write(&file, document.to_string()).unwrap();
    let inventory = read(&file, folder);
    assert!(inventory.components.iter().all(|c| c.name != "libc6"));
    let named = inventory
        .gaps
        .iter()
        .any(|gap| gap.kind == GapKind::PartialDatabase && gap.detail.contains("purl"));
    assert!(named, "{form}: {:?}", inventory.gaps);
}
