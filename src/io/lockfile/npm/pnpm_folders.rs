//! Folders that stand in for published packages in `pnpm-lock.yaml`, which does not tell the version of one that is linked.
//!
//! Source: pnpm's documentation of `overrides`.

use std::collections::{HashMap, HashSet};

use super::pattern::name_and_range;
use super::pnpm_document::{LISTS, entries, got, importers, key};
use super::pnpm_key::without_peers;
use crate::io::lockfile::yaml::Entry;

/// Names of the packages that `overrides` give a folder, whoever asks for them: `name`, `name@range`, `parent>name`.
pub(super) fn overridden<'d>(document: &'d Entry<'_>) -> HashSet<&'d str> {
    let is_folder = |to: &str| ["link:", "file:"].iter().any(|local| to.starts_with(local));
    let given = entries(document, "overrides")
        .iter()
        .filter(|entry| entry.value.as_deref().is_some_and(is_folder));
    let names = given.map(|entry| {
        let last = entry.key.rsplit_once('>').map_or(&*entry.key, |(_, last)| last);
        name_and_range(last).map_or(last, |(name, _)| name)
    });
    names.collect()
}

/// Projects that such a folder is linked to: the lock file does not tell its version.
pub(super) fn linked_projects(document: &Entry<'_>, given: &HashSet<&str>) -> Vec<String> {
    let importers = importers(document).into_iter();
    let asked = importers.flat_map(|(folder, importer)| {
        let needs = LISTS.iter().flat_map(|(list, _)| entries(importer, list));
        needs.map(move |need| (folder, need))
    });
    let linked = asked.filter(|(_, need)| given.contains(&*need.key) && got(need).starts_with("link:"));
    linked.map(|(folder, need)| without_version(folder, need)).collect()
}

fn without_version(who: &str, need: &Entry<'_>) -> String {
    let (name, folder) = (&need.key, got(need).trim_start_matches("link:"));
    format!("`{who}` is given the folder {folder} for `{name}`, and the lock file does not say of which version that is")
}

/// Published packages, and what stands in for one, that `overrides` give a folder for one that they need: the lock file does not tell its version. A peer
/// may be of the workspace.
pub(super) fn replaced<'e>(foreign: impl Iterator<Item = &'e Entry<'e>>, descriptions: &HashMap<&str, &Entry<'_>>) -> Vec<String> {
    let linked = |entry: &Entry<'_>| -> Vec<String> {
        let peers = descriptions
            .get(without_peers(key(entry)))
            .copied()
            .unwrap_or(entry)
            .get("peerDependencies");
        let needed = entries(entry, "dependencies").iter().chain(entries(entry, "optionalDependencies"));
        let linked = needed.filter(|need| got(need).starts_with("link:") && peers.is_none_or(|peers| peers.get(&need.key).is_none()));
        linked.map(|need| without_version(key(entry), need)).collect()
    };
    foreign.flat_map(linked).collect()
}
