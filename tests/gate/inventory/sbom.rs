//! SBOMs: valid for others, the same every time, and read back as they were.

use std::path::Path;
use std::process::Command;

use portcullis::model::commit::CommitSha;
use portcullis::model::coverage::{Gap, GapKind};
use portcullis::model::digest::Digest;
use portcullis::model::image::{BaseImage, ImageConfig, Platform};
use portcullis::model::inventory::{
    Component, Ecosystem, Fact, FactKind, Inventory, LayerSummary, Location, Origin, OsRelease, Part, PlatformSummary, Scope,
    SourcePackage, Subject,
};
use portcullis::model::purl::Purl;
use portcullis::stage::inventory::sbom::{self, CycloneDxVersion};

use crate::support::tools;

fn created() -> jiff::Timestamp {
    "2026-11-21T12:00:00.25Z".parse().unwrap()
}

fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

fn component(purl: &str, ecosystem: Option<&str>, cataloger: &str) -> Component {
    let mut component = Component::new(Purl::parse(purl).unwrap(), ecosystem.map(Ecosystem::new), cataloger);
    component.locations = vec![Location {
        path: "/var/lib/dpkg/status".to_owned(),
        layer: Some(digest(1)),
        created_by: Some("RUN apt-get install \\\n\t\"x\" # \u{e9}".to_owned()),
        line: None,
        part: Some(Part::Base),
    }];
    component
}

/// One of everything that an inventory can hold.
fn everything() -> Inventory {
    let mut inventory = Inventory::new(Subject {
        name: "payments service".to_owned(),
        digest: Some(digest(9)),
        commit: Some(CommitSha::parse("0123456789abcdef0123456789abcdef01234567").unwrap()),
    });
    let platform = Platform::linux_amd64();
    inventory.platforms.push(PlatformSummary {
        platform: platform.clone(),
        manifest: digest(8),
        os: Some(OsRelease {
            id: "debian".to_owned(),
            version_id: "12".to_owned(),
            pretty_name: Some("Debian GNU/Linux 12 (bookworm)".to_owned()),
            ecosystem: Some(Ecosystem::new("Debian:12")),
        }),
        base: Some(BaseImage {
            name: Some("docker.io/library/debian:12".to_owned()),
            digest: Some(digest(7)),
            layers: Some(1),
            evidence: vec!["an annotation names it".to_owned()],
        }),
        config: ImageConfig {
            user: Some("65532".to_owned()),
            entrypoint: vec!["/service".to_owned()],
            ..ImageConfig::default()
        },
        layers: vec![LayerSummary {
            digest: digest(1),
            size: 10,
            unpacked: 20,
            entries: 3,
            created_by: Some("COPY . /".to_owned()),
        }],
    });
    let deb = "?arch=amd64&distro=debian-12";
    let mut libc = component(&format!("pkg:deb/debian/libc6@2.36-9%2Bdeb12u10{deb}"), Some("Debian:12"), "dpkg");
    libc.source = Some(SourcePackage {
        name: "glibc".to_owned(),
        version: "2.36-9+deb12u10".to_owned(),
    });
    libc.licenses = vec!["GPL-2".to_owned(), "LGPL-2.1-or-later".to_owned()];
    let mut passwd = component(
        &format!("pkg:deb/debian/passwd@1:4.13%2Bdfsg1-1%2Bb1{deb}"),
        Some("Debian:12"),
        "dpkg",
    );
    passwd.source = Some(SourcePackage {
        name: "shadow".to_owned(),
        version: "1:4.13+dfsg1-1".to_owned(),
    });
    passwd.dependencies = vec![libc.purl.clone()];
    let mut serde = component("pkg:cargo/serde@1.0.228", Some("crates.io"), "cargo-auditable");
    serde.licenses = vec!["MIT OR Apache-2.0".to_owned()];
    serde.sha256 = Some(digest(7).hex());
    serde.yanked = true;
    serde.published = Some("2026-11-20T08:00:00Z".parse().expect("a time"));
    let mut cc = component(
        "pkg:cargo/cc@1.2.0?repository_url=https://crates.example.org/index",
        Some("crates.io"),
        "cargo-auditable",
    );
    cc.scope = Scope::Build;
    cc.origin = Origin::AlternateRegistry("https://crates.example.org/index".to_owned());
    let mut fork = component(
        "pkg:cargo/fork@0.3.1?vcs_url=git%2Bhttps://example.org/fork%400123",
        Some("crates.io"),
        "cargo-lock",
    );
    fork.origin = Origin::Git("https://example.org/fork?branch=main#0123".to_owned());
    fork.locations = vec![
        Location {
            line: Some(7),
            ..Location::path("Cargo.lock")
        },
        Location::path("\"quoted\"\tpath"),
    ];
    let mut service = component("pkg:cargo/service@0.1.0", None, "cargo-auditable");
    service.root = true;
    service.origin = Origin::Local;
    service.dependencies = vec![serde.purl.clone(), cc.purl.clone()];
    let mut scoped = component("pkg:npm/%40babel/core@7.1.0", Some("npm"), "npm");
    scoped.owned_by = Some(passwd.purl.clone());
    scoped.scope = Scope::Optional;
    let mut twin = serde.clone();
    twin.cataloger = "cargo-lock".to_owned();
    inventory.components = vec![libc, passwd, serde, cc, fork, service, scoped, twin];
    for component in &mut inventory.components {
        component.platform = Some(platform.clone());
    }
    inventory.facts = vec![Fact {
        kind: FactKind::SetuidFile,
        location: Location::path("/usr/bin/su"),
        detail: "mode 4755".to_owned(),
        deleted: false,
        platform: Some(platform),
    }];
    inventory.gaps = vec![Gap {
        kind: GapKind::UnownedExecutable,
        subject: "/service".to_owned(),
        detail: "no package accounts for it".to_owned(),
        location: Some(Location::path("/service")),
    }];
    inventory.canonicalize();
    inventory
}

#[test]
fn an_sbom_reads_back_what_it_was_written_from() {
    let inventory = everything();
    let mut all = vec![sbom::spdx(&inventory, created()).unwrap()];
    all.extend(
        CycloneDxVersion::ALL
            .iter()
            .map(|version| sbom::cyclonedx_of(*version, &inventory, created()).unwrap()),
    );
    for bytes in all {
        let read = sbom::parse(&bytes, "file").unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), serde_json::to_value(&inventory).unwrap());
    }
}

#[test]
fn the_environment_of_the_image_is_left_out() {
    let mut inventory = everything();
    inventory.platforms[0].config.env = vec!["TOKEN=s3cr3t".to_owned()];
    for bytes in [
        sbom::cyclonedx(&inventory, created()).unwrap(),
        sbom::spdx(&inventory, created()).unwrap(),
    ] {
        assert!(!String::from_utf8(bytes).unwrap().contains("s3cr3t"));
    }
}

#[test]
fn equal_content_gives_equal_bytes_and_other_content_another_serial_number() {
    let inventory = everything();
    let mut other = everything();
    other.components[0].version.push('1');
    for write in [sbom::cyclonedx, sbom::spdx] {
        assert_eq!(write(&inventory, created()).unwrap(), write(&everything(), created()).unwrap());
        assert_ne!(write(&inventory, created()).unwrap(), write(&other, created()).unwrap());
    }
    let serial = |inventory: &Inventory| {
        let bom: serde_json::Value = serde_json::from_slice(&sbom::cyclonedx(inventory, created()).unwrap()).unwrap();
        bom["serialNumber"].as_str().unwrap().to_owned()
    };
    assert_ne!(serial(&inventory), serial(&other));
}

#[test]
fn every_reference_and_identifier_is_unique_and_every_edge_ends_somewhere() {
    let bom: serde_json::Value = serde_json::from_slice(&sbom::cyclonedx(&everything(), created()).unwrap()).unwrap();
    let mut references: Vec<&str> = bom["components"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["bom-ref"].as_str().unwrap())
        .collect();
    references.push(bom["metadata"]["component"]["bom-ref"].as_str().unwrap());
    let count = references.len();
    references.sort_unstable();
    references.dedup();
    assert_eq!(references.len(), count);
    for dependency in bom["dependencies"].as_array().unwrap() {
        let ends = dependency["dependsOn"].as_array().cloned().unwrap_or_default();
        for end in ends.iter().chain([&dependency["ref"]]) {
            assert!(references.contains(&end.as_str().unwrap()), "{end}");
        }
    }
}

/// Writes both forms of several inventories into a folder.
fn written(folder: &Path) {
    let empty = Inventory::new(Subject {
        name: "empty".to_owned(),
        digest: None,
        commit: None,
    });
    for (name, inventory) in [("everything", everything()), ("empty", empty)] {
        std::fs::write(
            folder.join(format!("{name}.cdx.json")),
            sbom::cyclonedx(&inventory, created()).unwrap(),
        )
        .unwrap();
        for version in CycloneDxVersion::ALL {
            let bytes = sbom::cyclonedx_of(*version, &inventory, created()).unwrap();
            std::fs::write(folder.join(format!("{name}-{}.cdx.json", version.as_str())), bytes).unwrap();
        }
        std::fs::write(folder.join(format!("{name}.spdx.json")), sbom::spdx(&inventory, created()).unwrap()).unwrap();
    }
}

fn run(program: &Path, arguments: &[&str], folder: &Path) {
    let output = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{} {arguments:?}: {said}", program.display());
}

#[test]
fn what_is_written_is_valid_against_the_official_schemas() {
    let (Some(shared), Some(_)) = (tools::shared(), tools::program("check-jsonschema")) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    run(&shared.join("schemas/validate.sh"), &["."], folder.path());
}

#[test]
fn what_is_written_satisfies_the_semantic_validator_of_spdx() {
    let Some(validator) = tools::program("pyspdxtools") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    for name in ["everything.spdx.json", "empty.spdx.json"] {
        run(&validator, &["--infile", name, "--version", "SPDX-2.3"], folder.path());
    }
}

#[test]
fn what_is_written_satisfies_the_library_of_cyclonedx() {
    let Some(validator) = tools::program("pyspdxtools") else {
        return;
    };
    // The virtual environment that holds the one validator holds the other.
    let python = validator.with_file_name("python3");
    let script = "import sys\n\
        from cyclonedx.schema import SchemaVersion\n\
        from cyclonedx.validation.json import JsonStrictValidator\n\
        for pair in sys.argv[1:]:\n\
        \x20   name, version = pair.split('=')\n\
        \x20   text = open(name).read()\n\
        \x20   error = JsonStrictValidator(SchemaVersion.from_version(version)).validate_str(text)\n\
        \x20   assert error is None, (name, error)\n\
        \x20   assert f'\"specVersion\": \"{version}\"' in text, (name, version)\n";
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    let mut pairs = vec!["everything.cdx.json=1.6".to_owned(), "empty.cdx.json=1.6".to_owned()];
    for version in CycloneDxVersion::ALL.iter().map(|version| version.as_str()) {
        pairs.extend(["everything", "empty"].map(|name| format!("{name}-{version}.cdx.json={version}")));
    }
    let arguments: Vec<&str> = ["-c", script].into_iter().chain(pairs.iter().map(String::as_str)).collect();
    run(&python, &arguments, folder.path());
}

#[test]
fn an_sbom_of_another_program_is_read_by_its_purls() {
    let bom = br#"{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"component":{"type":"container","name":"img","version":"sha256:0909090909090909090909090909090909090909090909090909090909090909"}},
        "components":[
          {"type":"library","bom-ref":"a","name":"libc6","version":"2.36-9","purl":"pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12&upstream=glibc","licenses":[{"license":{"id":"GPL-2.0-only"}},{"license":{"name":"odd"}}],
           "properties":[{"name":"syft:location:0:path","value":"/var/lib/dpkg/status"}]},
          {"type":"library","bom-ref":"b","name":"bash","version":"5","purl":"pkg:deb/debian/bash@5?distro=debian-12","components":[{"type":"library","name":"inner","version":"1","purl":"pkg:npm/inner@1"}]},
          {"type":"file","name":"/etc/passwd"},
          {"type":"operating-system","name":"debian","version":"12"},
          {"type":"library","name":"nameless","version":"1"},
          {"type":"library","name":"bad","version":"1","purl":"cargo/bad@1"}],
        "dependencies":[{"ref":"b","dependsOn":["a","gone"]}]}"#;
    let inventory = sbom::parse(bom, "file").unwrap();
    let purls: Vec<String> = inventory.components.iter().map(|c| c.purl.to_string()).collect();
    assert_eq!(
        purls,
        [
            "pkg:deb/debian/bash@5?distro=debian-12",
            "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12",
            "pkg:npm/inner@1"
        ]
    );
    let [bash, libc, inner] = &inventory.components[..] else {
        unreachable!()
    };
    assert_eq!(
        libc.source.as_ref().map(|s| (s.name.as_str(), s.version.as_str())),
        Some(("glibc", "2.36-9"))
    );
    assert_eq!(libc.ecosystem, Some(Ecosystem::new("Debian:12")));
    assert_eq!(libc.licenses, ["GPL-2.0-only", "odd"]);
    assert_eq!(libc.locations, [Location::path("/var/lib/dpkg/status")]);
    assert_eq!(bash.dependencies, std::slice::from_ref(&libc.purl));
    assert_eq!(inner.ecosystem, Some(Ecosystem::new("npm")));
    assert_eq!(inventory.subject.digest, Some(digest(9)));
    let gaps: Vec<_> = inventory.gaps.iter().map(|gap| (gap.kind, gap.subject.as_str())).collect();
    assert_eq!(
        gaps,
        [
            (GapKind::PartialDatabase, "components[4]"),
            (GapKind::PartialDatabase, "components[5]"),
            (GapKind::PartialDatabase, "dependencies")
        ]
    );
}

#[test]
fn an_spdx_document_of_another_program_is_read_by_its_purls() {
    let document = br#"{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"img","packages":[
        {"SPDXID":"SPDXRef-root","name":"img","versionInfo":"sha256:0909090909090909090909090909090909090909090909090909090909090909","primaryPackagePurpose":"CONTAINER","externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:oci/img@sha256%3A09"}]},
        {"SPDXID":"SPDXRef-os","name":"alpine","versionInfo":"3.20.1","primaryPackagePurpose":"OPERATING-SYSTEM"},
        {"SPDXID":"SPDXRef-a","name":"musl","versionInfo":"1.2.5-r0","licenseDeclared":"MIT","externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64"}]},
        {"SPDXID":"SPDXRef-b","name":"busybox","versionInfo":"1.36","externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:apk/alpine/busybox@1.36?arch=x86_64"}]},
        {"SPDXID":"SPDXRef-c","name":"mystery","versionInfo":"1"}],
        "relationships":[{"spdxElementId":"SPDXRef-DOCUMENT","relationshipType":"DESCRIBES","relatedSpdxElement":"SPDXRef-root"},
        {"spdxElementId":"SPDXRef-a","relationshipType":"DEPENDENCY_OF","relatedSpdxElement":"SPDXRef-b"}]}"#;
    let inventory = sbom::parse(document, "file").unwrap();
    let [busybox, musl] = &inventory.components[..] else {
        panic!("{:?}", inventory.components)
    };
    assert_eq!(musl.ecosystem, Some(Ecosystem::new("Alpine:v3.20")));
    assert_eq!(musl.licenses, ["MIT"]);
    assert_eq!(busybox.dependencies, std::slice::from_ref(&musl.purl));
    assert_eq!(inventory.subject.digest, Some(digest(9)));
    assert_eq!(
        inventory.gaps.iter().map(|gap| gap.subject.as_str()).collect::<Vec<_>>(),
        ["packages[4]"]
    );
}

#[test]
fn an_sbom_that_names_no_release_for_its_packages_is_no_clean_bill() {
    let bom = br#"{"bomFormat":"CycloneDX","specVersion":"1.4","components":[{"type":"library","name":"bash","version":"5","purl":"pkg:deb/plan9/bash@5"}]}"#;
    let inventory = sbom::parse(bom, "file").unwrap();
    assert_eq!(inventory.gaps.first().map(|gap| gap.kind), Some(GapKind::UnknownDistro));
    let nothing = sbom::parse(br#"{"bomFormat":"CycloneDX","specVersion":"1.4"}"#, "file").unwrap();
    assert_eq!(nothing.gaps.first().map(|gap| gap.kind), Some(GapKind::EmptyInventory));
}

#[test]
fn a_broken_file_is_an_error_that_names_the_place() {
    for (text, expected) in [
        ("", "line 1 column 0"),
        (
            "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.5\",\n\"components\":[{\"purl\":3}]}",
            "line 2 column",
        ),
        ("{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.3\"}", "CycloneDX 1.3 is not read"),
        ("{\"spdxVersion\":\"SPDX-3.0\"}", "SPDX-3.0 is not read"),
        ("{\"hello\":1}", "neither `bomFormat` nor `spdxVersion`"),
        (
            "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.5\",\"components\":[{\"purl\":\"pkg:cargo/a@1\",\"properties\":[{\"name\":\"portcullis:line\",\"value\":\"x\"}]}]}",
            "components[0]: `portcullis:line`",
        ),
    ] {
        let error = sbom::parse(text.as_bytes(), "file").unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

proptest::proptest! {
    #[test]
    fn damaged_sboms_never_panic(at in 0usize..20_000, byte: u8, cut in 0usize..20_000) {
        for mut bytes in [sbom::cyclonedx(&everything(), created()).unwrap(), sbom::spdx(&everything(), created()).unwrap()] {
            if let Some(target) = bytes.get_mut(at) {
                *target = byte;
            }
            bytes.truncate(cut.max(100));
            drop(sbom::parse(&bytes, "file"));
        }
    }
}
