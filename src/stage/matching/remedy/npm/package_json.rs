//! The `package.json` files of a tree, as far as they state requirements.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::super::workspaces::{MOST, expanded};
use super::dependency::{Dependency, purl};
use super::lock_folder::{LockFolder, manifest};
use crate::io::files;
use crate::io::lockfile::npm::Identity;
use crate::model::excused::Excused as _;
use crate::model::purl::Purl;

/// What a package of the tree requires.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Manifest {
    name: String,
    version: String,
    dependencies: BTreeMap<String, String>,
    dev_dependencies: BTreeMap<String, String>,
    optional_dependencies: BTreeMap<String, String>,
    workspaces: Value,
}

impl Manifest {
    /// Reads the file in a folder, relative to the root; none where there is none.
    pub(super) fn read(place: LockFolder<'_>, folder: &Path) -> Option<Self> {
        let text = files::read_text(&place.root.join(folder).join("package.json"), place.limit)
            .or_none("without the manifest there is no hint")?;
        serde_json::from_str(&text).or_none("without the manifest there is no hint")
    }

    pub(super) fn purl(&self) -> Purl {
        purl(&self.name, &self.version)
    }

    /// Names and ranges.
    pub(super) fn requires(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = [&self.dependencies, &self.dev_dependencies, &self.optional_dependencies];
        all.into_iter().flatten().map(|(name, range)| (name.as_str(), range.as_str()))
    }
}

/// What the packages of the tree ask for: the one beside the lock file and those that it names as workspaces. `gets` says which package a name and
/// a range lead to.
pub(super) fn dependencies(place: LockFolder<'_>, gets: impl Fn(&str, &str) -> Option<Identity>) -> Vec<Dependency> {
    let Some(top) = Manifest::read(place, place.folder) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    let members = members(&top, place).into_iter().filter_map(|folder| {
        let manifest = Manifest::read(place, &folder)?;
        Some((folder, manifest))
    });
    let members: Vec<(PathBuf, Manifest)> = members.collect();
    for (folder, package) in std::iter::once((place.folder.to_owned(), top)).chain(members) {
        for (name, range) in package.requires() {
            all.extend(gets(name, range).map(|of| Dependency {
                of,
                by: package.purl(),
                range: range.to_owned(),
                location: Some(manifest(&folder)),
            }));
        }
    }
    all
}

/// The folders of the workspaces, relative to the root: `["packages/*"]`, or yarn's `{"packages": ["packages/*"]}`.
fn members(top: &Manifest, place: LockFolder<'_>) -> Vec<PathBuf> {
    let patterns = match &top.workspaces {
        Value::Object(fields) => fields.get("packages").cloned().unwrap_or_default(),
        other => other.clone(),
    };
    let patterns: Vec<String> = serde_json::from_value(patterns).or_empty("without workspaces there is no hint");
    let mut folders: Vec<PathBuf> = patterns
        .iter()
        .filter(|pattern| !pattern.starts_with('!') && !pattern.split('/').any(|part| part == ".."))
        .flat_map(|pattern| expanded(place.root, place.folder, pattern))
        .take(MOST)
        .collect();
    folders.sort();
    folders.dedup();
    folders
}
