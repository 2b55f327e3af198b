//! SPDX 2.3 JSON of ours and of others.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::model::coverage::Gap;
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::model::inventory::{Component, Inventory};
use crate::model::purl::Purl;
use crate::model::visible::shortened;

use super::super::ecosystem::{self, NamedOs};
use super::super::readings::{self, Beside};
use super::super::upstream::{self, Sources};
use super::super::{carried, or_absent, unread};
use super::references::{ExternalRef, references};
use super::{ANNOTATION, DEPENDS_ON, OPERATING_SYSTEM, OPERATING_SYSTEM_IN_TEXT};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(borrow, rename = "SPDXID", default, deserialize_with = "or_absent")]
    id: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "or_absent")]
    name: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "or_absent")]
    packages: Vec<Package<'a>>,
    #[serde(borrow, default, deserialize_with = "or_absent")]
    files: Vec<Named<'a>>,
    #[serde(borrow, default, deserialize_with = "or_absent")]
    snippets: Vec<Named<'a>>,
    #[serde(borrow, default, deserialize_with = "or_absent")]
    relationships: Vec<Relationship<'a>>,
    #[serde(borrow, default, deserialize_with = "or_absent")]
    document_describes: Vec<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "or_absent")]
    annotations: Vec<Annotation<'a>>,
    #[serde(borrow, default)]
    creation_info: Option<CreationInfo<'a>>,
    #[serde(default, deserialize_with = "or_absent")]
    external_document_refs: Vec<IgnoredAny>,
}

/// A file, or a part of one.
#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow, rename = "SPDXID", default, deserialize_with = "or_absent")]
    id: Cow<'a, str>,
}

#[derive(Deserialize)]
struct CreationInfo<'a> {
    #[serde(borrow, default, deserialize_with = "or_absent")]
    creators: Vec<Cow<'a, str>>,
}

/// `syft` of `Tool: syft-1.18.1`.
fn tool(creator: &str) -> Option<&str> {
    let tool = creator.strip_prefix("Tool:")?.trim();
    Some(tool.rsplit_once('-').map_or(tool, |(name, _)| name))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Package<'a> {
    #[serde(borrow, default, deserialize_with = "or_absent")]
    name: Cow<'a, str>,
    #[serde(borrow, rename = "SPDXID")]
    id: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "or_absent")]
    version_info: Cow<'a, str>,
    #[serde(borrow, default)]
    license_declared: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    primary_package_purpose: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "or_absent")]
    checksums: Vec<Checksum<'a>>,
    #[serde(borrow, default, deserialize_with = "or_absent")]
    external_refs: Vec<ExternalRef<'a>>,
    #[serde(borrow, default, deserialize_with = "or_absent")]
    annotations: Vec<Annotation<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Checksum<'a> {
    #[serde(borrow)]
    algorithm: Cow<'a, str>,
    #[serde(borrow)]
    checksum_value: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Annotation<'a> {
    #[serde(borrow, default, deserialize_with = "or_absent")]
    comment: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Relationship<'a> {
    #[serde(borrow)]
    spdx_element_id: Cow<'a, str>,
    #[serde(borrow)]
    relationship_type: Cow<'a, str>,
    #[serde(borrow)]
    related_spdx_element: Cow<'a, str>,
}

/// Reads a document into an empty inventory.
pub(in super::super) fn read(bytes: &[u8], inventory: &mut Inventory) -> Result<(), String> {
    let document: Document<'_> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let ours = pairs(&document.annotations).next().is_some();
    if !document.name.is_empty() {
        inventory.subject.name = document.name.clone().into_owned();
    }
    if !document.external_document_refs.is_empty() {
        let detail = "the SBOM refers to other documents, which were not read".to_owned();
        inventory.gaps.push(unread("externalDocumentRefs".to_owned(), detail));
    }
    let described = described(&document);
    let creators = document.creation_info.iter().flat_map(|info| &info.creators);
    let sources = Sources::of(ours, creators.filter_map(|creator| tool(creator)));
    let os = (!ours).then(|| operating_system(&document.packages)).flatten();
    let mut by_id: HashMap<&str, usize> = HashMap::with_capacity(document.packages.len());
    for (at, package) in document.packages.iter().enumerate() {
        let is_subject = described.contains(&*package.id);
        if is_subject {
            inventory.subject.digest = Digest::parse(&package.version_info).or_none("the version of something that is no image");
        }
        let place = format!("packages[{at}]");
        let is_root = is_subject && described.len() == 1;
        for reference in references(&package.external_refs) {
            let read = component(package, reference.as_deref(), (is_subject, is_root), os.as_ref(), sources);
            match read.map_err(|problem| format!("{place}: {problem}"))? {
                Read::Components(components) => {
                    by_id.entry(&package.id).or_insert(inventory.components.len());
                    for component in components {
                        if component.purl.is_of_system() && component.ecosystem.is_none() && !ours {
                            inventory.gaps.push(ecosystem::unknown_release(&place, &component));
                        }
                        inventory.components.push(component);
                    }
                }
                Read::Unknown(detail) => inventory.gaps.push(unread(place.clone(), detail)),
                Read::Nothing => {}
            }
        }
    }
    carried::to_inventory(inventory, pairs(&document.annotations))?;
    inventory.gaps.extend(not_listed(&document));
    connect(&document.relationships, &by_id, inventory);
    Ok(())
}

/// What a relationship names and stands nowhere: whatever it is, it was not looked up. Another document's elements are told with that document.
fn not_listed(document: &Document<'_>) -> Vec<Gap> {
    let packages = document.packages.iter().map(|package| &*package.id);
    let others = document.files.iter().chain(&document.snippets).map(|element| &*element.id);
    let listed: HashSet<&str> = packages.chain(others).chain([&*document.id, "NOASSERTION", "NONE", ""]).collect();
    let is_known = |id: &&str| listed.contains(id) || id.starts_with("DocumentRef-");
    let named = document
        .relationships
        .iter()
        .flat_map(|relationship| [&*relationship.spdx_element_id, &*relationship.related_spdx_element]);
    let missing: BTreeSet<&str> = named.filter(|id| !is_known(id)).collect();
    let detail = |id: &str| format!("`{}` is in a relationship and is not listed", shortened(id, 200));
    missing
        .into_iter()
        .map(|id| unread("relationships".to_owned(), detail(id)))
        .collect()
}

/// The pairs of our own annotations.
fn pairs<'a>(annotations: &'a [Annotation<'_>]) -> impl Iterator<Item = (&'a str, &'a str)> {
    let lines = annotations
        .iter()
        .filter_map(|annotation| annotation.comment.strip_prefix(ANNOTATION)?.strip_prefix('\n'));
    lines.flat_map(str::lines).filter_map(|line| line.split_once('='))
}

/// What the document is about.
fn described<'a>(document: &'a Document<'_>) -> HashSet<&'a str> {
    let by_relationship = document
        .relationships
        .iter()
        .filter(|relationship| relationship.relationship_type == "DESCRIBES" && *relationship.spdx_element_id == *document.id)
        .map(|relationship| &*relationship.related_spdx_element);
    document.document_describes.iter().map(|id| &**id).chain(by_relationship).collect()
}

fn operating_system(packages: &[Package<'_>]) -> Option<NamedOs> {
    let package = packages.iter().find(|package| {
        matches!(
            package.primary_package_purpose.as_deref(),
            Some(OPERATING_SYSTEM | OPERATING_SYSTEM_IN_TEXT)
        )
    })?;
    Some(NamedOs {
        id: package.name.to_lowercase(),
        version: package.version_info.clone().into_owned(),
    })
}

enum Read {
    /// One, or one for each of the things that its fields name.
    Components(Vec<Component>),
    /// It should be a component, and cannot be looked up.
    Unknown(String),
    /// It is none: the subject, an operating system, a file.
    Nothing,
}

fn component(
    package: &Package<'_>,
    reference: Option<&str>,
    (is_subject, is_root): (bool, bool),
    os: Option<&NamedOs>,
    sources: Sources,
) -> Result<Read, String> {
    let Some(reference) = reference else {
        let is_other = matches!(
            package.primary_package_purpose.as_deref(),
            Some(OPERATING_SYSTEM | OPERATING_SYSTEM_IN_TEXT | "CONTAINER" | "FILE" | "SOURCE" | "DEVICE")
        );
        // A document that describes many packages lists them.
        return Ok(if is_root || is_other {
            Read::Nothing
        } else {
            Read::Unknown(format!("`{}` has no purl", package.name))
        });
    };
    let mut purl = match Purl::parse(reference) {
        Ok(purl) if matches!(purl.kind.as_str(), "oci" | "docker") && is_subject => return Ok(Read::Nothing),
        Ok(purl) => purl,
        Err(error) => return Ok(Read::Unknown(error.to_string())),
    };
    if purl.version.is_none() && !package.version_info.is_empty() {
        purl.version = Some(package.version_info.clone().into_owned());
    }
    let beside = Beside {
        group: None,
        name: &package.name,
        version: &package.version_info,
    };
    let is_ours = pairs(&package.annotations).next().is_some();
    // The name of what alone is described is the document's, as a folder or an image is called.
    let others = if is_root { Vec::new() } else { readings::others(&purl, &beside) };
    let first = with_purl(package, purl, is_root, os, sources, is_ours)?;
    // What our own annotations say may have been changed beside the purl as well.
    let carried = Beside {
        group: None,
        name: &first.name,
        version: &first.version,
    };
    let carried = readings::others(&first.purl, &carried);
    // Then the purl is looked up by its own words as well.
    let plain = (!carried.is_empty()).then(|| first.purl.clone());
    let mut components = vec![first];
    if let Some(purl) = plain {
        components.push(with_purl(package, purl, is_root, os, sources, false)?);
    }
    for other in others.into_iter().chain(carried) {
        if components.iter().all(|known| known.purl != other) {
            components.push(with_purl(package, other, is_root, os, sources, false)?);
        }
    }
    Ok(Read::Components(components))
}

/// The component of a package by a purl. `carries` where our own annotations say more.
fn with_purl(
    package: &Package<'_>,
    mut purl: Purl,
    is_root: bool,
    os: Option<&NamedOs>,
    sources: Sources,
    carries: bool,
) -> Result<Component, String> {
    let source = upstream::take_upstream(&mut purl, sources);
    let mut component = Component::new(purl, None, "spdx");
    component.source = source;
    component.sha256 = package
        .checksums
        .iter()
        .find(|sum| sum.algorithm == "SHA256")
        .map(|sum| sum.checksum_value.to_lowercase());
    let declared = package
        .license_declared
        .as_deref()
        .filter(|text| !matches!(*text, "NOASSERTION" | "NONE" | ""));
    if carries {
        carried::to_component(&mut component, pairs(&package.annotations))?;
    } else {
        ecosystem::keep_case(&mut component, None, &package.name);
        component.ecosystem = ecosystem::of(&component.purl, os);
        component.origin = ecosystem::origin(&component.purl);
        // What advisories may know is looked up, also where the document is about nothing else.
        component.root = is_root && (component.ecosystem.is_none() || ecosystem::is_of_folder(&component));
        ecosystem::as_advisories_write(&mut component);
    }
    if component.licenses.is_empty() {
        component.licenses.extend(declared.map(str::to_owned));
    }
    Ok(component)
}

fn connect(relationships: &[Relationship<'_>], by_id: &HashMap<&str, usize>, inventory: &mut Inventory) {
    for relationship in relationships {
        let ends = (&*relationship.spdx_element_id, &*relationship.related_spdx_element);
        let (from, to) = match &*relationship.relationship_type {
            DEPENDS_ON => ends,
            "DEPENDENCY_OF" => (ends.1, ends.0),
            _ => continue,
        };
        if let (Some(&from), Some(&to)) = (by_id.get(from), by_id.get(to)) {
            let purl = inventory.components[to].purl.clone();
            inventory.components[from].dependencies.push(purl);
        }
    }
}
