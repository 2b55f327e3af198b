//! The programs that are built: found in their workspace before anything is compiled.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand, Package, TargetKind};

use super::compiled;
use crate::io::document::nearest;
use crate::io::files;
use crate::io::hash::sha256;
use crate::io::limits::Limits;
use crate::io::process::{ProcessError, Program};
use crate::model::digest::Digest;
use crate::model::plan::{NativeBuild, ProgramName};
use crate::stage::build::{BuildError, NativeError};

/// Programs of a workspace with a lock file.
#[derive(Debug, Clone)]
pub(super) struct Project {
    /// The packages whose programs are built, that of the one that starts first.
    pub(super) packages: Vec<Selected>,
    /// The program that starts.
    pub(super) entrypoint: String,
    pub(super) workspace: PathBuf,
    /// Digest of `Cargo.lock`.
    pub(super) lock: Digest,
}

/// A package, and what of it is built.
#[derive(Debug, Clone)]
pub(super) struct Selected {
    /// cargo's identity of the package.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) version: String,
    /// Its binary targets, in the order in which they were named.
    pub(super) bins: Vec<String>,
}

impl Project {
    /// Finds packages and their binaries in the workspace that a folder belongs to. Needs no network.
    ///
    /// # Errors
    /// [`BuildError`] that lists what there is.
    pub(super) fn find(root: &Path, build: &NativeBuild, limits: &Limits) -> Result<Self, BuildError> {
        let metadata = workspace(root)?;
        let path = metadata.workspace_root.join("Cargo.lock").into_std_path_buf();
        if !path.is_file() {
            return Err(BuildError::NoLock { path });
        }
        let mut packages: Vec<Selected> = Vec::new();
        let only = [None];
        let named: Vec<Option<&ProgramName>> = match build.programs.is_empty() {
            true => only.to_vec(),
            false => build.programs.iter().map(Some).collect(),
        };
        for program in named {
            let name = program.and_then(|program| program.package.as_ref()).unwrap_or(&build.package);
            let found = metadata.workspace_packages().into_iter().find(|p| p.name.as_str() == name);
            let found = found.ok_or_else(|| unknown_package(&metadata, name))?;
            let bin = binary(found, program.map(|program| program.bin.as_str()))?;
            if packages.iter().any(|package| package.bins.contains(&bin)) {
                return Err(NativeError::SameProgram { name: bin }.into());
            }
            match packages.iter_mut().find(|package| package.name == *name) {
                Some(package) => package.bins.push(bin),
                None => packages.push(Selected {
                    id: found.id.repr.clone(),
                    name: name.clone(),
                    version: found.version.to_string(),
                    bins: vec![bin],
                }),
            }
        }
        let entrypoint = entrypoint(&packages, build.entrypoint.as_deref())?;
        for feature in &build.features {
            is_feature(feature, build, &packages, &metadata)?;
        }
        packages.sort_by_key(|package| !package.bins.contains(&entrypoint));
        Ok(Self {
            packages,
            entrypoint,
            workspace: metadata.workspace_root.clone().into_std_path_buf(),
            lock: sha256(&files::read(&path, limits.wanted_file)?),
        })
    }

    /// Every program, that of the first package first.
    pub(super) fn programs(&self) -> impl Iterator<Item = &String> {
        self.packages.iter().flat_map(|package| &package.bins)
    }

    /// Folders of local packages, out of cargo's identities, that lie outside of the workspace. cargo puts the absolute path of such
    /// a package into its symbols: the digest depends on where the checkout lies.
    pub(super) fn outside<'a>(&self, ids: impl Iterator<Item = &'a String>) -> BTreeSet<PathBuf> {
        let local = ids.filter_map(|id| compiled::folder_of(id));
        local.filter(|folder| !folder.starts_with(&self.workspace)).collect()
    }
}

/// Refuses a feature that would be of nothing that is built: cargo's own words for it are found at the end of a build's output.
/// `feature` is of the package of the build, `member/feature` of a member whose program is built, `dependency/feature` of what that package needs.
fn is_feature(feature: &str, build: &NativeBuild, packages: &[Selected], metadata: &Metadata) -> Result<(), BuildError> {
    let (package, name) = match feature.split_once('/') {
        Some((member, name)) if packages.iter().any(|package| package.name == member) => (member, name),
        _ => (build.package.as_str(), feature),
    };
    let found = metadata.workspace_packages().into_iter().find(|p| p.name.as_str() == package);
    let Some(found) = found.filter(|_| packages.iter().any(|built| built.name == package)) else {
        return Err(unknown_package(metadata, package));
    };
    let is_of_dependency = name.split_once('/').is_some_and(|(dependency, _)| {
        let dependency = dependency.trim_end_matches('?');
        let called = |needed: &cargo_metadata::Dependency| needed.rename.as_deref().unwrap_or(&needed.name) == dependency;
        found.dependencies.iter().any(called)
    });
    if is_of_dependency || found.features.contains_key(name) || name == "default" {
        return Ok(());
    }
    let known: Vec<String> = found.features.keys().cloned().collect();
    let candidates: Vec<&str> = known.iter().map(String::as_str).collect();
    Err(NativeError::Feature {
        package: package.to_owned(),
        nearest: nearest(name, &candidates).map(str::to_owned),
        name: name.to_owned(),
        known,
    }
    .into())
}

/// The program that was named; without a name, the first.
fn entrypoint(packages: &[Selected], asked: Option<&str>) -> Result<String, BuildError> {
    let known: Vec<String> = packages.iter().flat_map(|package| package.bins.iter().cloned()).collect();
    match asked {
        None => Ok(known
            .into_iter()
            .next()
            .unwrap_or_else(|| unreachable!("a package is selected for its program"))),
        Some(name) if known.iter().any(|known| known == name) => Ok(name.to_owned()),
        Some(name) => {
            let candidates: Vec<&str> = known.iter().map(String::as_str).collect();
            Err(NativeError::Entrypoint {
                nearest: nearest(name, &candidates).map(str::to_owned),
                name: name.to_owned(),
                known,
            }
            .into())
        }
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
            packages: Vec::new(),
            entrypoint: String::new(),
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
        assert_eq!(project.outside(ids.iter()), BTreeSet::from([PathBuf::from("/home/a/svc-lib")]));
    }
}
