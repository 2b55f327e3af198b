//! Local packages that stand in for published crates: `[patch]`, `[replace]` and `paths`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use cargo_metadata::Metadata;

use super::compiled;
use super::configurations::Configurations;
use crate::io::cargo_replaced::replaced;
use crate::io::files;
use crate::io::limits::Limits;
use crate::stage::build::BuildError;

/// What is known of them before anything is compiled.
#[derive(Debug, Clone, Default)]
pub(super) struct StandIns {
    /// Names in `[patch]` and `[replace]` of the workspace and of cargo's configuration, and of what a member needs from elsewhere.
    names: BTreeSet<String>,
    /// Folders of the workspace's members, and those that a member says by its path that it needs.
    own: BTreeSet<PathBuf>,
}

impl StandIns {
    /// Reads the manifest of a workspace, and what cargo's configurations say.
    ///
    /// # Errors
    /// [`BuildError::File`], [`BuildError::Answer`] for a file that cannot be read: which crates it replaces is then unknown.
    pub(super) fn of(metadata: &Metadata, configurations: &Configurations, limits: &Limits) -> Result<Self, BuildError> {
        let mut found = Self::default();
        for package in metadata.workspace_packages() {
            found
                .own
                .extend(package.manifest_path.parent().map(|folder| folder.as_std_path().to_owned()));
            let elsewhere = package.dependencies.iter().filter(|needed| needed.path.is_none());
            found.names.extend(elsewhere.map(|needed| needed.name.clone()));
            let needed = package.dependencies.iter().filter_map(|needed| needed.path.as_ref());
            found.own.extend(needed.map(|folder| folder.as_std_path().to_owned()));
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
    /// nobody in the workspace says where it lies.
    pub(super) fn holds(&self, id: &str, name: &str) -> bool {
        let is_own = compiled::folder_of(id).is_some_and(|folder| self.own.contains(&folder));
        self.names.contains(name) || !is_own
    }
}
