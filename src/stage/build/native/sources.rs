//! Where the sources of a build lie, and which of those folders nobody has to look into.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, Package, TargetKind};

use super::compiled;
use super::graph::Graph;
use super::own_home::Home;
use crate::io::files;
use crate::io::limits::Limits;
use crate::model::excused::Excused as _;

/// What is known of them before anything is compiled.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// Folders that no commit holds, and those of published crates that are not known to be what the lock file names: they are told as a whole.
    pub(super) uncommitted: BTreeSet<PathBuf>,
    /// Manifests of the packages that are built, and of the workspaces that they may inherit from.
    pub(super) manifests: BTreeSet<PathBuf>,
    /// Where published packages lie that are built, by cargo's identities of them, and whether they have a build script.
    published: BTreeMap<String, (PathBuf, bool)>,
    /// Folders whose content is known otherwise.
    known: BTreeSet<PathBuf>,
}

impl Sources {
    /// `uncommitted` has those of the `home` too, that were changed.
    pub(super) fn of(
        (packages, graphs): (&Metadata, &[Graph]),
        workspace: &Path,
        uncommitted: BTreeSet<PathBuf>,
        home: &Home,
        limits: &Limits,
    ) -> Self {
        let is_built = |package: &&Package| {
            let named = compiled::parse_id(&package.id.repr);
            named.is_ok_and(|named| graphs.iter().any(|graph| graph.has(&named)))
        };
        let mut found = Self {
            uncommitted,
            known: home.known.clone(),
            ..Self::default()
        };
        for package in packages.packages.iter().filter(is_built).filter(|package| package.source.is_some()) {
            let manifest = package.manifest_path.as_std_path();
            let runs = package.targets.iter().any(|target| target.kind.contains(&TargetKind::CustomBuild));
            let folder = files::folder_of(manifest).to_owned();
            if !found.known.iter().any(|known| folder.starts_with(known)) {
                found.manifests.insert(manifest.to_owned());
            }
            found.published.insert(package.id.repr.clone(), (folder, runs));
        }
        let local = graphs.iter().flat_map(Graph::local_folders);
        for folder in local.chain([workspace.to_owned()]) {
            let manifest = folder.join("Cargo.toml");
            let named = named_workspace(&manifest, limits).map(|named| files::without_dots(&folder.join(named)));
            // cargo looks for the workspace that a package inherits from in each folder above it.
            for folder in folder.ancestors().map(Path::to_owned).chain(named) {
                let manifest = folder.join("Cargo.toml");
                if manifest.is_file() {
                    found.manifests.insert(manifest);
                }
            }
        }
        found
    }

    /// Folders that need no word for each file: those that are told as a whole, those of which it is known what is in them, and `more`; each as it is written
    /// and where links lead, as rustc names a file by either.
    pub(super) fn of_others(&self, more: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
        let all = self.uncommitted.iter().chain(&self.known).cloned().chain(more);
        let both = |folder: PathBuf| [folder.canonicalize().unwrap_or_else(|_| folder.clone()), folder];
        all.flat_map(both).collect()
    }

    /// True for what lies in a folder that is told as a whole.
    pub(super) fn is_told(&self, path: &Path) -> bool {
        self.uncommitted.iter().any(|folder| path.starts_with(folder))
    }

    /// True for what lies in the folder of a published crate.
    pub(super) fn is_published(&self, path: &Path) -> bool {
        self.published.values().any(|(folder, _)| path.starts_with(folder))
    }

    /// Folders below the top of a checkout of published packages with a build script, but for those that are told, or known.
    pub(super) fn with_a_script<'s>(&'s self, top: &'s Path) -> impl Iterator<Item = &'s Path> {
        let folders = self
            .published
            .values()
            .filter(|(_, runs)| *runs)
            .map(|(folder, _)| folder.as_path());
        folders.filter(move |folder| {
            let is_known = || self.known.iter().any(|known| folder.starts_with(known));
            folder.starts_with(top) && !self.is_told(folder) && !is_known()
        })
    }

    /// Paths that build scripts named, each with the identity of its package: they are relative to its folder.
    pub(super) fn named(&self, named: &[(String, PathBuf)]) -> Vec<PathBuf> {
        let folder = |id: &String| match self.published.get(id) {
            Some((folder, _)) => Some(folder.clone()),
            None => compiled::folder_of(id),
        };
        named
            .iter()
            .filter_map(|(id, path)| Some(files::without_dots(&folder(id)?.join(path))))
            .collect()
    }
}

/// The folder of the workspace that a manifest says it is of.
fn named_workspace(manifest: &Path, limits: &Limits) -> Option<String> {
    let text = files::read_text(manifest, limits.document).or_none("cargo has read it: what it says was asked of cargo")?;
    let table: toml::Table = text.parse().or_none("cargo has read it")?;
    Some(table.get("package")?.get("workspace")?.as_str()?.to_owned())
}
