//! Where `pnpm-lock.yaml` has its projects and packages, and what of them.

use crate::io::lockfile::yaml::Entry;
use crate::model::inventory::Scope;

pub(super) fn entries<'d, 'a>(entry: &'d Entry<'a>, list: &str) -> &'d [Entry<'a>] {
    entry.get(list).map(|list| list.entries.as_slice()).unwrap_or_default()
}

/// Version 6 starts its keys with a slash.
pub(super) fn key<'d>(entry: &'d Entry<'_>) -> &'d str {
    entry.key.strip_prefix('/').unwrap_or(&entry.key)
}

/// The version that a project gets: beside the range, or alone before version 6.
pub(super) fn got<'d>(need: &'d Entry<'_>) -> &'d str {
    need.text("version").or(need.value.as_deref()).unwrap_or_default()
}

pub(super) const LISTS: [(&str, Scope); 3] = [
    ("dependencies", Scope::Runtime),
    ("optionalDependencies", Scope::Optional),
    ("devDependencies", Scope::Development),
];

/// The projects by their folders; a file before version 9 with a single one has its lists at the top.
pub(super) fn importers<'d, 'a>(document: &'d Entry<'a>) -> Vec<(&'d str, &'d Entry<'a>)> {
    match document.get("importers") {
        Some(importers) => importers.entries.iter().map(|importer| (&*importer.key, importer)).collect(),
        None => vec![(".", document)],
    }
}
