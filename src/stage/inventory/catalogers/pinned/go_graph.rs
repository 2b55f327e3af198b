//! The modules that Go builds from, as far as their `go.mod` files are there: those of a workspace, or one alone, and the local folders that take the place of
//! what they require, which bring requirements of their own.
//!
//! Source: go.dev/ref/mod, "Workspaces", "Minimal version selection", "replace directive" and "exclude directive"; `go list -m all`.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::go_mod::Module;
use super::go_tree::{MODULE, Tree, WORK};
use super::pin::Pin;
use crate::io::files;
use crate::model::excused::Excused as _;
use crate::model::inventory::Location;
use crate::model::version::Scheme;

/// Folders that may take the place of modules: a commit can name as many as it likes.
const MOST: usize = 1000;

/// A module whose requirements count.
struct Part {
    module: Module,
    /// Where it is told that somebody of the tree needs it; none for what the tree does not need.
    place: Option<Location>,
}

/// What was read.
pub(super) struct Graph<'t> {
    tree: &'t Tree<'t>,
    /// `go.work`, or the one `go.mod`.
    path: PathBuf,
    /// What `go.work` says.
    work: Option<Module>,
    /// Modules that may replace and exclude, by their folders.
    main: BTreeSet<PathBuf>,
    parts: BTreeMap<PathBuf, Part>,
    /// What of it cannot be known.
    pub(super) unknown: Vec<String>,
}

impl<'t> Graph<'t> {
    /// A workspace.
    ///
    /// # Errors
    /// Why it cannot be read whole, in words.
    pub(super) fn of_workspace(tree: &'t Tree<'t>, path: &Path) -> Result<Self, String> {
        let work = tree.document(path)?;
        let mut parts = BTreeMap::new();
        for used in &work.used {
            let folder = files::without_dots(&files::folder_of(path).join(used));
            if tree.is_outside(&folder) && !tree.is_outside(path) {
                return Err(format!("it uses `{used}`, which lies outside of the checkout"));
            }
            let module = tree
                .document(&folder.join(MODULE))
                .map_err(|why| format!("it uses `{used}`: {why}"))?;
            let place = folder
                .starts_with(tree.root)
                .then(|| Location::path(tree.shown(&folder.join(MODULE))));
            parts.insert(folder, Part { module, place });
        }
        Self::with(tree, path, Some(work), parts)
    }

    /// A module alone; none where its own file says all of it.
    ///
    /// # Errors
    /// As [`Self::of_workspace`].
    pub(super) fn of_module(tree: &'t Tree<'t>, path: &Path) -> Result<Option<Self>, String> {
        let module = tree.document(path)?;
        if !module.has_local_replacements() && module.excluded.is_empty() {
            return Ok(None);
        }
        let place = Some(Location::path(tree.shown(path)));
        let parts = BTreeMap::from([(files::folder_of(path).to_owned(), Part { module, place })]);
        Self::with(tree, path, None, parts).map(Some)
    }

    fn with(tree: &'t Tree<'t>, path: &Path, work: Option<Module>, parts: BTreeMap<PathBuf, Part>) -> Result<Self, String> {
        let mut graph = Self {
            tree,
            path: path.to_owned(),
            work,
            main: parts.keys().cloned().collect(),
            parts,
            unknown: Vec::new(),
        };
        graph.reach_modules();
        graph.add_local_copies()?;
        Ok(graph)
    }

    /// Finds the modules of the workspace that the tree needs although they lie elsewhere: required, or, as a workspace allows it, imported without that.
    fn reach_modules(&mut self) {
        let mut open: Vec<PathBuf> = self.needed().map(|(folder, _)| folder.clone()).collect();
        while let Some(folder) = open.pop() {
            let Some(Part {
                module,
                place: Some(place),
            }) = self.parts.get(&folder)
            else {
                continue;
            };
            let elsewhere: BTreeMap<&str, &PathBuf> = self
                .parts
                .iter()
                .filter(|(_, part)| part.place.is_none())
                .filter_map(|(folder, part)| Some((part.module.path.as_deref()?, folder)))
                .collect();
            let required = module.required.iter().map(|(name, ..)| name.as_str());
            let mut names: BTreeSet<&str> = elsewhere.keys().copied().collect();
            let mut found: BTreeSet<&str> = required.filter(|name| names.contains(name)).collect();
            names.retain(|name| !found.contains(name));
            found.extend(self.tree.imported(&folder, &names));
            let place = place.clone();
            let reached: Vec<PathBuf> = found.iter().map(|name| elsewhere[name].clone()).collect();
            for folder in reached {
                if let Some(part) = self.parts.get_mut(&folder) {
                    part.place = Some(place.clone());
                    open.push(folder);
                }
            }
        }
    }

    fn needed(&self) -> impl Iterator<Item = (&PathBuf, &Part)> {
        self.parts.iter().filter(|(_, part)| part.place.is_some())
    }

    /// Adds the local folders that take the place of what is required, and of what those require.
    fn add_local_copies(&mut self) -> Result<(), String> {
        let mut open: Vec<PathBuf> = self.parts.keys().cloned().collect();
        while let Some(folder) = open.pop() {
            let part = &self.parts[&folder];
            let mut copies = Vec::new();
            for (name, version, line) in &part.module.required {
                let place = part.place.as_ref().map(|_| self.told(&folder, *line));
                let local = self.replaced(name, version).into_iter().filter_map(|(from, by)| match by {
                    [local] => Some((files::without_dots(&from.join(local)), local.clone())),
                    _ => None,
                });
                copies.extend(local.map(|local| (local, place.clone())));
            }
            for ((copy, written), place) in copies {
                let known = self.parts.len();
                match self.parts.get_mut(&copy) {
                    Some(known) if known.place.is_some() || place.is_none() => continue,
                    Some(known) => known.place = place,
                    None if known == MOST => return Err("it replaces modules by too many folders".to_owned()),
                    None => {
                        let Some(module) = self.copy(&copy, &written)? else { continue };
                        self.parts.insert(copy.clone(), Part { module, place });
                    }
                }
                open.push(copy);
            }
        }
        Ok(())
    }

    /// The module in a local folder. `None` for a module alone whose copy is not there: Go builds nothing then, and what it lists is its own.
    fn copy(&mut self, folder: &Path, written: &str) -> Result<Option<Module>, String> {
        let path = folder.join(MODULE);
        if self.work.is_none() && path.symlink_metadata().is_err() {
            return Ok(None);
        }
        let module = self
            .tree
            .document(&path)
            .map_err(|why| format!("it replaces a module by `{written}`: {why}"))?;
        // A module alone lists all that is built, or Go refuses to build it.
        if self.work.is_some() && !module.lists_indirect() && !module.required.is_empty() {
            let what = "which is of a version of Go before 1.17, so that modules that are needed by others only are not listed";
            self.unknown.push(format!("it replaces a module by `{written}`, {what}"));
        }
        Ok(Some(module))
    }

    /// Where a line of a module's file is told: there, if it lies in the tree, or where somebody of the tree needs it.
    fn told(&self, folder: &Path, line: u32) -> Location {
        let inherited = self.parts.get(folder).and_then(|part| part.place.clone());
        match folder.starts_with(self.tree.root) {
            true => Location {
                line: Some(line),
                ..Location::path(self.tree.shown(&folder.join(MODULE)))
            },
            false => inherited.unwrap_or_else(|| Location::path(self.tree.shown(&self.path))),
        }
    }

    /// What is built of what is required, and what only stands in what nobody lists.
    pub(super) fn pins(&mut self) -> Vec<(Pin, Location)> {
        let mut required: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut told: BTreeMap<&str, Location> = BTreeMap::new();
        for (folder, part) in &self.parts {
            for (name, version, line) in &part.module.required {
                required.entry(name).or_default().insert(version);
                if part.place.is_some() {
                    told.entry(name).or_insert_with(|| self.told(folder, *line));
                }
            }
        }
        let is_within = self.work.is_some() && self.path.starts_with(self.tree.root);
        let mut pins = Vec::new();
        let mut unknown = Vec::new();
        for (name, mut versions) in required {
            let place = told
                .remove(name)
                .or_else(|| is_within.then(|| Location::path(self.tree.shown(&self.path))));
            // Nothing of the tree needs it, or it is a module of the workspace, whatever version is written.
            let Some(place) = place.filter(|_| !self.is_used(name)) else {
                continue;
            };
            versions.retain(|version| !self.is_excluded(name, version));
            if versions.is_empty() {
                let what = "only in versions that are excluded, so that what is built of it depends on what others require";
                unknown.push(format!("`{name}` is required {what}"));
            }
            let highest = highest(&versions);
            for version in versions {
                let is_built = highest.is_none_or(|highest| highest == version);
                let replaced = self.replaced(name, version);
                if replaced.is_empty() && is_built {
                    pins.push((Pin::new(name, version, place.line), place.clone()));
                }
                for (_, by) in replaced {
                    match by {
                        [other, version] => pins.push((Pin::new(other, version, place.line), place.clone())),
                        // A local copy is judged by the version that it stands in for, which the module's own file has; not so where that is a copy, too.
                        _ if is_built => pins.push((Pin::new(name, version, place.line), place.clone())),
                        _ => {}
                    }
                }
            }
        }
        self.unknown.extend(unknown);
        pins
    }

    /// By what a module at a version is replaced, and from which folder on: `go.work` is asked first; where that says nothing, every module that it uses
    /// counts alike.
    fn replaced(&self, name: &str, version: &str) -> Vec<(&Path, &[String])> {
        let by_work = self.work.as_ref().and_then(|work| work.replaced_by(name, version));
        if let Some(by) = by_work {
            return vec![(files::folder_of(&self.path), by)];
        }
        let mains = self.main.iter().filter_map(|folder| Some((folder, self.parts.get(folder)?)));
        mains
            .filter_map(|(folder, part)| Some((folder.as_path(), part.module.replaced_by(name, version)?)))
            .collect()
    }

    /// True for what a workspace builds from its own folders.
    pub(super) fn is_used(&self, name: &str) -> bool {
        let mut mains = self.main.iter().filter_map(|folder| self.parts.get(folder));
        self.work.is_some() && mains.any(|part| part.module.path.as_deref() == Some(name))
    }

    /// True where one of the modules says that a version is not taken. Go leaves a requirement of it out.
    fn is_excluded(&self, name: &str, version: &str) -> bool {
        let mut mains = self.main.iter().filter_map(|folder| self.parts.get(folder));
        let excluded = (name.to_owned(), version.to_owned());
        mains.any(|part| part.module.excluded.contains(&excluded))
    }
}

/// True for a file of a workspace.
pub(super) fn is_of_a_workspace(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == WORK)
}

/// The highest of some versions; none where one of them is no version.
pub(super) fn highest<'v>(versions: &BTreeSet<&'v str>) -> Option<&'v str> {
    let mut versions = versions.iter().copied();
    let mut highest = versions.next()?;
    let bare = |version: &'v str| version.trim_start_matches('v');
    for version in versions {
        let compared = Scheme::Semver.compare(bare(version), bare(highest));
        if compared.or_none("then each of them counts")? == Ordering::Greater {
            highest = version;
        }
    }
    Some(highest)
}
