//! What the operating system's release adds to its packages, and what is unknown without it.

use std::collections::HashMap;

use crate::model::coverage::{Gap, GapKind};
use crate::model::ecosystem::is_home;
use crate::model::inventory::{Component, Ecosystem, OsRelease};
use crate::model::purl::Purl;

/// Fills in the namespace, the `distro` qualifier and the ecosystem of an OS package that has none.
pub(in crate::stage::inventory) fn complete(component: &mut Component, os: Option<&OsRelease>) {
    let Some(os) = os else { return };
    if component.purl.is_of_system() && component.purl.namespace.is_none() && component.ecosystem.is_none() {
        let is_of_it = |ecosystem: &&Ecosystem| is_home(&component.purl.kind, ecosystem.base());
        component.ecosystem = os.ecosystem.as_ref().filter(is_of_it).cloned();
    }
    complete_purl(&mut component.purl, os);
    for dependency in &mut component.dependencies {
        complete_purl(dependency, os);
    }
}

fn complete_purl(purl: &mut Purl, os: &OsRelease) {
    if !purl.is_of_system() || purl.namespace.is_some() || os.id.is_empty() {
        return;
    }
    purl.namespace = Some(os.id.clone());
    let distro = if os.version_id.is_empty() {
        os.id.clone()
    } else {
        format!("{}-{}", os.id, os.version_id)
    };
    purl.qualifiers.entry("distro".to_owned()).or_insert(distro);
}

/// Finds the packages that others need by name alone: where each package has a file of its own, none of them knows the others.
pub(in crate::stage::inventory) fn resolve(components: &mut [Component]) {
    let names_one = |purl: &Purl| purl.kind == "deb" && purl.version.is_none();
    if !components.iter().any(|component| component.dependencies.iter().any(names_one)) {
        return;
    }
    let packages = components.iter().filter(|component| component.purl.is_of_system());
    let by_name: HashMap<String, Purl> = packages
        .map(|component| (component.purl.name.clone(), component.purl.clone()))
        .collect();
    for component in components {
        let dependencies = std::mem::take(&mut component.dependencies).into_iter();
        let found = dependencies.filter_map(|purl| match names_one(&purl) {
            true => by_name.get(&purl.name).cloned(),
            false => Some(purl),
        });
        component.dependencies = found.filter(|purl| *purl != component.purl).collect();
        component.dependencies.sort();
        component.dependencies.dedup();
    }
}

/// What is unknown of the image as a whole.
pub(in crate::stage::inventory) fn gaps(components: &[Component], os: Option<&OsRelease>, subject: &str) -> Vec<Gap> {
    let gap = |kind, detail: String| Gap {
        kind,
        subject: subject.to_owned(),
        detail,
        location: None,
    };
    if components.is_empty() {
        let detail = "no package of any kind was found in the image".to_owned();
        return vec![gap(GapKind::EmptyInventory, detail)];
    }
    let packages = components.iter().filter(|c| c.purl.is_of_system()).count();
    if packages == 0 {
        // Whoever deletes the database hides every package that is still there.
        let known = os.filter(|os| os.ecosystem.is_some());
        let gone = |os: &OsRelease| {
            let detail = format!(
                "the image says that it is `{} {}`, and no package database was found in it",
                os.id, os.version_id
            );
            gap(GapKind::PartialDatabase, detail)
        };
        return known.map(gone).into_iter().collect();
    }
    match os {
        None => vec![gap(
            GapKind::UnknownDistro,
            format!("the image has {packages} packages of an operating system, but no os-release says of which"),
        )],
        Some(os) if os.ecosystem.is_none() => vec![gap(
            GapKind::UnknownDistro,
            format!(
                "{packages} packages are of `{} {}`, a release that no advisories are known for",
                os.id, os.version_id
            ),
        )],
        Some(os) => {
            let others = components.iter().filter(|c| c.purl.is_of_system() && c.ecosystem.is_none()).count();
            let of_another = gap(
                GapKind::UnknownDistro,
                format!(
                    "{others} packages are of another kind than those of `{} {}`, and nothing says of which distribution",
                    os.id, os.version_id
                ),
            );
            (others > 0).then_some(of_another).into_iter().collect()
        }
    }
}
