//! What other tools write otherwise than we do: the same package is found in each form, or nobody knows, and each form has its control.

use serde_json::{Value, json};

use crate::support::sample::Sample;

/// A feed of one record, and what may be judged with it.
pub(super) struct Place(pub(super) Sample);

impl Place {
    pub(super) fn new(ecosystem: &str, affected: &Value) -> Self {
        let place = Sample::new();
        let base = ecosystem.split(':').next().unwrap();
        let mut record = json!({
            "id": "T-1", "modified": "2026-01-01T00:00:00Z",
            "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        });
        record["affected"] = affected.clone();
        place.write(&format!("feed/{base}/T-1.json"), &record.to_string());
        place.write(&format!("feed/{base}/modified_id.csv"), "2026-01-01T00:00:00Z,T-1\n");
        Self(place)
    }

    pub(super) fn sbom(&self, components: &Value) -> Option<i32> {
        let document = json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": components});
        self.0.write("b.json", &document.to_string());
        self.0.run(&["scan", "sbom:b.json"]).status.code()
    }

    fn rootfs(&self, files: &[(&str, &str)]) -> Option<i32> {
        for (path, text) in files {
            self.0.write(&format!("root/{path}"), text);
        }
        self.0.run(&["scan", "rootfs:root"]).status.code()
    }
}

pub(super) fn affected(ecosystem: &str, name: &str, what: &Value) -> Value {
    let mut entry = what.clone();
    entry["package"] = json!({"ecosystem": ecosystem, "name": name});
    entry
}

pub(super) fn below(fixed: &str) -> Value {
    json!({"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}]})
}

pub(super) fn component(purl: &str, name: &str) -> Value {
    json!({"type": "library", "name": name, "purl": purl})
}

#[test]
fn names_of_other_tools_are_those_of_the_advisories() {
    for (ecosystem, advisory, purl, name) in [
        // syft: whatever comes after the third segment of a module's path is the subpath.
        (
            "Go",
            "github.com/go-git/go-git/v5",
            "pkg:golang/github.com/go-git/go-git@v5.4.2#v5",
            "github.com/go-git/go-git/v5",
        ),
        (
            "Go",
            "github.com/go-git/go-git/v5",
            "pkg:golang/github.com/go-git/go-git/v5@v5.4.2",
            "x",
        ),
        (
            "Go",
            "github.com/Masterminds/goutils",
            "pkg:golang/github.com/masterminds/goutils@v1.1.0",
            "x",
        ),
        ("Go", "stdlib", "pkg:golang/std@go1.20.1?type=module", "std"),
        ("npm", "JSONStream", "pkg:npm/jsonstream@1.0.0", "JSONStream"),
        ("npm", "evil", "pkg:npm/evil/@1.0.0", "evil"),
        ("Bitnami", "evil", "pkg:bitnami/evil@1.0.0-5", "evil"),
    ] {
        let place = Place::new(ecosystem, &json!([affected(ecosystem, advisory, &below("9.0.0"))]));
        assert_eq!(place.sbom(&json!([component(purl, name)])), Some(1), "{purl}");
    }
    // The control: another package of npm, whose name differs by more than the tool's habit.
    let place = Place::new("npm", &json!([affected("npm", "JSONStream", &below("9.0.0"))]));
    assert_eq!(place.sbom(&json!([component("pkg:npm/jsonstream@1.0.0", "jsonstream")])), Some(0));
}

#[test]
fn a_local_part_of_a_python_version_hides_it_from_no_advisory() {
    for what in [
        json!({"versions": ["2.0.0"]}),
        json!({"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"last_affected": "2.0.0"}]}]}),
    ] {
        let place = Place::new("PyPI", &json!([affected("PyPI", "torch", &what)]));
        assert_eq!(
            place.sbom(&json!([component("pkg:pypi/torch@2.0.0%2Bcu118", "torch")])),
            Some(1),
            "{what}"
        );
        assert_eq!(
            place.sbom(&json!([component("pkg:pypi/torch@2.0.1%2Bcu118", "torch")])),
            Some(0),
            "{what}"
        );
    }
    let place = Place::new("PyPI", &json!([affected("PyPI", "torch", &below("2.0.0"))]));
    assert_eq!(place.sbom(&json!([component("pkg:pypi/torch@2.0.0%2Bcu118", "torch")])), Some(0));
}

#[test]
fn a_list_of_versions_says_nothing_about_a_version_that_is_none() {
    let place = Place::new("npm", &json!([affected("npm", "evil", &json!({"versions": ["1.0.0"]}))]));
    for purl in ["pkg:npm/evil", "pkg:npm/evil@latest"] {
        assert_eq!(place.sbom(&json!([component(purl, "evil")])), Some(2), "{purl}");
    }
    assert_eq!(place.sbom(&json!([component("pkg:npm/evil@1.0.0", "evil")])), Some(1));
    assert_eq!(place.sbom(&json!([component("pkg:npm/evil@1.0.1", "evil")])), Some(0));
}

#[test]
fn a_range_without_a_beginning_is_in_question() {
    for events in [json!([{"fixed": "2.0.0"}]), json!([{"last_affected": "2.0.0"}]), json!([])] {
        let what = json!({"ranges": [{"type": "SEMVER", "events": events}]});
        let place = Place::new("npm", &json!([affected("npm", "evil", &what)]));
        assert_eq!(place.sbom(&json!([component("pkg:npm/evil@1.0.0", "evil")])), Some(2), "{what}");
    }
}

#[test]
fn what_is_said_of_another_package_of_a_record_softens_nothing() {
    let mut other = affected("npm", "other", &below("9.0.0"));
    other["database_specific"] = json!({"informational": "unmaintained"});
    let place = Place::new("npm", &json!([affected("npm", "evil", &below("9.0.0")), other]));
    assert_eq!(place.sbom(&json!([component("pkg:npm/evil@1.0.0", "evil")])), Some(1));
}

#[test]
fn the_epoch_of_a_debian_package_may_stand_in_a_qualifier() {
    let what = json!({"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1:0"}, {"fixed": "1:2.0"}]}]});
    let place = Place::new("Debian:12", &json!([affected("Debian:12", "evil", &what)]));
    let judged = |version: &str| {
        let purl = format!("pkg:deb/debian/evil@{version}?distro=debian-12&epoch=1&upstream=evil");
        place.sbom(&json!([component(&purl, "evil")]))
    };
    assert_eq!((judged("1.0"), judged("3.0")), (Some(1), Some(0)));
}

#[test]
fn packages_of_another_distribution_than_the_systems_are_unknown() {
    let place = Place::new("Debian:12", &json!([affected("Debian:12", "zsh", &below("9"))]));
    let os = |name: &str, version: &str| json!({"type": "operating-system", "name": name, "version": version});
    let zsh = component("pkg:deb/debian/zsh@5.2?upstream=zsh", "zsh");
    assert_eq!(place.sbom(&json!([os("debian", "12"), zsh])), Some(1));
    assert_eq!(place.sbom(&json!([os("wolfi", "1"), zsh])), Some(2));
    let status = "Package: ZSH\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2\n\n";
    let judged = |os: &str| place.rootfs(&[("etc/os-release", os), ("var/lib/dpkg/status", status)]);
    assert_eq!(judged("ID=debian\nVERSION_ID=12\n"), Some(1), "dpkg's names have no case");
    assert_eq!(judged("ID=alpine\nVERSION_ID=3.20.1\n"), Some(2));
}

#[test]
fn of_a_field_of_apks_that_comes_twice_the_last_counts() {
    let place = Place::new("Alpine:v3.20", &json!([affected("Alpine:v3.20", "evil", &below("2.0-r0"))]));
    for (database, code) in [
        ("P:evil\nV:3.0-r0\nV:1.0-r0\nA:x\n\n", 1),
        ("P:good\nP:evil\nV:1.0-r0\nA:x\n\n", 1),
        ("P:l\nV:1.0-r0\no:good\no:evil\n\n", 1),
        ("P:evil\r\nV:1.0-r0\r\n\r\n", 2),
        ("P:evil\nV:3.0-r0\nA:x\n\n", 0),
    ] {
        let found = place.rootfs(&[
            ("etc/os-release", "ID=alpine\nVERSION_ID=3.20.1\n"),
            ("lib/apk/db/installed", database),
        ]);
        assert_eq!(found, Some(code), "{database}");
    }
}

#[test]
fn a_package_of_a_third_party_hides_none_of_the_libraries_in_it() {
    let place = Place::new("PyPI", &json!([affected("PyPI", "evil", &below("9"))]));
    let metadata = "opt/acme/lib/python3.11/site-packages/evil-1.0.dist-info/METADATA";
    let status = "Package: acme\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\nPackage: python3-evil\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0-3\n\n";
    let judged = |owner: &str| {
        place.rootfs(&[
            ("etc/os-release", "ID=debian\nVERSION_ID=12\n"),
            ("var/lib/dpkg/status", status),
            (
                "var/lib/dpkg/info/acme.list",
                if owner == "acme" {
                    "/opt/acme/lib/python3.11/site-packages/evil-1.0.dist-info/METADATA\n"
                } else {
                    "/opt\n"
                },
            ),
            (
                "var/lib/dpkg/info/python3-evil.list",
                if owner == "acme" {
                    "/opt\n"
                } else {
                    "/opt/acme/lib/python3.11/site-packages/evil-1.0.dist-info/METADATA\n"
                },
            ),
            (metadata, "Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n"),
        ])
    };
    assert_eq!(judged("acme"), Some(1));
    // The control: what the distribution's own advisories speak of is theirs to judge.
    place.0.advise("DEBIAN-CVE-2020-1", "python3-evil", "2020-01-01T00:00:00Z");
    let record = std::fs::read_to_string(place.0.path("feed/Debian/DEBIAN-CVE-2020-1.json")).unwrap();
    let fixed = record.replace(r#"{"introduced":"0"}"#, r#"{"introduced":"0"},{"fixed":"1.0-2"}"#);
    place.0.write("feed/Debian/DEBIAN-CVE-2020-1.json", &fixed);
    assert_eq!(judged("python3-evil"), Some(0));
}

#[test]
fn what_an_sbom_names_without_an_address_is_a_gap_whatever_it_is_called() {
    let place = Place::new("npm", &json!([affected("npm", "evil", &below("9.0.0"))]));
    let good = component("pkg:npm/good@1.0.0", "good");
    for kind in [json!(null), json!("Library"), json!("container"), json!("firmware")] {
        let found = place.sbom(&json!([{"type": kind, "name": "evil", "version": "1.0.0"}, good]));
        assert_eq!(found, Some(2), "{kind}");
    }
    assert_eq!(place.sbom(&json!([{"type": "file", "name": "a.txt"}, good])), Some(0));
    assert_eq!(
        place.sbom(&json!([component("pkg:maven/evil@1.0", "evil")])),
        Some(2),
        "an artifact without a group"
    );
}

#[test]
fn a_document_that_describes_every_package_hides_none() {
    let place = Place::new("npm", &json!([affected("npm", "evil", &below("9.0.0"))]));
    let package = |id: &str, purl: &str| {
        let reference = json!({"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl});
        json!({"name": id, "SPDXID": id, "downloadLocation": "NOASSERTION", "externalRefs": [reference]})
    };
    let packages = json!([
        package("SPDXRef-a", "pkg:npm/good@1.0.0"),
        package("SPDXRef-b", "pkg:npm/evil@1.0.0")
    ]);
    let judged = |more: (&str, Value)| {
        let mut document = json!({
            "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "d", "documentNamespace": "https://example.org/d",
            "creationInfo": {"created": "2025-01-01T00:00:00Z", "creators": ["Tool: bom-1"]}, "packages": packages,
        });
        document[more.0] = more.1;
        place.0.write("s.json", &document.to_string());
        place.0.run(&["scan", "sbom:s.json"]).status.code()
    };
    assert_eq!(judged(("documentDescribes", json!(["SPDXRef-a"]))), Some(1), "the control");
    assert_eq!(judged(("documentDescribes", json!(["SPDXRef-a", "SPDXRef-b"]))), Some(1));
    let by_a_package = json!([{"spdxElementId": "SPDXRef-a", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-b"}]);
    assert_eq!(judged(("relationships", by_a_package)), Some(1));
}
