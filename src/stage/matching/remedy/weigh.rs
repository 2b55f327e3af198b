//! For each match, what an update to its fixed version would need.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::required::{Required, Sources};
use super::{cargo, manifests, npm};
use crate::io::Effects;
use crate::model::advisory::{Requirement, Update};
use crate::model::inventory::{Component, Inventory};
use crate::model::matching::Matching;
use crate::model::purl::Purl;
use crate::stage::matching::feeds::crates_index::CratesIndex;

/// Adds to every match with a version that clears it what stands in the way.
pub(in crate::stage::matching) fn weigh(
    matching: &mut Matching,
    inventory: &Inventory,
    root: Option<&Path>,
    index: Option<&CratesIndex>,
    effects: &Effects,
) {
    let wanted: BTreeMap<usize, String> = matching
        .matches
        .iter()
        .filter_map(|found| Some((found.component, found.clears_all.clone()?)))
        .filter(|(at, _)| matches!(inventory.components[*at].purl.kind.as_str(), "cargo" | "npm"))
        .collect();
    if wanted.is_empty() {
        return;
    }
    let sources = Sources {
        root,
        crates_index: index,
        effects,
    };
    let needed_by = needed_by(inventory, &wanted);
    let mut manifests = manifests::Manifests::default();
    let mut locks = npm::Locks::default();
    let mut updates: HashMap<usize, Update> = HashMap::new();
    for (at, version) in &wanted {
        let component = &inventory.components[*at];
        let parents = needed_by.get(at).map(Vec::as_slice).unwrap_or_default();
        let required = match component.purl.kind.as_str() {
            "cargo" => cargo::required(component, version, parents, &sources, &mut manifests),
            _ => npm::required(component, version, parents, &sources, &mut locks),
        };
        if !required.is_empty() {
            updates.insert(*at, update(required));
        }
    }
    for found in &mut matching.matches {
        if found.clears_all.is_some() {
            found.update = updates.get(&found.component).cloned();
        }
    }
}

/// Which components need each of the wanted ones.
fn needed_by<'a>(inventory: &'a Inventory, wanted: &BTreeMap<usize, String>) -> HashMap<usize, Vec<&'a Component>> {
    let places: HashMap<&Purl, usize> = wanted.keys().map(|at| (&inventory.components[*at].purl, *at)).collect();
    let mut needed: HashMap<usize, Vec<&Component>> = HashMap::new();
    for component in &inventory.components {
        for dependency in &component.dependencies {
            if let Some(at) = places.get(dependency) {
                needed.entry(*at).or_default().push(component);
            }
        }
    }
    needed
}

fn update(required: Vec<Required>) -> Update {
    let mut update = Update::default();
    for one in required {
        match one.allows {
            Some(true) => {}
            Some(false) => update.refused_by.push(Requirement {
                by: one.by,
                text: one.text,
                location: one.location,
                allowed_from: one.allowed_from,
            }),
            None => update.unknown.push(one.by),
        }
    }
    update.refused_by.sort();
    update.refused_by.dedup();
    update.unknown.sort();
    update.unknown.dedup();
    update
}
