//! The `Cargo.toml` files of a workspace, as far as they state requirements.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::io::files;
use crate::model::inventory::{Component, Location};

use super::required::Sources;
use super::workspaces::{MOST, expanded};

/// A requirement as a manifest states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Declared {
    crate_name: String,
    /// `^1.2`, `1.2`.
    pub(super) text: String,
    /// Where it stands: the workspace's manifest for one that is inherited.
    pub(super) location: Location,
}

/// The workspaces that were asked for so far, by folder: package names and what they require.
#[derive(Debug, Default)]
pub(super) struct Manifests {
    workspaces: HashMap<PathBuf, HashMap<String, Vec<Declared>>>,
}

impl Manifests {
    /// What a package of the tree requires of a crate; nothing where its manifest is not found or does not name the crate.
    pub(super) fn declared(&mut self, package: &Component, crate_name: &str, sources: &Sources<'_>) -> Vec<Declared> {
        let Some(root) = sources.root else { return Vec::new() };
        // The manifest stands beside the lock file; a component that was found in a binary has its own at the root.
        let beside = package.locations.iter().filter_map(|location| Path::new(&location.path).parent());
        let folder = with_manifest(root, beside.map(|folder| folder.strip_prefix("/").unwrap_or(folder).to_owned()));
        let limit = sources.effects.limits.document;
        let workspace = self
            .workspaces
            .entry(folder.clone())
            .or_insert_with(|| read_workspace(root, &folder, limit));
        let declared = workspace.get(&package.name).map(Vec::as_slice).unwrap_or_default();
        declared.iter().filter(|one| one.crate_name == crate_name).cloned().collect()
    }
}

/// The first of some folders, relative to the root, that has a manifest; else the root itself.
fn with_manifest(root: &Path, mut folders: impl Iterator<Item = PathBuf>) -> PathBuf {
    folders
        .find(|folder| root.join(folder).join("Cargo.toml").is_file())
        .unwrap_or_default()
}

fn read_workspace(root: &Path, folder: &Path, limit: u64) -> HashMap<String, Vec<Declared>> {
    let mut packages = HashMap::new();
    let top = root.join(folder);
    let Ok(text) = files::read_text(&top.join("Cargo.toml"), limit) else {
        return packages;
    };
    let Ok(document) = DeTable::parse(&text) else { return packages };
    let shown = shown(folder);
    let workspace = table(document.get_ref().get("workspace"));
    let inherited = workspace
        .and_then(|workspace| table(workspace.get("dependencies")))
        .map(|dependencies| declared_in(dependencies, &text, &shown, &[]))
        .unwrap_or_default();
    let mut due = members(root, folder, workspace);
    let mut seen = BTreeSet::new();
    add_package(document.get_ref(), &text, folder, &inherited, &mut packages, &mut due);
    while let Some(member) = due.pop() {
        if seen.len() >= MOST || member == folder || !seen.insert(member.clone()) {
            continue;
        }
        let Ok(text) = files::read_text(&root.join(&member).join("Cargo.toml"), limit) else {
            continue;
        };
        if let Ok(document) = DeTable::parse(&text) {
            add_package(document.get_ref(), &text, &member, &inherited, &mut packages, &mut due);
        }
    }
    packages
}

/// Adds what one manifest states, and the folders that it names as `path`.
fn add_package(
    document: &DeTable<'_>,
    text: &str,
    folder: &Path,
    inherited: &[(String, Declared)],
    packages: &mut HashMap<String, Vec<Declared>>,
    due: &mut Vec<PathBuf>,
) {
    let name = table(document.get("package")).and_then(|package| package.get("name")?.get_ref().as_str());
    let Some(name) = name else { return };
    let targets = table(document.get("target")).into_iter().flat_map(|targets| targets.iter());
    let all = std::iter::once(document).chain(targets.filter_map(|(_, target)| table(Some(target))));
    let mut declared = Vec::new();
    for place in all {
        for key in ["dependencies", "build-dependencies", "dev-dependencies"] {
            let Some(dependencies) = table(place.get(key)) else { continue };
            declared.extend(
                declared_in(dependencies, text, &shown(folder), inherited)
                    .into_iter()
                    .map(|(_, one)| one),
            );
            due.extend(paths_in(dependencies).filter_map(|path| normal(&folder.join(path))));
        }
    }
    packages.entry(name.to_owned()).or_default().extend(declared);
}

/// The requirements of one table, each with the key that it stands under.
fn declared_in(dependencies: &DeTable<'_>, text: &str, shown: &str, inherited: &[(String, Declared)]) -> Vec<(String, Declared)> {
    let line_at = |offset: usize| {
        1 + text.as_bytes()[..offset.min(text.len())]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count() as u32
    };
    dependencies
        .iter()
        .filter_map(|(key, value)| {
            let key_text = key.get_ref().as_ref();
            let (crate_name, requirement) = match value.get_ref() {
                DeValue::String(requirement) => (key_text, requirement.as_ref()),
                DeValue::Table(details) => {
                    let text_of = |name: &str| details.get(name)?.get_ref().as_str();
                    if details.get("workspace").is_some() {
                        let (_, one) = inherited.iter().find(|(known, _)| known == key_text)?;
                        return Some((key_text.to_owned(), one.clone()));
                    }
                    (text_of("package").unwrap_or(key_text), text_of("version")?)
                }
                _ => return None,
            };
            let location = Location {
                line: Some(line_at(key.span().start)),
                ..Location::path(shown)
            };
            let one = Declared {
                crate_name: crate_name.to_owned(),
                text: requirement.to_owned(),
                location,
            };
            Some((key_text.to_owned(), one))
        })
        .collect()
}

fn paths_in<'a>(dependencies: &'a DeTable<'_>) -> impl Iterator<Item = &'a str> {
    dependencies.iter().filter_map(|(_, value)| match value.get_ref() {
        DeValue::Table(details) => details.get("path")?.get_ref().as_str(),
        _ => None,
    })
}

fn table<'a, 't>(value: Option<&'a Spanned<DeValue<'t>>>) -> Option<&'a DeTable<'t>> {
    match value?.get_ref() {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

/// The folders of a workspace's members, relative to the root.
fn members(root: &Path, folder: &Path, workspace: Option<&DeTable<'_>>) -> Vec<PathBuf> {
    let Some(DeValue::Array(patterns)) = workspace.and_then(|workspace| workspace.get("members")).map(Spanned::get_ref) else {
        return Vec::new();
    };
    let patterns = patterns.iter().filter_map(|pattern| pattern.get_ref().as_str());
    let folders = patterns.flat_map(|pattern| expanded(root, folder, pattern)).take(MOST);
    folders.filter_map(|folder| normal(&folder)).collect()
}

/// A relative path without `.` and `..`; none where it leads out.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::Normal(part) => out.push(part),
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir if out.pop() => {}
            _ => return None,
        }
    }
    Some(out)
}

/// The manifest of a folder as locations name it.
fn shown(folder: &Path) -> String {
    folder.join("Cargo.toml").display().to_string()
}
