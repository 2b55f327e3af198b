//! Folders of the tree that somebody gets who asks for a published package (`overrides`, `resolutions`, `pnpm.overrides`, a workspace of such a name).
//!
//! Source: npm's, pnpm's, yarn's and Bun's documentation of those keys.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::lock::{Need, NpmLock, Package};
use super::pattern::{is_published, published};
use crate::model::inventory::{Origin, Scope};

/// Local packages that a published one needs, by their indexes, each with the names of the published packages that it is got for, whatever it calls itself: whoever published that cannot have meant a
/// folder of this tree, and so it stands in for a published package. So does a folder that is no member of a workspace, and that anybody asks for by a range of
/// releases, and, as what takes the place of a published package needs published ones, whatever local one such a package needs.
#[must_use]
pub fn stand_ins(lock: &NpmLock) -> BTreeMap<usize, BTreeSet<String>> {
    let is_local = |at: usize| lock.packages.get(at).is_some_and(|package| package.origin == Origin::Local);
    let is_member = |need: &Need| lock.packages[need.gets].folder.is_some();
    let is_for_a_release = |need: &&Need| need.range.as_deref().is_some_and(is_published) && !is_member(need);
    let of_packages = lock.packages.iter().flat_map(|package| {
        let is_foreign = package.origin != Origin::Local;
        let needs = package
            .needs
            .iter()
            .filter(move |need| is_edge(package, need) && is_local(need.gets));
        needs.filter(move |need| is_foreign || is_for_a_release(need))
    });
    let of_projects = lock.projects.iter().flat_map(|project| &project.needs);
    let of_projects = of_projects.filter(|need| is_local(need.gets)).filter(is_for_a_release);
    let mut found: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for need in of_packages.chain(of_projects) {
        found.entry(need.gets).or_default().extend(asked_for(need));
    }
    let given = lock
        .packages
        .iter()
        .enumerate()
        .filter(|(at, package)| package.is_given && is_local(*at));
    for (at, package) in given {
        let name = package.identity.as_ref().map(|is| is.name.clone());
        found.entry(at).or_default().extend(name);
    }
    let mut open: Vec<usize> = found.keys().copied().collect();
    while let Some(package) = open.pop().map(|at| &lock.packages[at]) {
        for need in package.needs.iter().filter(|need| is_edge(package, need) && is_local(need.gets)) {
            let names = match found.entry(need.gets) {
                Entry::Vacant(free) => {
                    open.push(need.gets);
                    free.insert(BTreeSet::new())
                }
                Entry::Occupied(known) => known.into_mut(),
            };
            names.extend(asked_for(need));
        }
    }
    found
}

fn asked_for(need: &Need) -> impl Iterator<Item = String> + '_ {
    published(&need.name, need.range.as_deref()).into_iter().map(str::to_owned)
}

/// What a workspace of the tree needs for its own development is not among the service's needs; the top's own is, marked as such.
#[must_use]
pub fn is_edge(package: &Package, need: &Need) -> bool {
    need.scope != Scope::Development || package.folder.as_deref() == Some("")
}
