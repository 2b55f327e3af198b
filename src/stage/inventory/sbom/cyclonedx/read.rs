//! CycloneDX JSON of ours and of others.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::model::coverage::Gap;
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::model::inventory::{Component, Inventory, Location, Scope, SourcePackage};
use crate::model::purl::Purl;
use crate::model::visible::shortened;

use super::super::ecosystem::{self, NamedOs};
use super::super::readings::{self, Beside};
use super::super::upstream::{self, Sources};
use super::super::{carried, unread};
use super::document::{Composition, Document, Edge, Element, LicenseChoice, Pair, Reference, Tools};

/// Reads a document into an empty inventory.
pub(in super::super) fn read(bytes: &[u8], inventory: &mut Inventory) -> Result<(), String> {
    let document: Document<'_> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let metadata = document.metadata.unwrap_or_default();
    let ours = pairs(&metadata.properties).next().is_some();
    if let Some(subject) = &metadata.component {
        inventory.subject.name = subject.name.clone().into_owned();
        inventory.subject.digest = subject
            .version
            .as_deref()
            .and_then(|version| Digest::parse(version).or_none("the version of something that is no image"));
    }
    carried::to_inventory(inventory, pairs(&metadata.properties))?;
    let mut elements = flattened("components", &document.components);
    if let Some(subject) = &metadata.component {
        elements.extend(flattened("metadata.component.components", &subject.components));
    }
    let sources = Sources::of(ours, metadata.tools.iter().flat_map(Tools::names));
    let groups: HashSet<&str> = document
        .dependencies
        .iter()
        .filter(|edge| !edge.to.is_empty())
        .map(|edge| &*edge.from)
        .collect();
    inventory.gaps.extend(not_whole(&document.compositions));
    let subject = metadata.component.iter().map(|subject| &subject.references);
    let of_elements = elements.iter().map(|(_, element)| &element.references);
    for reference in subject.chain(of_elements).chain([&document.references]).flatten() {
        inventory.gaps.extend(elsewhere(reference));
    }
    let os = (!ours).then(|| operating_system(&elements)).flatten();
    let mut by_reference: HashMap<&str, usize> = HashMap::with_capacity(elements.len());
    for (place, element) in &elements {
        if is_group(element, &groups) {
            continue;
        }
        match component(element, os.as_ref(), sources).map_err(|problem| format!("{place}: {problem}"))? {
            Read::Components(components) => {
                if let Some(reference) = &element.reference {
                    by_reference.insert(reference, inventory.components.len());
                }
                for component in components {
                    if component.purl.is_of_system() && component.ecosystem.is_none() && !ours {
                        inventory.gaps.push(ecosystem::unknown_release(place, &component));
                    }
                    inventory.components.push(component);
                }
            }
            Read::Unknown(detail) => inventory.gaps.push(unread(place.clone(), detail)),
            Read::Nothing => {}
        }
    }
    if let Some(subject) = &metadata.component {
        match published(subject, os.as_ref(), sources)? {
            Read::Components(components) => {
                if let Some(reference) = &subject.reference {
                    by_reference.insert(reference, inventory.components.len());
                }
                inventory.components.extend(components);
            }
            Read::Unknown(detail) => inventory.gaps.push(unread("metadata.component".to_owned(), detail)),
            Read::Nothing => {}
        }
    }
    let listed = elements
        .iter()
        .map(|(_, element)| *element)
        .chain(&metadata.component)
        .chain(&document.services);
    let listed: HashSet<&str> = listed.filter_map(|element| element.reference.as_deref()).collect();
    inventory.gaps.extend(not_listed(&document.dependencies, &listed));
    connect(&document.dependencies, &by_reference, inventory);
    Ok(())
}

/// What something needs, or what needs something, and that stands nowhere: whatever it is, it was not looked up.
fn not_listed(edges: &[Edge<'_>], listed: &HashSet<&str>) -> Vec<Gap> {
    let named = edges.iter().flat_map(|edge| std::iter::once(&edge.from).chain(&edge.to));
    let missing: BTreeSet<&str> = named.map(|name| &**name).filter(|name| !listed.contains(name)).collect();
    let detail = |name: &str| format!("`{}` is a dependency here and is not listed", shortened(name, 200));
    missing
        .into_iter()
        .map(|name| unread("dependencies".to_owned(), detail(name)))
        .collect()
}

/// What the document itself says that it does not list, or does not know.
fn not_whole(compositions: &[Composition<'_>]) -> impl Iterator<Item = Gap> {
    compositions.iter().enumerate().filter_map(|(at, composition)| {
        let detail = match &*composition.aggregate {
            "unknown" => "the SBOM says of itself that it may be incomplete",
            other if other.starts_with("incomplete") => "the SBOM says of itself that it is incomplete",
            _ => return None,
        };
        Some(unread(format!("compositions[{at}]"), detail.to_owned()))
    })
}

/// Another SBOM, which lists what is not listed here.
fn elsewhere(reference: &Reference<'_>) -> Option<Gap> {
    let detail = "the SBOM refers to another one, which was not read";
    (reference.kind == "bom").then(|| unread("externalReferences".to_owned(), detail.to_owned()))
}

/// The pairs that are ours.
fn pairs<'a>(properties: &'a [Pair<'_>]) -> impl Iterator<Item = (&'a str, &'a str)> {
    properties
        .iter()
        .filter_map(|pair| Some((carried::short_name(&pair.name)?, &*pair.value)))
}

/// Every element with its place, those inside of others too.
fn flattened<'e, 'a>(name: &str, elements: &'e [Element<'a>]) -> Vec<(String, &'e Element<'a>)> {
    let mut all = Vec::with_capacity(elements.len());
    let mut open: Vec<(String, &'e [Element<'a>])> = vec![(name.to_owned(), elements)];
    while let Some((place, elements)) = open.pop() {
        for (at, element) in elements.iter().enumerate() {
            let here = format!("{place}[{at}]");
            if !element.components.is_empty() {
                open.push((format!("{here}.components"), &element.components));
            }
            all.push((here, element));
        }
    }
    all
}

/// An `application` that is no package and only groups others, as trivy lists a lock file.
fn is_group(element: &Element<'_>, groups: &HashSet<&str>) -> bool {
    let nameless = element.kind == "application" && element.purl.is_none() && element.version.as_deref().unwrap_or_default().is_empty();
    let holds = !element.components.is_empty() || element.reference.as_deref().is_some_and(|reference| groups.contains(reference));
    nameless && (holds || element.properties.iter().any(|pair| pair.name == "aquasecurity:trivy:Class"))
}

fn operating_system(elements: &[(String, &Element<'_>)]) -> Option<NamedOs> {
    let (_, element) = elements.iter().find(|(_, element)| element.kind == "operating-system")?;
    Some(NamedOs {
        id: element.name.to_lowercase(),
        version: element.version.as_deref().unwrap_or_default().to_owned(),
    })
}

enum Read {
    /// One, or one for each of the things that its fields name.
    Components(Vec<Component>),
    /// It should be a component, and cannot be looked up.
    Unknown(String),
    /// It is none: a file, an operating system, a device.
    Nothing,
}

fn component(element: &Element<'_>, os: Option<&NamedOs>, sources: Sources) -> Result<Read, String> {
    let Some(text) = &element.purl else {
        return Ok(match element.kind.to_ascii_lowercase().as_str() {
            "file" | "operating-system" | "device" | "device-driver" | "cryptographic-asset" | "data" | "machine-learning-model" => {
                Read::Nothing
            }
            // Whatever else it is, also where it does not say what, may be in an advisory.
            _ => Read::Unknown(format!("`{}` has no purl", element.name)),
        });
    };
    let mut purl = match Purl::parse(text) {
        Ok(purl) => purl,
        Err(error) => return Ok(Read::Unknown(error.to_string())),
    };
    if let (None, Some(version)) = (&purl.version, element.version.as_deref().filter(|version| !version.is_empty())) {
        purl.version = Some(version.to_owned());
    }
    let beside = Beside {
        group: element.group.as_deref(),
        name: &element.name,
        version: element.version.as_deref().unwrap_or_default(),
    };
    let others = readings::others(&purl, &beside);
    let first = with_purl(element, purl, os, sources, pairs(&element.properties).next().is_some())?;
    // What our own properties say may have been changed beside the purl as well.
    let carried = readings::others(
        &first.purl,
        &Beside {
            group: None,
            name: &first.name,
            version: &first.version,
        },
    );
    // Then the purl is looked up by its own words as well.
    let plain = (!carried.is_empty()).then(|| first.purl.clone());
    let mut components = vec![first];
    if let Some(purl) = plain {
        components.push(with_purl(element, purl, os, sources, false)?);
    }
    for other in others.into_iter().chain(carried) {
        if components.iter().all(|known| known.purl != other) {
            components.push(with_purl(element, other, os, sources, false)?);
        }
    }
    Ok(Read::Components(components))
}

/// What the document is about, where that is something which advisories know: a library, or a program that others install. An image is none.
fn published(subject: &Element<'_>, os: Option<&NamedOs>, sources: Sources) -> Result<Read, String> {
    if subject.purl.is_none() {
        return Ok(Read::Nothing);
    }
    let is_private = |pair: &Pair<'_>| pair.name == "cdx:npm:package:private" && pair.value == "true";
    let is_private = subject.properties.iter().any(is_private);
    Ok(match component(subject, os, sources)? {
        Read::Components(mut all) => {
            for component in &mut all {
                // A mark of ours on it is none: what we write about has no purl.
                component.ecosystem = ecosystem::of(&component.purl, os);
                component.root = ecosystem::is_of_folder(component) || (is_private && component.purl.kind == "npm");
            }
            all.retain(|component| component.ecosystem.is_some());
            if all.is_empty() { Read::Nothing } else { Read::Components(all) }
        }
        other => other,
    })
}

/// The component of an element by a purl. `carries` where our own properties say more.
fn with_purl(element: &Element<'_>, mut purl: Purl, os: Option<&NamedOs>, sources: Sources, carries: bool) -> Result<Component, String> {
    let source = of_trivy(element).or(upstream::take_upstream(&mut purl, sources));
    let mut component = Component::new(purl, None, "cyclonedx");
    component.source = source;
    component.sha256 = element
        .hashes
        .iter()
        .find(|hash| hash.alg == "SHA-256")
        .map(|hash| hash.content.to_lowercase());
    component.licenses = licenses(&element.licenses);
    if carries {
        carried::to_component(&mut component, pairs(&element.properties))?;
    } else {
        foreign(&mut component, element, os);
    }
    Ok(component)
}

/// What another program's element says in its own ways.
fn foreign(component: &mut Component, element: &Element<'_>, os: Option<&NamedOs>) {
    ecosystem::keep_case(component, element.group.as_deref(), &element.name);
    ecosystem::as_advisories_write(component);
    component.ecosystem = ecosystem::of(&component.purl, os);
    component.origin = ecosystem::origin(&component.purl);
    component.scope = match element.scope.as_deref() {
        Some("optional") => Scope::Optional,
        _ => Scope::Runtime,
    };
    let occurrences = element.evidence.iter().flat_map(|evidence| &evidence.occurrences);
    let of_syft = element
        .properties
        .iter()
        .filter(|pair| pair.name.starts_with("syft:location:") && pair.name.ends_with(":path"));
    component.locations = occurrences
        .map(|occurrence| &occurrence.location)
        .chain(of_syft.map(|pair| &pair.value))
        .map(|path| Location::path(path.clone()))
        .collect();
}

/// The source package that trivy names in properties of its own.
fn of_trivy(element: &Element<'_>) -> Option<SourcePackage> {
    let field = |name: &str| {
        let named = |pair: &&Pair<'_>| pair.name.strip_prefix("aquasecurity:trivy:") == Some(name);
        element
            .properties
            .iter()
            .find(named)
            .map(|pair| &*pair.value)
            .filter(|value| !value.is_empty())
    };
    let mut version = field("SrcVersion")?.to_owned();
    if let Some(release) = field("SrcRelease") {
        version = format!("{version}-{release}");
    }
    if let Some(epoch) = field("SrcEpoch").filter(|epoch| *epoch != "0") {
        version = format!("{epoch}:{version}");
    }
    let name = field("SrcName")?.to_owned();
    Some(SourcePackage { name, version })
}

fn licenses(choices: &[LicenseChoice<'_>]) -> Vec<String> {
    let text = |choice: &LicenseChoice<'_>| {
        let license = choice.license.as_ref();
        let id = license.and_then(|license| license.id.as_ref().or(license.name.as_ref()));
        choice.expression.as_ref().or(id).map(|text| text.clone().into_owned())
    };
    choices.iter().filter_map(text).collect()
}

fn connect(edges: &[Edge<'_>], by_reference: &HashMap<&str, usize>, inventory: &mut Inventory) {
    for edge in edges {
        let Some(&from) = by_reference.get(&*edge.from) else {
            continue;
        };
        let needs = edge.to.iter().filter_map(|to| by_reference.get(&**to));
        let purls: Vec<Purl> = needs.map(|to| inventory.components[*to].purl.clone()).collect();
        inventory.components[from].dependencies.extend(purls);
    }
}
