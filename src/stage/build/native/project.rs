//! The package that is built: found in its workspace before anything is compiled.

use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand, Package, TargetKind};

use crate::io::document::nearest;
use crate::io::files;
use crate::io::hash::sha256;
use crate::io::limits::Limits;
use crate::io::process::{ProcessError, Program};
use crate::model::digest::Digest;
use crate::stage::build::BuildError;

/// One binary of one package of a workspace with a lock file.
#[derive(Debug, Clone)]
pub(super) struct Project {
    /// cargo's identity of the package.
    pub(super) id: String,
    pub(super) package: String,
    pub(super) version: String,
    pub(super) bin: String,
    pub(super) workspace: PathBuf,
    /// Digest of `Cargo.lock`.
    pub(super) lock: Digest,
}

impl Project {
    /// Finds a package and its binary in the workspace that a folder belongs to. Needs no network.
    ///
    /// # Errors
    /// [`BuildError`] that lists what there is.
    pub(super) fn find(root: &Path, package: &str, bin: Option<&str>, limits: &Limits) -> Result<Self, BuildError> {
        let metadata = workspace(root)?;
        let found = metadata.workspace_packages().into_iter().find(|p| p.name.as_str() == package);
        let found = found.ok_or_else(|| unknown_package(&metadata, package))?;
        let path = metadata.workspace_root.join("Cargo.lock").into_std_path_buf();
        if !path.is_file() {
            return Err(BuildError::NoLock { path });
        }
        Ok(Self {
            id: found.id.repr.clone(),
            package: package.to_owned(),
            version: found.version.to_string(),
            bin: binary(found, bin)?,
            workspace: metadata.workspace_root.clone().into_std_path_buf(),
            lock: sha256(&files::read(&path, limits.wanted_file)?),
        })
    }

    /// Folders of local packages, out of cargo's identities, that lie outside of the workspace. cargo puts the absolute path of such
    /// a package into its symbols: the digest depends on where the checkout lies.
    pub(super) fn outside<'a>(&self, ids: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
        let local = ids.filter_map(|id| id.strip_prefix("path+file://")?.split('#').next());
        local.filter(|folder| !Path::new(folder).starts_with(&self.workspace)).collect()
    }
}

fn workspace(root: &Path) -> Result<Metadata, BuildError> {
    let question = Program::new("cargo").args(["metadata", "--no-deps", "--format-version", "1"]);
    let answer = question
        .env("CARGO_TERM_COLOR", "never")
        .current_dir(root)
        .stdout()
        .map_err(|source| match source {
            ProcessError::Start { .. } => BuildError::Toolchain { program: "cargo", source },
            ProcessError::Failed { ref tail, .. } if tail.contains("could not find `Cargo.toml`") => {
                BuildError::NoManifest { root: root.to_owned() }
            }
            source @ ProcessError::Failed { .. } => BuildError::Cargo {
                what: "the workspace",
                source,
            },
        })?;
    MetadataCommand::parse(String::from_utf8_lossy(&answer)).map_err(|error| BuildError::Answer {
        what: "cargo metadata",
        detail: error.to_string(),
    })
}

fn unknown_package(metadata: &Metadata, name: &str) -> BuildError {
    let mut known: Vec<String> = metadata.workspace_packages().iter().map(|p| p.name.to_string()).collect();
    known.sort();
    let candidates: Vec<&str> = known.iter().map(String::as_str).collect();
    BuildError::UnknownPackage {
        nearest: nearest(name, &candidates).map(str::to_owned),
        name: name.to_owned(),
        known,
    }
}

/// The binary that was named; without a name, the only one or the manifest's `default-run`.
fn binary(package: &Package, asked: Option<&str>) -> Result<String, BuildError> {
    let targets = package.targets.iter().filter(|target| target.kind.contains(&TargetKind::Bin));
    let mut known: Vec<String> = targets.map(|target| target.name.clone()).collect();
    known.sort();
    let wanted = asked.or(package.default_run.as_deref());
    match (wanted, known.as_slice()) {
        (_, []) => Err(BuildError::NoBinary {
            package: package.name.to_string(),
        }),
        (None, [only]) => Ok(only.clone()),
        (Some(name), _) if known.iter().any(|known| known == name) => Ok(name.to_owned()),
        (wanted, _) => {
            let candidates: Vec<&str> = known.iter().map(String::as_str).collect();
            Err(BuildError::WhichBinary {
                package: package.name.to_string(),
                asked: wanted.map(str::to_owned),
                nearest: wanted.and_then(|name| nearest(name, &candidates)).map(str::to_owned),
                known,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_outside_of_the_workspace_is_found_out() {
        let project = Project {
            id: String::new(),
            package: String::new(),
            version: String::new(),
            bin: String::new(),
            workspace: "/home/a/svc".into(),
            lock: sha256(b""),
        };
        let ids = [
            "path+file:///home/a/svc#0.1.0",
            "path+file:///home/a/svc/member#0.1.0",
            "path+file:///home/a/svc-lib#0.1.0",
            "registry+https://github.com/rust-lang/crates.io-index#serde@1.0.0",
        ]
        .map(str::to_owned);
        assert_eq!(project.outside(ids.iter()), ["/home/a/svc-lib"]);
    }
}
