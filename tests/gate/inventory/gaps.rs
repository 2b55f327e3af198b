//! Every kind of gap from end to end: it is detected where it is, named in the report, and none of them is a clean bill.

use std::io::Write as _;

use portcullis::model::coverage::GapKind;
use portcullis::model::image::Compression;
use serde_json::{Value, json};

use crate::support::images;
use crate::support::layer::Tar;
use crate::support::layered::{self, Step};
use crate::support::sample::{CONFIG, STATUS, Sample, layer};

const OS: &[u8] = b"ID=debian\nVERSION_ID=\"12\"\n";
const LOCK: &str =
    "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n";

/// A gap, and how the verdict weighs it under the policy that comes with the gate.
struct Shown {
    code: i32,
    /// What the gap is about.
    subject: String,
    disposition: String,
}

/// Runs, and looks for the gap in what is printed for programs.
fn shown(place: &Sample, kind: GapKind, code: i32, arguments: &[&str]) -> Shown {
    let (out, _) = place.ends(code, &[arguments, &["--format", "json"]].concat());
    let findings: Value = serde_json::from_str(&out).unwrap();
    let gaps = findings["gaps"].as_array().unwrap();
    let gap = gaps.iter().find(|gap| gap["kind"] == kind.as_str());
    let gap = gap.unwrap_or_else(|| panic!("{}: {gaps:#?}", kind.as_str()));
    let text = |key: &str| gap[key].as_str().unwrap().to_owned();
    let (human, _) = place.ends(code, arguments);
    assert!(human.contains(kind.as_str()), "{human}");
    Shown {
        code,
        subject: text("subject"),
        disposition: text("disposition"),
    }
}

fn image(place: &Sample, files: &[(&str, u32, &[u8])]) {
    layered::image(&place.path("other"), &[Step::new("ADD", files)], Compression::Gzip, &json!({}));
}

/// An archive in an archive, and so on.
fn nested(depth: usize) -> Vec<u8> {
    let mut content = b"x".to_vec();
    for at in 0..depth {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let name = if at == 0 { "x.class" } else { "inner.jar" };
        writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(&content).unwrap();
        content = writer.finish().unwrap().into_inner();
    }
    content
}

/// An advisory for the sample's package that some version has mended.
fn mended(place: &Sample) {
    let record = r#"{"id":"DEBIAN-CVE-2026-9","modified":"2026-11-20T00:00:00Z","affected":[{"package":{"ecosystem":"Debian:12","name":"bash"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"5.3"}]}]}]}"#;
    place.write("feed/Debian/DEBIAN-CVE-2026-9.json", record);
}

/// A lock file with one crate, and a feed that knows nothing of it.
fn crates(place: &Sample, lock: &str) {
    let record = r#"{"id":"RUSTSEC-2000-0001","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"crates.io","name":"other"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}"#;
    place.write("feed/crates.io/modified_id.csv", "2026-01-01T00:00:00Z,RUSTSEC-2000-0001\n");
    place.write("feed/crates.io/RUSTSEC-2000-0001.json", record);
    place.write(lock, LOCK);
}

/// A layer whose only file has two names.
fn named_twice() -> Vec<u8> {
    Tar::new()
        .pax(&[("path", "srv/other"), ("path", "srv/real")])
        .file("x", "1")
        .finish()
}

const OTHER: &[&str] = &["scan", "oci:other"];

/// Makes the gap. One arm for each kind: a new kind does not compile without one.
fn show(kind: GapKind) -> Shown {
    let place = Sample::new();
    let elf = [b"\x7fELF\x02\x01\x01".as_slice(), &[0; 9], &[3, 0, 62, 0], &[0; 60]].concat();
    match kind {
        GapKind::EmptyInventory => {
            images::image(&place.path("other"), &[]);
            shown(&place, kind, 2, OTHER)
        }
        GapKind::PartialDatabase => {
            let half = format!("{STATUS}Package: half\nStatus: install ok installed\n\n");
            images::image(&place.path("other"), &[layer(&half)]);
            shown(&place, kind, 2, OTHER)
        }
        GapKind::UnreadablePath => {
            // A repository that git does not answer for: nobody knows which files are tracked.
            crates(&place, "source/Cargo.lock");
            place.write("source/.git/HEAD", "damaged");
            shown(&place, kind, 2, &["scan", "source"])
        }
        GapKind::UnknownDistro => {
            image(&place, &[("var/lib/dpkg/status", 0o644, STATUS.as_bytes())]);
            shown(&place, kind, 2, OTHER)
        }
        GapKind::UncoveredEcosystem => {
            std::fs::remove_dir_all(place.path("feed/Debian")).unwrap();
            shown(&place, kind, 2, &["scan", "oci:built"])
        }
        GapKind::UnreadLockFile => {
            crates(&place, "source/Cargo.lock");
            place.write("source/shop/spago.lock", "packages:\n  prelude:\n    version: 6.0.1\n");
            shown(&place, kind, 2, &["scan", "source"])
        }
        GapKind::UnreadPackageStore => {
            let files = [
                ("etc/os-release", 0o644, OS),
                ("var/lib/dpkg/status", 0o644, STATUS.as_bytes()),
                ("gnu/store/h-curl-8/bin/curl", 0o644, b"x"),
            ];
            image(&place, &files);
            shown(&place, kind, 2, OTHER)
        }
        GapKind::UnownedExecutable => {
            let files = [
                ("etc/os-release", 0o644, OS),
                ("var/lib/dpkg/status", 0o644, STATUS.as_bytes()),
                ("srv/dropped", 0o755, &elf),
            ];
            image(&place, &files);
            shown(&place, kind, 0, OTHER)
        }
        GapKind::LimitReached => {
            let jar = nested(8);
            let files = [
                ("etc/os-release", 0o644, OS),
                ("var/lib/dpkg/status", 0o644, STATUS.as_bytes()),
                ("srv/deep.jar", 0o644, &jar),
            ];
            image(&place, &files);
            shown(&place, kind, 2, OTHER)
        }
        GapKind::AmbiguousLayer => {
            images::image(&place.path("other"), &[layer(STATUS), named_twice()]);
            shown(&place, kind, 2, OTHER)
        }
        GapKind::MissingFeed => {
            let kev = "kev = \"https://example.org/kev.json\"\n[policy]";
            place.write("portcullis.toml", &CONFIG.replace("[policy]", kev));
            shown(&place, kind, 2, &["--offline", "scan", "oci:built"])
        }
        GapKind::StaleFeed => {
            place.write("portcullis.toml", &CONFIG.replace("36500d", "24h"));
            shown(&place, kind, 2, &["scan", "oci:built"])
        }
        GapKind::MalformedAdvisory => {
            let record = r#"{"id":"DEBIAN-CVE-2026-8","modified":"2026-11-20T00:00:00Z","affected":[{"package":{"ecosystem":"Debian:12","name":"bash"},"ranges":[{"type":"ECOSYSTEM","events":"none"}]}]}"#;
            place.write("feed/Debian/DEBIAN-CVE-2026-8.json", record);
            shown(&place, kind, 2, &["scan", "oci:built"])
        }
        GapKind::UnorderedVersion => {
            mended(&place);
            images::image(&place.path("other"), &[layer(&STATUS.replace("5.2.15-2", "one:5.2.15-2"))]);
            shown(&place, kind, 2, OTHER)
        }
        GapKind::ErrataOnly => {
            let record = r#"{"id":"RLSA-1","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"Rocky Linux:9","name":"bash"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"5.1-6.el9"}]}]}]}"#;
            place.write("feed/Rocky Linux/modified_id.csv", "2026-01-01T00:00:00Z,RLSA-1\n");
            place.write("feed/Rocky Linux/RLSA-1.json", record);
            let bom = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"bash","purl":"pkg:rpm/rocky/bash@5.1-6.el9?distro=rocky-9.3"}]}"#;
            place.write("bom.json", bom);
            shown(&place, kind, 0, &["scan", "sbom:bom.json"])
        }
        GapKind::UnknownYank => {
            crates(&place, "source/Cargo.lock");
            shown(&place, kind, 0, &["scan", "source"])
        }
        GapKind::UnknownAge => {
            crates(&place, "source/Cargo.lock");
            let policy = std::fs::read_to_string(place.path("policy.toml")).unwrap();
            place.write("policy.toml", &format!("{policy}\n[rules.too-new-component]\nunknown = \"deny\"\n"));
            shown(&place, kind, 2, &["scan", "source"])
        }
        GapKind::UnreadableDockerfile => {
            crates(&place, "Cargo.lock");
            std::fs::write(place.path("Dockerfile"), b"FROM \xff\xfe\n").unwrap();
            shown(&place, kind, 0, &["check"])
        }
        GapKind::UnreadableWorkflow => {
            place.write(".github/workflows/x.yml", "");
            std::fs::write(place.path(".github/workflows/x.yml"), b"on: \xff\xfe\n").unwrap();
            shown(&place, kind, 0, &["gate", "--until", "policy"])
        }
        GapKind::UncheckedAction => {
            place.write(
                ".github/workflows/x.yml",
                "on: push\njobs:\n  x:\n    steps:\n      - uses: acme/act@v4.1.2\n",
            );
            shown(&place, kind, 0, &["gate", "--until", "policy"])
        }
        GapKind::UndecidedRule => {
            let rule =
                "[[custom]]\nname = \"broken\"\neach = \"component\"\nwhen = \"component.colour == 'red'\"\nmessage = \"it is red\"\n";
            let policy = std::fs::read_to_string(place.path("policy.toml")).unwrap();
            place.write("policy.toml", &format!("{rule}{policy}"));
            shown(&place, kind, 2, &["scan", "oci:built"])
        }
    }
}

#[test]
fn every_kind_of_gap_is_detected_named_and_weighed() {
    for &kind in GapKind::ALL {
        let shown = show(kind);
        assert!(!shown.subject.is_empty(), "{}", kind.as_str());
        let weighed = if shown.code == 2 { "denied" } else { "warned" };
        assert_eq!(shown.disposition, weighed, "{}", kind.as_str());
    }
}

#[test]
fn no_policy_that_comes_with_the_gate_passes_over_an_ambiguous_layer() {
    for policy in ["gate", "strict"] {
        let weighed = |tar: Vec<u8>| {
            let place = Sample::new();
            place.write("policy.toml", &std::fs::read_to_string(format!("policies/{policy}.toml")).unwrap());
            images::image(&place.path("other"), &[layer(STATUS), tar]);
            let out = place.run(&[OTHER, &["--format", "json"]].concat()).stdout;
            let report: Value = serde_json::from_slice(&out).unwrap();
            let gaps = report["gaps"].as_array().unwrap().clone();
            let gap = gaps.into_iter().find(|gap| gap["kind"] == "ambiguous-layer");
            gap.map(|gap| gap["disposition"].clone())
        };
        assert_eq!(weighed(named_twice()), Some(json!("denied")), "{policy}");
        let control = Tar::new().pax(&[("path", "srv/real")]).file("x", "1").finish();
        assert_eq!(weighed(control), None, "{policy}, the control");
    }
}

#[test]
fn a_release_past_its_end_is_a_finding() {
    let place = Sample::new();
    let files = [
        ("etc/os-release", 0o644, &b"ID=debian\nVERSION_ID=\"8\"\n"[..]),
        ("var/lib/dpkg/status", 0o644, STATUS.as_bytes()),
    ];
    image(&place, &files);
    let (out, _) = place.ends(1, OTHER);
    assert!(out.contains("end-of-life-distro"), "{out}");
}

#[test]
fn a_distribution_whose_database_was_deleted_is_no_clean_bill() {
    let place = Sample::new();
    let steps = [
        Step::new(
            "ADD",
            &[("etc/os-release", 0o644, OS), ("var/lib/dpkg/status", 0o644, STATUS.as_bytes())],
        ),
        Step::new("RUN rm", &[("var/lib/dpkg/.wh.status", 0o644, b"")]),
        Step::new(
            "COPY app",
            &[("srv/node_modules/web/package.json", 0o644, br#"{"name":"web","version":"1.0.0"}"#)],
        ),
    ];
    layered::image(&place.path("other"), &steps, Compression::Gzip, &json!({}));
    let (out, _) = place.ends(2, OTHER);
    assert!(out.contains("no package database was found"), "{out}");
}
