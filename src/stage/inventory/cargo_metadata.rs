//! The crates of one package as cargo resolves them: by features and target, with what each is needed for, and licenses.
//!
//! A lock file names every package that any feature of any target may need. This asks cargo which of them a build takes, in about a
//! quarter of a second, so that it is for the service's own SBOM and not for every scan.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Node, Package, PackageId, TargetKind};

use crate::io::process::{ProcessError, Program};
use crate::model::fault::Fault;
use crate::model::inventory::{Component, Origin, Scope};

use super::cargo_lock;
use super::crates::{self, Crate};

/// Why cargo's resolution is not known.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ResolutionError {
    /// Cargo is not there, or refused.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Cargo(#[from] ProcessError),
    /// Cargo said something else than metadata.
    #[error("cannot read what `cargo metadata` says")]
    #[diagnostic(code(inventory::cargo_metadata))]
    Metadata(#[source] cargo_metadata::Error),
    /// The workspace has no such package.
    #[error("the workspace has no package `{package}`")]
    #[diagnostic(code(inventory::no_such_package), help("it has: {known}"))]
    NoSuchPackage {
        /// The name that was asked for.
        package: String,
        /// The names of the workspace's packages.
        known: String,
    },
}

impl ResolutionError {
    /// How the run ends.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Cargo(_) | Self::Metadata(_) => Fault::Undecidable,
            Self::NoSuchPackage { .. } => Fault::Usage,
        }
    }
}

/// The crates that a build of `package` for `target` (a triple) takes. The lock file is neither made nor changed. Blocking.
///
/// Crates that only the package's own tests need are of [`Scope::Development`]; build scripts, procedural macros and what only these
/// need of [`Scope::Build`]. Features are those of the whole workspace, as cargo unifies them.
///
/// # Errors
/// [`ResolutionError`].
pub fn crates(manifest: &Path, package: &str, target: &str) -> Result<Vec<Component>, ResolutionError> {
    let said = Program::new("cargo")
        .args([
            "metadata",
            "--format-version=1",
            "--locked",
            "--filter-platform",
            target,
            "--manifest-path",
        ])
        .args([manifest])
        .stdout()?;
    resolved(&String::from_utf8_lossy(&said), package)
}

/// Reads what `cargo metadata` says.
fn resolved(json: &str, package: &str) -> Result<Vec<Component>, ResolutionError> {
    let metadata = MetadataCommand::parse(json).map_err(ResolutionError::Metadata)?;
    let root = metadata
        .workspace_packages()
        .into_iter()
        .find(|member| member.name.as_str() == package)
        .map(|member| member.id.clone());
    let root = root.ok_or_else(|| ResolutionError::NoSuchPackage {
        package: package.to_owned(),
        known: names(&metadata),
    })?;
    let graph = Graph::new(&metadata);
    let scopes = graph.scopes(&root);
    Ok(graph.components(&root, &scopes))
}

fn names(metadata: &Metadata) -> String {
    let names: Vec<&str> = metadata.workspace_packages().iter().map(|member| member.name.as_str()).collect();
    names.join(", ")
}

struct Graph<'a> {
    packages: HashMap<&'a PackageId, &'a Package>,
    nodes: HashMap<&'a PackageId, &'a Node>,
    members: HashSet<&'a PackageId>,
}

impl<'a> Graph<'a> {
    fn new(metadata: &'a Metadata) -> Self {
        Self {
            packages: metadata.packages.iter().map(|package| (&package.id, package)).collect(),
            nodes: metadata
                .resolve
                .iter()
                .flat_map(|resolve| &resolve.nodes)
                .map(|node| (&node.id, node))
                .collect(),
            members: metadata.workspace_members.iter().collect(),
        }
    }

    fn is_macro(&self, id: &PackageId) -> bool {
        let package = self.packages.get(id);
        package.is_some_and(|package| package.targets.iter().any(|target| target.kind.contains(&TargetKind::ProcMacro)))
    }

    /// What each package is needed for: the strongest of all ways that lead to it.
    fn scopes(&self, root: &PackageId) -> HashMap<&'a PackageId, Scope> {
        let mut scopes: HashMap<&PackageId, Scope> = HashMap::new();
        let Some((root, _)) = self.nodes.get_key_value(root) else {
            return scopes;
        };
        let mut open = vec![(*root, Scope::Runtime)];
        while let Some((id, scope)) = open.pop() {
            if scopes.get(id).is_some_and(|known| *known <= scope) {
                continue;
            }
            scopes.insert(id, scope);
            let dependencies = self.nodes.get(id).map(|node| node.deps.as_slice()).unwrap_or_default();
            for dependency in dependencies {
                for kind in &dependency.dep_kinds {
                    let needed_for = match kind.kind {
                        DependencyKind::Development if id != *root => continue,
                        DependencyKind::Development => Scope::Development,
                        DependencyKind::Build => Scope::Build,
                        _ if self.is_macro(&dependency.pkg) => Scope::Build,
                        _ => Scope::Runtime,
                    };
                    open.push((&dependency.pkg, scope.max(needed_for)));
                }
            }
        }
        scopes
    }

    fn components(&self, root: &PackageId, scopes: &HashMap<&'a PackageId, Scope>) -> Vec<Component> {
        let mut ids: Vec<&PackageId> = scopes.keys().copied().filter(|id| self.packages.contains_key(id)).collect();
        ids.sort();
        let index: HashMap<&PackageId, usize> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        let versions: Vec<String> = ids.iter().map(|id| self.packages[id].version.to_string()).collect();
        let graph = ids.iter().zip(&versions).map(|(id, version)| {
            let package = self.packages[id];
            let dependencies = self.nodes.get(id).map(|node| node.deps.as_slice()).unwrap_or_default();
            // What only tests of a dependency need is not built for it.
            let needed = dependencies
                .iter()
                .filter(|dependency| *id == root || dependency.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development));
            Crate {
                name: package.name.as_str(),
                version,
                origin: package
                    .source
                    .as_ref()
                    .map_or(Origin::Local, |source| cargo_lock::origin(Some(&source.repr))),
                scope: scopes[id],
                sha256: None,
                root: *id == root || self.members.contains(id),
                dependencies: needed.filter_map(|dependency| index.get(&dependency.pkg).copied()).collect(),
                locations: Vec::new(),
            }
        });
        let mut components = crates::components(graph.collect(), "cargo-metadata");
        for (component, id) in components.iter_mut().zip(&ids) {
            // Crates.io took `MIT/Apache-2.0` for an expression once.
            component
                .licenses
                .extend(self.packages[id].license.as_ref().map(|text| text.replace('/', " OR ")));
        }
        components
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small workspace on the disk: a service with a build script helper, a macro, a test helper, and a dependency for another system.
    fn workspace() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        };
        let member = |name: &str, rest: &str| {
            let manifest =
                format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\nlicense = \"MIT/Apache-2.0\"\n{rest}");
            write(&format!("{name}/Cargo.toml"), &manifest);
            write(&format!("{name}/src/lib.rs"), "");
        };
        write("Cargo.toml", "[workspace]\nmembers = [\"service\"]\nresolver = \"2\"\n");
        member(
            "service",
            "[dependencies]\nlinked = { path = \"../linked\" }\nderive = { path = \"../derive\" }\n\
             [target.'cfg(windows)'.dependencies]\nwindows = { path = \"../windows\" }\n\
             [build-dependencies]\nhelper = { path = \"../helper\" }\n[dev-dependencies]\nharness = { path = \"../harness\" }\n",
        );
        member("linked", "");
        member("windows", "");
        member("harness", "");
        member(
            "helper",
            "[dependencies]\nlinked = { path = \"../linked\" }\ninner = { path = \"../inner\" }\n",
        );
        member("inner", "[dev-dependencies]\nwindows = { path = \"../windows\" }\n");
        member(
            "derive",
            "[lib]\nproc-macro = true\n[dependencies]\nquote = { path = \"../quote\" }\n",
        );
        member("quote", "");
        Program::new("cargo")
            .args(["generate-lockfile", "--offline"])
            .current_dir(folder.path())
            .stdout()
            .expect("cargo");
        folder
    }

    #[test]
    fn crates_are_told_apart_by_what_they_are_needed_for() {
        let folder = workspace();
        let manifest = folder.path().join("Cargo.toml");
        let components = crates(&manifest, "service", "x86_64-unknown-linux-gnu").expect("resolved");
        let mut seen: Vec<_> = components.iter().map(|c| (c.name.as_str(), c.scope)).collect();
        seen.sort();
        assert_eq!(
            seen,
            [
                ("derive", Scope::Build),
                ("harness", Scope::Development),
                ("helper", Scope::Build),
                ("inner", Scope::Build),
                ("linked", Scope::Runtime),
                ("quote", Scope::Build),
                ("service", Scope::Runtime),
            ]
        );
        assert!(components.iter().all(|c| c.licenses == ["MIT OR Apache-2.0"]));
    }

    #[test]
    fn a_package_that_is_not_there_is_told_with_those_that_are() {
        let folder = workspace();
        let error = crates(&folder.path().join("Cargo.toml"), "servce", "x86_64-unknown-linux-gnu").expect_err("no such package");
        assert!(
            matches!(&error, ResolutionError::NoSuchPackage { known, .. } if known.contains("service")),
            "{error:?}"
        );
    }
}
