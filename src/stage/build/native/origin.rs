//! Where the image comes from: as labels on it, and as facts about it.

use std::collections::BTreeMap;
use std::path::Path;

use super::compile::Compilation;
use crate::model::provenance::{Material, Provenance};
use crate::stage::build::assembly::Base;

/// Source: the OCI image specification, "Annotations".
pub(super) fn labels(compilation: &Compilation<'_>) -> BTreeMap<String, String> {
    let plan = compilation.plan;
    let mut labels = BTreeMap::new();
    let mut label = |name: &str, value: String| labels.insert(format!("org.opencontainers.image.{name}"), value);
    label("title", plan.service.clone());
    label("version", compilation.project.version.clone());
    label("created", super::created::created(plan).to_string());
    if let Some(commit) = &plan.commit {
        label("revision", commit.sha.to_string());
        commit.source.as_ref().map(|source| label("source", source.clone()));
    }
    labels
}

/// The facts that a provenance statement rests on.
pub(super) fn provenance(compilation: &Compilation<'_>, base: Option<&Base>, reproducible: bool) -> Provenance {
    let (plan, project) = (compilation.plan, compilation.project);
    let sha256 = |digest: String| BTreeMap::from([("sha256".to_owned(), digest)]);
    let mut materials = vec![Material {
        uri: format!("file:{}", lock_path(&plan.root, &project.workspace)),
        digest: sha256(project.lock.hex()),
    }];
    materials.extend(plan.commit.as_ref().map(|commit| Material {
        uri: format!("git+{}", commit.source.as_deref().unwrap_or("file:.")),
        digest: BTreeMap::from([("gitCommit".to_owned(), commit.sha.to_string())]),
    }));
    materials.extend(base.map(|base| Material {
        uri: base.name.clone(),
        digest: sha256(base.digest.hex()),
    }));
    materials.sort();
    let text = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    Provenance {
        builder: "native".to_owned(),
        parameters: BTreeMap::from([
            text("base", base.map_or("scratch", |base| &base.name)),
            text("binary", &project.bin),
            text("command", &compilation.shown()),
            text("package", &project.package),
            text("target", &compilation.toolchain.target),
        ]),
        materials,
        tools: BTreeMap::from([
            text("rustc", &compilation.toolchain.release),
            text("portcullis", env!("CARGO_PKG_VERSION")),
        ]),
        reproducible: reproducible && plan.commit.as_ref().is_some_and(|commit| !commit.dirty),
    }
}

/// Where the lock file lies, seen from the service's folder.
fn lock_path(root: &Path, workspace: &Path) -> String {
    let up = root.strip_prefix(workspace).map_or(0, |below| below.components().count());
    format!("{}Cargo.lock", "../".repeat(up))
}
