//! The `package.json` files of a tree, as far as they state requirements.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::{Asked, Place, manifest, purl};
use crate::io::files;
use crate::model::purl::Purl;

/// At most so many workspaces of one tree are read.
const MOST: usize = 2000;

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
    pub(super) fn read(place: Place<'_>, folder: &Path) -> Option<Self> {
        let text = files::read_text(&place.root.join(folder).join("package.json"), place.limit).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// The package.
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
pub(super) fn asked(place: Place<'_>, gets: impl Fn(&str, &str) -> Option<(String, String)>) -> Vec<Asked> {
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
            all.extend(gets(name, range).map(|of| Asked {
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
fn members(top: &Manifest, place: Place<'_>) -> Vec<PathBuf> {
    let patterns = match &top.workspaces {
        Value::Object(fields) => fields.get("packages").cloned().unwrap_or_default(),
        other => other.clone(),
    };
    let patterns: Vec<String> = serde_json::from_value(patterns).unwrap_or_default();
    let mut folders: Vec<PathBuf> = patterns
        .iter()
        .filter(|pattern| !pattern.starts_with('!') && !pattern.split('/').any(|part| part == ".."))
        .flat_map(|pattern| expanded(place, pattern))
        .take(MOST)
        .collect();
    folders.sort();
    folders.dedup();
    folders
}

/// `*` stands for any one folder, `**` for any number of them.
fn expanded(place: Place<'_>, pattern: &str) -> Vec<PathBuf> {
    let mut folders = vec![place.folder.to_owned()];
    for part in pattern.split('/').filter(|part| !part.is_empty() && *part != ".") {
        let step = |folder: PathBuf| -> Vec<PathBuf> {
            match part.split_once('*') {
                _ if part == "**" => below(place.root, &folder, 0),
                None => vec![folder.join(part)],
                Some((before, after)) => {
                    let fits = |name: &str| name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after);
                    let names = inside(place.root, &folder).into_iter().filter(|name| fits(name));
                    names.map(|name| folder.join(name)).collect()
                }
            }
        };
        folders = folders.into_iter().flat_map(step).take(MOST).collect();
    }
    folders
}

fn below(root: &Path, folder: &Path, depth: usize) -> Vec<PathBuf> {
    let mut all = vec![folder.to_owned()];
    if depth < 8 {
        let inner = inside(root, folder).into_iter().map(|name| folder.join(name));
        all.extend(inner.flat_map(|folder| below(root, &folder, depth + 1)).take(MOST));
    }
    all
}

/// The names of the folders in a folder, sorted; none that packages are installed in, no hidden ones and no links.
fn inside(root: &Path, folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let names = folders.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name != "node_modules" && !name.starts_with('.')).collect();
    names.sort();
    names
}
