//! Where the image comes from: as labels on it, and as facts about it.

use std::collections::BTreeMap;

use super::sources::Sources;
use crate::model::plan::{BuildPlan, DockerfileBuild, DockerfileBuilder};
use crate::model::provenance::{Material, Provenance};

/// Labels that name the commit. Source: the OCI image specification, "Annotations".
pub(super) fn labels(plan: &BuildPlan) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    if let Some(commit) = &plan.commit {
        let mut label = |name: &str, value: String| labels.insert(format!("org.opencontainers.image.{name}"), value);
        label("created", commit.time.to_string());
        label("revision", commit.sha.to_string());
        commit.source.as_ref().map(|source| label("source", source.clone()));
    }
    labels
}

/// The facts that a provenance statement rests on. Of secrets it has the names, and the digests of bases as far as the builder told them.
pub(super) fn provenance(
    plan: &BuildPlan,
    build: &DockerfileBuild,
    sources: &Sources,
    (with, version): (DockerfileBuilder, &str),
    bases: &BTreeMap<String, String>,
) -> Provenance {
    let sha256 = |hex: String| BTreeMap::from([("sha256".to_owned(), hex)]);
    let mut materials = vec![Material {
        uri: format!("file:{}", build.dockerfile.display()),
        digest: sha256(sources.digest.hex()),
    }];
    materials.extend(plan.commit.as_ref().map(|commit| Material {
        uri: format!("git+{}", commit.source.as_deref().unwrap_or("file:.")),
        digest: BTreeMap::from([("gitCommit".to_owned(), commit.sha.to_string())]),
    }));
    materials.extend(bases.iter().map(|(name, digest)| Material {
        uri: format!("registry:{name}@{digest}"),
        digest: sha256(digest.trim_start_matches("sha256:").to_owned()),
    }));
    materials.sort();
    let mut parameters = BTreeMap::new();
    let mut set = |key: &str, value: String| {
        if !value.is_empty() {
            parameters.insert(key.to_owned(), value);
        }
    };
    set("dockerfile", build.dockerfile.display().to_string());
    set("context", build.context.display().to_string());
    set("target", build.target.clone().unwrap_or_default());
    set("network", build.network.clone().unwrap_or_default());
    // A step that comes from there is what its writer made of it.
    set("cache_from", build.cache_from.join(" "));
    set(
        "ssh",
        build
            .ssh
            .iter()
            .map(|key| key.split('=').next().unwrap_or(key))
            .collect::<Vec<_>>()
            .join(","),
    );
    set("secrets", build.secrets.keys().cloned().collect::<Vec<_>>().join(","));
    let platforms: Vec<String> = build.platforms.iter().map(ToString::to_string).collect();
    set("platforms", platforms.join(","));
    for (name, value) in &build.args {
        set(&format!("arg:{name}"), value.clone());
    }
    Provenance {
        builder: with.as_str().to_owned(),
        parameters,
        materials,
        tools: BTreeMap::from([
            (with.as_str().to_owned(), version.to_owned()),
            ("portcullis".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ]),
        // Nobody knows what its steps fetch and run: `build --twice` asks.
        reproducible: false,
    }
}
