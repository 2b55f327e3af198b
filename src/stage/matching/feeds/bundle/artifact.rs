//! A bundle in a registry: an artifact with the bundle as its only layer.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{BUNDLE_MEDIA_TYPE, Bundle, cannot, export, import, problem};
use crate::io::Effects;
use crate::io::hash::sha256;
use crate::io::registry::{Access, Content, Options, Registry};
use crate::model::digest::Digest;
use crate::model::image::{Descriptor, media_type};
use crate::model::inventory::Ecosystem;
use crate::model::plan::FeedsPlan;
use crate::stage::matching::error::MatchingError;

const EMPTY: &[u8] = b"{}";

/// A bundle and the artifact that holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Artifact {
    /// What it is pulled by: `HOST/PATH@sha256:…`.
    pub reference: String,
    /// Digest of the manifest.
    pub manifest: Digest,
    /// What the artifact's layer holds, with its own list of digests checked.
    pub bundle: Bundle,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    schema_version: u8,
    media_type: String,
    #[serde(default)]
    artifact_type: Option<String>,
    config: Descriptor,
    layers: Vec<Descriptor>,
}

/// Writes a bundle as [`export`] does and stores it in a repository, under a tag where one is given. The same copies give the same digest.
///
/// # Errors
/// As [`export`]; [`MatchingError::Registry`].
pub async fn push(
    plan: &FeedsPlan,
    ecosystems: &[Ecosystem],
    repository: &str,
    tag: Option<&str>,
    effects: &Effects,
) -> Result<Artifact, MatchingError> {
    let registry = Registry::open(repository, Options::new(Access::Write, false), effects)?;
    let folder = tempfile::tempdir().map_err(cannot(&plan.cache))?;
    let file = folder.path().join("feeds.tar");
    let bundle = tokio::task::block_in_place(|| export(plan, ecosystems, &file))?;
    let descriptor = |kind: &str, digest, size| Descriptor::new(kind, digest, size);
    let config = descriptor(media_type::OCI_EMPTY, sha256(EMPTY), EMPTY.len() as u64);
    let layer = descriptor(BUNDLE_MEDIA_TYPE, bundle.digest, bundle.size);
    let silent = || Arc::new(|_: u64| {});
    registry
        .push_blob(
            &config.digest,
            config.size,
            &Content::Bytes(Bytes::from_static(EMPTY)),
            None,
            &(silent() as _),
        )
        .await?;
    registry
        .push_blob(&layer.digest, layer.size, &Content::File(file), None, &(silent() as _))
        .await?;
    let manifest = Manifest {
        schema_version: 2,
        media_type: media_type::OCI_MANIFEST.to_owned(),
        artifact_type: Some(BUNDLE_MEDIA_TYPE.to_owned()),
        config,
        layers: vec![layer],
    };
    let bytes = Bytes::from(serde_json::to_vec(&manifest).map_err(|error| problem(Path::new("feeds.tar"), error.to_string()))?);
    let digest = sha256(&bytes);
    let name = tag.map_or_else(|| digest.to_string(), str::to_owned);
    registry.put_manifest(&name, media_type::OCI_MANIFEST, &bytes).await?;
    Ok(Artifact {
        reference: format!("{}@{digest}", registry.repository()),
        manifest: digest,
        bundle,
    })
}

/// Fetches an artifact by its digest and takes the bundle in it as [`import`] does.
///
/// # Errors
/// As [`import`]; [`MatchingError::Registry`] for one that is not there or is not what its digest says.
pub async fn pull(repository: &str, digest: &Digest, plan: &FeedsPlan, effects: &Effects) -> Result<Artifact, MatchingError> {
    let registry = Registry::open(repository, Options::new(Access::Read, false), effects)?;
    let reference = format!("{}@{digest}", registry.repository());
    let not_one = |why: &str| problem(Path::new(&reference), format!("it is not a bundle of feeds: {why}"));
    let raw = registry.manifest(digest).await?;
    let manifest: Manifest = serde_json::from_slice(&raw.bytes).map_err(|error| not_one(&error.to_string()))?;
    let [layer] = manifest.layers.as_slice() else {
        return Err(not_one("it has not one layer"));
    };
    if layer.media_type != BUNDLE_MEDIA_TYPE {
        return Err(not_one(&format!("its layer is a {}", layer.media_type)));
    }
    let folder = tempfile::tempdir().map_err(cannot(&plan.cache))?;
    let file = folder.path().join("feeds.tar");
    let mut blob = registry.pull_blob(&layer.digest, layer.size).await?;
    let mut written = std::fs::File::create(&file).map_err(cannot(&file))?;
    while let Some(chunk) = blob.next().await? {
        std::io::Write::write_all(&mut written, &chunk).map_err(cannot(&file))?;
    }
    drop(written);
    Ok(Artifact {
        bundle: tokio::task::block_in_place(|| import(&file, plan, effects))?,
        manifest: *digest,
        reference,
    })
}
