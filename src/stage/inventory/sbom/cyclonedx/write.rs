//! An inventory as CycloneDX JSON, by the format's own library.
//!
//! The library writes 1.5. Of that 1.6 and 1.7 have every member that is written here, with the same meaning, so that the number alone is another.

use std::thread;

use cyclonedx_bom::models::component::{Classification, ComponentEvidence, Occurrence, Occurrences, Scope as BomScope};
use cyclonedx_bom::models::dependency::{Dependencies, Dependency};
use cyclonedx_bom::models::hash::{Hash, HashAlgorithm, HashValue, Hashes};
use cyclonedx_bom::models::license::{License, LicenseChoice, Licenses};
use cyclonedx_bom::models::property::{Properties, Property};
use cyclonedx_bom::models::tool::Tools;
use cyclonedx_bom::prelude::{Bom, Component as BomComponent, Components, DateTime, Metadata, SpecVersion, UrnUuid};
use memchr::memmem;

use crate::model::inventory::{Component, Inventory, Scope, Subject};

use super::super::identity::{self, References};
use super::super::{carried, license, upstream};
use super::CycloneDxVersion;

const SUBJECT: &str = "subject";

/// What the library writes at the head of a document.
const WRITTEN: &[u8] = b"\"specVersion\": \"1.5\"";
/// So much is the head.
const HEAD: usize = 128;

pub(in super::super) fn write(inventory: &Inventory, created: jiff::Timestamp, version: CycloneDxVersion) -> Result<Vec<u8>, String> {
    // The serial number is a digest of it all, which takes as long as the rest.
    let (uuid, components, dependencies) = thread::scope(|scope| {
        let uuid = scope.spawn(|| identity::uuid(inventory, created));
        let (components, dependencies) = contents(inventory)?;
        let uuid = uuid.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok::<_, String>((uuid, components, dependencies))
    })?;
    let bom = Bom {
        version: 1,
        serial_number: Some(UrnUuid::new(format!("urn:uuid:{uuid}")).map_err(|error| format!("{error:?}"))?),
        metadata: Some(metadata(inventory, created)?),
        components: Some(components),
        dependencies: Some(dependencies),
        spec_version: SpecVersion::V1_5,
        services: None,
        external_references: None,
        compositions: None,
        properties: None,
        vulnerabilities: None,
        signature: None,
        annotations: None,
        formulation: None,
    };
    let mut bytes = Vec::with_capacity(1024 * (1 + inventory.components.len()));
    bom.output_as_json(&mut bytes, SpecVersion::V1_5)
        .map_err(|error| error.to_string())?;
    bytes.push(b'\n');
    of_version(bytes, version)
}

/// The same document, of another version.
fn of_version(mut bytes: Vec<u8>, version: CycloneDxVersion) -> Result<Vec<u8>, String> {
    let head = &bytes[..HEAD.min(bytes.len())];
    let at = memmem::find(head, WRITTEN).ok_or("the document does not begin with its version")?;
    let number = at + WRITTEN.len() - "1.5\"".len();
    bytes.splice(number..number + "1.5".len(), version.as_str().bytes());
    Ok(bytes)
}

fn contents(inventory: &Inventory) -> Result<(Components, Dependencies), String> {
    let references = References::new(inventory);
    let each = |from: usize, until: usize| -> Result<Vec<BomComponent>, String> {
        let named = inventory.components[from..until].iter().zip(&references.of[from..until]);
        named.map(|(c, reference)| component(c, reference)).collect()
    };
    let (half, end) = (inventory.components.len() / 2, inventory.components.len());
    thread::scope(|scope| {
        let second = scope.spawn(|| (each(half, end), dependencies(inventory, &references)));
        let mut components = operating_systems(inventory);
        components.extend(each(0, half)?);
        let (rest, dependencies) = second.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        components.extend(rest?);
        Ok((Components(components), dependencies))
    })
}

fn metadata(inventory: &Inventory, created: jiff::Timestamp) -> Result<Metadata, String> {
    let tool = BomComponent::new(Classification::Application, "portcullis", env!("CARGO_PKG_VERSION"), None);
    let carried = carried::of_inventory(inventory).map_err(|error| error.to_string())?;
    Ok(Metadata {
        timestamp: Some(DateTime::try_from(seconds(created)).map_err(|error| error.to_string())?),
        tools: Some(Tools::Object {
            services: None,
            components: Some(Components(vec![tool])),
        }),
        component: Some(subject(&inventory.subject, !inventory.platforms.is_empty())),
        properties: Some(properties(carried)),
        ..Metadata::default()
    })
}

/// `2026-11-21T12:00:00Z`: whole seconds, as both formats want them.
fn seconds(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn subject(subject: &Subject, is_image: bool) -> BomComponent {
    let kind = if is_image {
        Classification::Container
    } else {
        Classification::Application
    };
    let version = match (&subject.digest, &subject.commit) {
        (Some(digest), _) => digest.to_string(),
        (None, Some(commit)) => commit.to_string(),
        (None, None) => String::new(),
    };
    let mut component = BomComponent::new(kind, &subject.name, &version, Some(SUBJECT.to_owned()));
    component.version = component.version.filter(|version| !version.is_empty());
    component
}

/// One component a release, so that other scanners know which distribution the packages are of.
fn operating_systems(inventory: &Inventory) -> Vec<BomComponent> {
    let mut seen: Vec<(&str, &str)> = Vec::new();
    let mut systems = Vec::new();
    for os in inventory.platforms.iter().filter_map(|platform| platform.os.as_ref()) {
        if seen.contains(&(&os.id, &os.version_id)) {
            continue;
        }
        seen.push((&os.id, &os.version_id));
        let reference = format!("os:{}-{}", os.id, os.version_id);
        let mut component = BomComponent::new(Classification::OperatingSystem, &os.id, &os.version_id, Some(reference));
        component.description = os.pretty_name.as_deref().map(Into::into);
        systems.push(component);
    }
    systems
}

fn component(component: &Component, reference: &str) -> Result<BomComponent, String> {
    let kind = if component.root {
        Classification::Application
    } else {
        Classification::Library
    };
    let mut out = BomComponent::new(kind, &component.purl.name, &component.version, Some(reference.to_owned()));
    out.group = component.purl.namespace.as_deref().map(Into::into);
    let purl = upstream::purl_with_upstream(component).to_string();
    out.purl = Some(purl.parse().map_err(|()| format!("`{purl}` is no purl"))?);
    out.scope = Some(match component.scope {
        Scope::Runtime => BomScope::Required,
        Scope::Optional => BomScope::Optional,
        Scope::Build | Scope::Development => BomScope::Excluded,
    });
    out.licenses = licenses(&component.licenses);
    out.hashes = component.sha256.as_ref().map(|sha256| {
        Hashes(vec![Hash {
            alg: HashAlgorithm::SHA_256,
            content: HashValue(sha256.to_ascii_lowercase()),
        }])
    });
    out.evidence = evidence(component);
    let carried = carried::of_component(component).map_err(|error| error.to_string())?;
    out.properties = Some(properties(carried));
    Ok(out)
}

/// One expression, or a list of licenses: the format does not mix them.
fn licenses(texts: &[String]) -> Option<Licenses> {
    let choices = match texts {
        [] => return None,
        [one] if license::is_expression(one) => vec![LicenseChoice::expression(one)],
        several => several
            .iter()
            .map(|text| {
                LicenseChoice::License(if license::is_identifier(text) {
                    License::license_id(text)
                } else {
                    License::named_license(text)
                })
            })
            .collect(),
    };
    Some(Licenses(choices))
}

fn evidence(component: &Component) -> Option<ComponentEvidence> {
    let mut paths: Vec<&str> = component.locations.iter().map(|location| location.path.as_str()).collect();
    paths.dedup();
    (!paths.is_empty()).then(|| ComponentEvidence {
        licenses: None,
        copyright: None,
        occurrences: Some(Occurrences(paths.into_iter().map(Occurrence::new).collect())),
        callstack: None,
        identity: None,
    })
}

fn properties(pairs: Vec<(&'static str, String)>) -> Properties {
    Properties(
        pairs
            .iter()
            .map(|(name, value)| Property::new(carried::full_name(name), value))
            .collect(),
    )
}

/// The subject needs its root packages, or everything where nothing is marked as one.
fn dependencies(inventory: &Inventory, references: &References<'_>) -> Dependencies {
    let roots = |all: bool| {
        let chosen = inventory
            .components
            .iter()
            .zip(&references.of)
            .filter(|(component, _)| all || component.root);
        chosen.map(|(_, reference)| reference.clone()).collect::<Vec<_>>()
    };
    let only_roots = roots(false);
    let mut dependencies = vec![Dependency {
        dependency_ref: SUBJECT.to_owned(),
        dependencies: if only_roots.is_empty() { roots(true) } else { only_roots },
    }];
    for (at, reference) in references.of.iter().enumerate() {
        let needs = references.needs(inventory, at);
        dependencies.push(Dependency {
            dependency_ref: reference.clone(),
            dependencies: needs.into_iter().map(|needed| references.of[needed].clone()).collect(),
        });
    }
    Dependencies(dependencies)
}
