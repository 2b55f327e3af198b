//! Local packages that stand in for published crates: `[patch]`, `[replace]` and `paths`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use cargo_metadata::{Metadata, Package};

use super::compiled;
use super::configurations::Configurations;
use crate::io::cargo_replaced::replaced;
use crate::io::files;
use crate::io::limits::Limits;
use crate::stage::build::BuildError;

/// What is known of them before anything is compiled.
#[derive(Debug, Clone, Default)]
pub(super) struct StandIns {
    /// Names in `[patch]` and `[replace]` of the workspace and of cargo's configuration, of its `paths`, and of what a local package needs from elsewhere.
    names: BTreeSet<String>,
    /// Folders of the workspace's members, and those that a local package says by its path that it needs.
    own: BTreeSet<PathBuf>,
}

impl StandIns {
    /// Reads what every local package needs, members of the workspace or not, the manifest of the workspace, and what cargo's configurations say.
    /// The metadata has the dependencies, with what is inherited filled in.
    ///
    /// # Errors
    /// [`BuildError::File`], [`BuildError::Answer`] for a file that cannot be read: which crates it replaces is then unknown.
    pub(super) fn of(metadata: &Metadata, configurations: &Configurations, limits: &Limits) -> Result<Self, BuildError> {
        let mut found = Self::default();
        let folder = |package: &Package| package.manifest_path.parent().map(|folder| folder.as_std_path().to_owned());
        found.own.extend(metadata.workspace_packages().into_iter().filter_map(folder));
        let local = metadata.packages.iter().filter(|package| package.source.is_none());
        for needed in local.flat_map(|package| &package.dependencies) {
            match &needed.path {
                Some(path) => drop(found.own.insert(path.as_std_path().to_owned())),
                None => drop(found.names.insert(needed.name.clone())),
            }
        }
        for path in configurations.paths() {
            let settled = path.canonicalize().unwrap_or(path);
            let standing = metadata
                .packages
                .iter()
                .filter(|package| folder(package).is_some_and(|folder| folder == settled));
            found.names.extend(standing.map(|package| package.name.to_string()));
        }
        let place = metadata.workspace_root.as_std_path().join("Cargo.toml");
        let text = files::read_text(&place, limits.document)?;
        let manifest = text.parse::<toml::Table>().map_err(|error| BuildError::Answer {
            what: "what stands in for published crates",
            detail: format!("{}: {}", place.display(), error.message()),
        })?;
        found.names.extend(replaced(&manifest));
        found.names.extend(configurations.iter().flat_map(|known| replaced(&known.table)));
        Ok(found)
    }

    /// True for a local package, by cargo's identity and its name, that is looked up like a published one: it is named as a replacement, or
    /// no local package says where it lies.
    pub(super) fn holds(&self, id: &str, name: &str) -> bool {
        let is_own = compiled::folder_of(id).is_some_and(|folder| self.own.contains(&folder));
        self.names.contains(name) || !is_own
    }
}
