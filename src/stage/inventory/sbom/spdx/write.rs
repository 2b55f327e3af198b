//! An inventory as SPDX 2.3 JSON.
//!
//! Source: the SPDX specification 2.3, clauses 6 to 12. What it has no field for is in annotations.

use serde::Serialize;

use crate::io::hash;
use crate::model::inventory::{Component, Inventory, OsRelease, Subject};

use super::super::identity::{self, References};
use super::super::{carried, license, upstream};
use super::{ANNOTATION, DEPENDS_ON, OPERATING_SYSTEM};

const NOTHING_SAID: &str = "NOASSERTION";
const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const SUBJECT: &str = "SPDXRef-Subject";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    spdx_version: &'static str,
    data_license: &'static str,
    #[serde(rename = "SPDXID")]
    id: &'static str,
    name: String,
    document_namespace: String,
    creation_info: CreationInfo,
    packages: Vec<Package>,
    relationships: Vec<Relationship>,
    annotations: Vec<Annotation>,
}

#[derive(Serialize)]
struct CreationInfo {
    created: String,
    creators: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    name: String,
    #[serde(rename = "SPDXID")]
    id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    version_info: String,
    download_location: &'static str,
    files_analyzed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_info: Option<String>,
    license_concluded: &'static str,
    license_declared: String,
    copyright_text: &'static str,
    primary_package_purpose: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checksums: Vec<Checksum>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_refs: Vec<ExternalRef>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<Annotation>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checksum {
    algorithm: &'static str,
    checksum_value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef {
    reference_category: &'static str,
    reference_type: &'static str,
    reference_locator: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Annotation {
    annotation_date: String,
    annotation_type: &'static str,
    annotator: String,
    comment: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Relationship {
    spdx_element_id: String,
    relationship_type: &'static str,
    related_spdx_element: String,
}

pub(in super::super) fn write(inventory: &Inventory, created: jiff::Timestamp) -> Result<Vec<u8>, String> {
    let writer = Writer {
        created: created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        tool: format!("Tool: portcullis-{}", env!("CARGO_PKG_VERSION")),
    };
    let document = writer.document(inventory, &identity::uuid(inventory, created));
    let mut bytes = document
        .and_then(|document| serde_json::to_vec_pretty(&document))
        .map_err(|error| error.to_string())?;
    bytes.push(b'\n');
    Ok(bytes)
}

struct Writer {
    created: String,
    tool: String,
}

impl Writer {
    fn document(&self, inventory: &Inventory, uuid: &str) -> serde_json::Result<Document> {
        let references = References::new(inventory);
        let ids: Vec<String> = references
            .of
            .iter()
            .zip(&inventory.components)
            .map(|(reference, c)| id(reference, c))
            .collect();
        let systems: Vec<Package> = distinct_systems(inventory).into_iter().map(|os| self.system(os)).collect();
        let mut relationships = vec![relationship(DOCUMENT, "DESCRIBES", SUBJECT)];
        relationships.extend(systems.iter().map(|system| relationship(SUBJECT, "CONTAINS", &system.id)));
        relationships.extend(ids.iter().map(|id| relationship(SUBJECT, "CONTAINS", id)));
        for (at, from) in ids.iter().enumerate() {
            let needs = references.needs(inventory, at);
            relationships.extend(needs.into_iter().map(|to| relationship(from, DEPENDS_ON, &ids[to])));
        }
        let mut packages = vec![self.subject(&inventory.subject, !inventory.platforms.is_empty())];
        packages.extend(systems);
        for (component, id) in inventory.components.iter().zip(ids) {
            packages.push(self.package(component, id)?);
        }
        Ok(Document {
            spdx_version: "SPDX-2.3",
            data_license: "CC0-1.0",
            id: DOCUMENT,
            name: inventory.subject.name.clone(),
            document_namespace: format!("https://spdx.org/spdxdocs/{}-{uuid}", word(&inventory.subject.name)),
            creation_info: CreationInfo {
                created: self.created.clone(),
                creators: vec![self.tool.clone()],
            },
            packages,
            relationships,
            annotations: vec![self.annotation(carried::of_inventory(inventory)?)],
        })
    }

    fn bare(&self, name: &str, id: String, version: String, purpose: &'static str) -> Package {
        Package {
            name: name.to_owned(),
            id,
            version_info: version,
            download_location: NOTHING_SAID,
            files_analyzed: false,
            source_info: None,
            license_concluded: NOTHING_SAID,
            license_declared: NOTHING_SAID.to_owned(),
            copyright_text: NOTHING_SAID,
            primary_package_purpose: purpose,
            checksums: Vec::new(),
            external_refs: Vec::new(),
            annotations: Vec::new(),
        }
    }

    fn subject(&self, subject: &Subject, is_image: bool) -> Package {
        let version = match (&subject.digest, &subject.commit) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(commit)) => commit.to_string(),
            (None, None) => String::new(),
        };
        let purpose = if is_image { "CONTAINER" } else { "APPLICATION" };
        let mut package = self.bare(&subject.name, SUBJECT.to_owned(), version, purpose);
        package.checksums = subject.digest.iter().map(|digest| sha256(&digest.hex())).collect();
        package
    }

    fn system(&self, os: &OsRelease) -> Package {
        let id = format!("SPDXRef-OperatingSystem-{}-{}", word(&os.id), word(&os.version_id));
        let mut package = self.bare(&os.id, id, os.version_id.clone(), OPERATING_SYSTEM);
        package.source_info = os.pretty_name.clone();
        package
    }

    fn package(&self, component: &Component, id: String) -> serde_json::Result<Package> {
        let purpose = if component.root { "APPLICATION" } else { "LIBRARY" };
        let mut package = self.bare(&component.name, id, component.version.clone(), purpose);
        let mut pairs = carried::of_component(component)?;
        let declared = license::joined(&component.licenses);
        if component.licenses.as_slice() != declared.as_slice() {
            pairs.extend(component.licenses.iter().map(|text| carried::license(text)));
        }
        package.license_declared = declared.unwrap_or_else(|| NOTHING_SAID.to_owned());
        package.source_info = found_in(component);
        package.checksums = component.sha256.iter().map(|hex| sha256(hex)).collect();
        package.external_refs = vec![ExternalRef {
            reference_category: "PACKAGE-MANAGER",
            reference_type: "purl",
            reference_locator: upstream::purl_with_upstream(component).to_string(),
        }];
        package.annotations = vec![self.annotation(pairs)];
        Ok(package)
    }

    fn annotation(&self, pairs: Vec<(&'static str, String)>) -> Annotation {
        let lines: Vec<String> = pairs.into_iter().map(|(name, value)| format!("\n{name}={value}")).collect();
        Annotation {
            annotation_date: self.created.clone(),
            annotation_type: "OTHER",
            annotator: self.tool.clone(),
            comment: format!("{ANNOTATION}{}", lines.concat()),
        }
    }
}

fn found_in(component: &Component) -> Option<String> {
    let places: Vec<String> = component
        .locations
        .iter()
        .map(|location| match &location.layer {
            Some(layer) => format!("{} (layer {layer})", location.path),
            None => location.path.clone(),
        })
        .collect();
    (!places.is_empty()).then(|| format!("found by {} in {}", component.cataloger, places.join(", ")))
}

fn sha256(hex: &str) -> Checksum {
    Checksum {
        algorithm: "SHA256",
        checksum_value: hex.to_ascii_lowercase(),
    }
}

fn relationship(from: &str, kind: &'static str, to: &str) -> Relationship {
    Relationship {
        spdx_element_id: from.to_owned(),
        relationship_type: kind,
        related_spdx_element: to.to_owned(),
    }
}

fn distinct_systems(inventory: &Inventory) -> Vec<&OsRelease> {
    let mut systems: Vec<&OsRelease> = Vec::new();
    for os in inventory.platforms.iter().filter_map(|platform| platform.os.as_ref()) {
        if !systems
            .iter()
            .any(|known| (&known.id, &known.version_id) == (&os.id, &os.version_id))
        {
            systems.push(os);
        }
    }
    systems
}

/// An identifier of letters, digits, `.` and `-`: a readable part, and a part of the hash of the reference, which is unique.
fn id(reference: &str, component: &Component) -> String {
    let hash = &hash::sha256(reference.as_bytes()).hex()[..16];
    format!("SPDXRef-{}-{}-{hash}", word(&component.purl.kind), word(&component.purl.name))
}

fn word(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    text.chars().map(plain).take(80).collect()
}
