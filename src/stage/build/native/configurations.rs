//! Cargo's configurations that hold for a build in a folder, with all that they include.
//!
//! Source: the Cargo book, "Configuration" (hierarchical structure, `include`, `source`).

use std::path::{Path, PathBuf};

use crate::io::cargo;
use crate::io::files::{self, FileError};
use crate::io::limits::Limits;
use crate::stage::build::BuildError;

/// Files that one build may have: a circle of `include` ends here at the latest.
const MOST: usize = 200;

/// One of cargo's configuration files.
#[derive(Debug, Clone)]
pub(super) struct Configuration {
    pub(super) path: PathBuf,
    /// The same without links and detours.
    pub(super) settled: PathBuf,
    pub(super) table: toml::Table,
    text: String,
}

impl Configuration {
    /// The folder that its paths are relative to: the one above the folder that it lies in.
    pub(super) fn base(&self) -> &Path {
        files::folder_of(files::folder_of(&self.path))
    }

    /// The tables within a table, by their names: `[source.crates-io]`.
    pub(super) fn tables(&self, of: &str) -> impl Iterator<Item = (&String, &toml::Table)> {
        let tables = self.table.get(of).and_then(toml::Value::as_table).into_iter().flatten();
        tables.filter_map(|(name, value)| Some((name, value.as_table()?)))
    }

    /// True where a variable of `[env]` is a path that is relative to the configuration, or leads into a folder.
    pub(super) fn names_a_file_in_a_variable(&self, folder: &str) -> bool {
        // The folder itself is often told to build scripts (`CARGO_WORKSPACE_DIR`), and is no program.
        let is_itself = |variable: &toml::Table| {
            variable
                .get("value")
                .and_then(toml::Value::as_str)
                .is_some_and(|value| ["", "."].contains(&value))
        };
        let is_relative = |(_, variable): (&String, &toml::Table)| {
            variable.get("relative").and_then(toml::Value::as_bool) == Some(true) && !is_itself(variable)
        };
        let values = self.table.get("env").and_then(toml::Value::as_table).into_iter().flatten();
        let mut texts = values.filter_map(|(_, value)| value.as_str().or_else(|| value.get("value")?.as_str()));
        self.tables("env").any(is_relative) || texts.any(|text| text.contains(folder))
    }

    /// What it says in the place of build scripts, by the keys that these would print. Source: the Cargo book, "Overriding Build Scripts".
    pub(super) fn answers(&self) -> Vec<(&str, &str)> {
        let answers = self
            .tables("target")
            .flat_map(|(_, target)| target.values().filter_map(toml::Value::as_table));
        let said = answers
            .flatten()
            .flat_map(|(key, value)| texts(value).into_iter().map(move |text| (key.as_str(), text)));
        said.collect()
    }

    /// What it includes: paths, and whether they may be missing.
    fn includes(&self) -> Vec<(PathBuf, bool)> {
        let folder = files::folder_of(&self.path);
        let named = match self.table.get("include") {
            Some(toml::Value::Array(several)) => several.iter().collect(),
            Some(one) => vec![one],
            None => Vec::new(),
        };
        let include = |value: &toml::Value| match value {
            toml::Value::String(path) => Some((folder.join(path), false)),
            toml::Value::Table(table) => {
                let may_be_missing = table.get("optional").and_then(toml::Value::as_bool).unwrap_or(false);
                Some((folder.join(table.get("path")?.as_str()?), may_be_missing))
            }
            // cargo refuses every other.
            _ => None,
        };
        named.into_iter().filter_map(include).collect()
    }
}

/// A text, or those of a list.
fn texts(value: &toml::Value) -> Vec<&str> {
    match value {
        toml::Value::Array(several) => several.iter().filter_map(toml::Value::as_str).collect(),
        one => Vec::from_iter(one.as_str()),
    }
}

/// Every configuration that cargo listens to in a folder.
#[derive(Debug, Clone, Default)]
pub(super) struct Configurations(Vec<Configuration>);

impl Configurations {
    /// Reads those of a folder and of all above it, those of cargo's home, and what they include.
    ///
    /// # Errors
    /// [`BuildError::File`], [`BuildError::Answer`] for one that cannot be read.
    pub(super) fn of(root: &Path, limits: &Limits) -> Result<Self, BuildError> {
        let mut found = Self::default();
        // cargo goes up from where links lead.
        let root = files::settled(root).map_err(|source| FileError::Read {
            path: root.to_owned(),
            source,
        })?;
        let above = root.ancestors().map(|folder| folder.join(".cargo"));
        for folder in above.chain(cargo::home()) {
            for path in ["config.toml", "config"].map(|name| folder.join(name)) {
                if path.is_file() {
                    found.read(path, limits)?;
                }
            }
        }
        Ok(found)
    }

    fn read(&mut self, path: PathBuf, limits: &Limits) -> Result<(), BuildError> {
        let settled = files::settled(&path).map_err(|source| FileError::Read {
            path: path.clone(),
            source,
        })?;
        if self.0.iter().any(|known| known.settled == settled) {
            return Ok(());
        }
        let unread = |detail: &str| BuildError::Answer {
            what: "cargo's configuration",
            detail: format!("{}: {detail}", path.display()),
        };
        if self.0.len() == MOST {
            return Err(unread("there are too many of them"));
        }
        let text = files::read_text(&path, limits.document)?;
        let table = text.parse::<toml::Table>().map_err(|error| unread(error.message()))?;
        let configuration = Configuration {
            path,
            settled,
            table,
            text,
        };
        let includes = configuration.includes();
        self.0.push(configuration);
        for (path, may_be_missing) in includes {
            if !may_be_missing || path.is_file() {
                self.read(path, limits)?;
            }
        }
        Ok(())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Configuration> {
        self.0.iter()
    }

    /// What stands in them, in the order in which they were found.
    pub(super) fn texts(&self) -> Vec<&str> {
        self.0.iter().map(|known| known.text.as_str()).collect()
    }

    /// True where one of them names what links for a target. Those for a `cfg` may be for it.
    pub(super) fn name_a_linker(&self, triple: &str) -> bool {
        let is_for_it =
            |(target, table): (&String, &toml::Table)| (target == triple || target.starts_with("cfg(")) && table.contains_key("linker");
        self.0.iter().any(|known| known.tables("target").any(is_for_it))
    }

    /// Folders that stand in for published crates of their names (`paths`).
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        let of = |known: &Configuration| -> Vec<PathBuf> {
            let named = known.table.get("paths").and_then(toml::Value::as_array).into_iter().flatten();
            named.filter_map(toml::Value::as_str).map(|path| known.base().join(path)).collect()
        };
        self.0.iter().flat_map(of).collect()
    }

    /// Folders whose crates take the place of a registry's (`cargo vendor`).
    pub(super) fn vendored(&self) -> Vec<PathBuf> {
        let of = |known: &Configuration| -> Vec<PathBuf> {
            let directories = known.tables("source").filter_map(|(_, source)| source.get("directory")?.as_str());
            directories.map(|directory| known.base().join(directory)).collect()
        };
        self.0.iter().flat_map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_a_configuration_includes_is_read_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("there");
        fs::create_dir_all(root.join("a/.cargo")).expect("made");
        let write = |name: &str, text: &str| fs::write(root.join(name), text).expect("written");
        write(
            "a/.cargo/config.toml",
            "include = [\"../x.toml\", { path = \"none.toml\", optional = true }]\n[source.v]\ndirectory = \"v\"\n",
        );
        write("a/x.toml", "include = \".cargo/../.cargo/config.toml\"\n[env]\nA = \"1\"\n");
        let found = Configurations::of(&root.join("a"), &Limits::default()).expect("read");
        assert!(found.iter().any(|known| known.table.contains_key("env")));
        assert!(found.vendored().contains(&root.join("a/v")));
        write("a/x.toml", "[env");
        let refused = Configurations::of(&root.join("a"), &Limits::default());
        assert!(refused.expect_err("no TOML").to_string().contains("x.toml"));
    }
}
