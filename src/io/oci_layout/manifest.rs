//! The three documents of an image: index, manifest, configuration, in OCI's and in Docker's media types.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use super::LayoutError;
use super::base::{self, Step};
use crate::io::oci::{self, Shape, shape};
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::model::image::{Compression, Descriptor, ImageConfig, media_type};

/// The type of the layers of BuildKit's attestations.
const IN_TOTO: &str = "application/vnd.in-toto+json";

const INDEXES: [&str; 2] = [media_type::OCI_INDEX, media_type::DOCKER_INDEX];
const MANIFESTS: [&str; 2] = [media_type::OCI_MANIFEST, media_type::DOCKER_MANIFEST];

/// An image index, or Docker's manifest list.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// What it says it is.
    #[serde(default)]
    pub media_type: Option<String>,
    /// What it lists, in its order.
    pub manifests: Vec<Descriptor>,
    /// As the document has them; `None` where it has no such member.
    #[serde(default)]
    pub annotations: Option<BTreeMap<String, String>>,
    /// The artifact type, where it is an index of artifacts.
    #[serde(default)]
    pub artifact_type: Option<String>,
    #[serde(default)]
    schema_version: Option<i64>,
    #[serde(default)]
    layers: Option<IgnoredAny>,
    #[serde(default)]
    config: Option<IgnoredAny>,
    #[serde(default)]
    fs_layers: Option<IgnoredAny>,
}

/// An image manifest, as the OCI image specification 1.1 defines it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// What it says it is.
    #[serde(default)]
    pub media_type: Option<String>,
    /// Names the configuration blob by digest and size.
    pub config: Descriptor,
    /// The layers, the lowest first.
    pub layers: Vec<Descriptor>,
    /// The artifact type, where it is not an image.
    #[serde(default)]
    pub artifact_type: Option<String>,
    /// What it refers to, where it is an attestation.
    #[serde(default)]
    pub subject: Option<Descriptor>,
    /// As the document has them; `None` where it has no such member.
    #[serde(default)]
    pub annotations: Option<BTreeMap<String, String>>,
    #[serde(default)]
    schema_version: Option<i64>,
    #[serde(default)]
    manifests: Option<IgnoredAny>,
    #[serde(default)]
    fs_layers: Option<IgnoredAny>,
}

/// The blob that a manifest's `config` names, by the OCI image specification 1.1.
#[derive(Debug, Clone)]
pub struct Config {
    /// Operating system; empty where it is not said.
    pub os: String,
    /// Processor; empty where it is not said.
    pub architecture: String,
    /// Variant of the processor.
    pub variant: Option<String>,
    /// What decisions rest on.
    pub config: ImageConfig,
    /// Digests of the layers' tars, the lowest first.
    pub diff_ids: Vec<Digest>,
    /// `created_by` of each layer; all none where the history does not account for the layers one by one.
    pub created_by: Vec<Option<String>>,
}

impl Index {
    /// Parses an index. `path` is for errors.
    ///
    /// # Errors
    /// [`LayoutError::Document`]; [`LayoutError::Inconsistent`] for a document that would pass as a manifest too.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, LayoutError> {
        let index: Self = parse(path, "image index", bytes, &shape::IMAGE)?;
        if index.layers.is_some() || index.config.is_some() || index.fs_layers.is_some() {
            return Err(ambiguous(path));
        }
        check_kind(path, index.media_type.as_deref(), index.schema_version, &INDEXES)?;
        Ok(index)
    }
}

impl Manifest {
    /// Parses a manifest. `path` is for errors.
    ///
    /// # Errors
    /// [`LayoutError::Document`]; [`LayoutError::Inconsistent`] for a document that would pass as an index too.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, LayoutError> {
        let manifest: Self = parse(path, "image manifest", bytes, &shape::IMAGE)?;
        if manifest.manifests.is_some() || manifest.fs_layers.is_some() {
            return Err(ambiguous(path));
        }
        check_kind(path, manifest.media_type.as_deref(), manifest.schema_version, &MANIFESTS)?;
        Ok(manifest)
    }

    /// True for BuildKit's attestations, which stand beside the images of an index. Nothing but the layers tells: a platform or an annotation
    /// can be written on an image too, and a runtime that does not know it would run that image.
    #[must_use]
    pub fn is_attestation(&self) -> bool {
        !self.layers.is_empty() && self.layers.iter().all(|layer| layer.media_type == IN_TOTO)
    }

    /// True when a runtime could unpack it: one of its layers is of a type that layers of images have.
    #[must_use]
    pub fn is_image(&self) -> bool {
        const PREFIXES: [&str; 2] = ["application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs."];
        let is_layer = |layer: &Descriptor| PREFIXES.iter().any(|prefix| layer.media_type.starts_with(prefix));
        self.layers.iter().any(is_layer)
    }
}

impl Config {
    /// Parses an image configuration. `path` is for errors.
    ///
    /// # Errors
    /// [`LayoutError::Document`].
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, LayoutError> {
        let raw: RawConfig = parse(path, "image configuration", bytes, &shape::CONFIG)?;
        let inner = raw.config.unwrap_or_default();
        let mut exposed_ports: Vec<String> = inner.exposed_ports.unwrap_or_default().into_keys().collect();
        exposed_ports.sort();
        let history_text = raw.history.iter().flatten().flat_map(|step| [&step.created_by, &step.comment]);
        let history_text = history_text.flatten().cloned().collect();
        let (created_by, steps) = history(raw.history.unwrap_or_default(), raw.rootfs.diff_ids.len());
        let labels = inner.labels.unwrap_or_default();
        Ok(Self {
            os: raw.os.unwrap_or_default(),
            architecture: raw.architecture.unwrap_or_default(),
            variant: raw.variant.filter(|v| !v.is_empty()),
            config: ImageConfig {
                user: inner.user.filter(|u| !u.is_empty()),
                entrypoint: inner.entrypoint.unwrap_or_default(),
                cmd: inner.cmd.unwrap_or_default(),
                env: inner.env.unwrap_or_default(),
                base: base::base(&steps, &labels),
                labels,
                exposed_ports,
                healthcheck: inner.healthcheck.and_then(|h| h.test),
                working_dir: inner.working_dir.filter(|w| !w.is_empty()),
                created: raw.created,
                history: history_text,
                texts: other_texts(bytes),
            },
            diff_ids: raw.rootfs.diff_ids,
            created_by,
        })
    }
}

/// The texts of a configuration that have no field of their own (`OnBuild`, `container_config`, `author`), each with its place: `config.OnBuild[0]`.
fn other_texts(bytes: &[u8]) -> Vec<(String, String)> {
    const OWN: [&str; 6] = ["Env", "Labels", "Entrypoint", "Cmd", "Healthcheck", "User"];
    let mut texts = Vec::new();
    // It was parsed a moment ago.
    let Some(Value::Object(mut document)) = serde_json::from_slice(bytes).or_none("no document has no texts") else {
        return texts;
    };
    document.remove("rootfs");
    if let Some(Value::Object(config)) = document.get_mut("config") {
        config.retain(|name, _| !OWN.contains(&name.as_str()));
    }
    for step in document.get_mut("history").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::Object(step) = step {
            step.retain(|name, _| !matches!(name.as_str(), "created_by" | "comment" | "created"));
        }
    }
    collect(String::new(), &Value::Object(document), &mut texts);
    texts
}

fn collect(place: String, value: &Value, texts: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => texts.push((place, text.clone())),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                collect(format!("{place}[{at}]"), item, texts);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let here = if place.is_empty() {
                    name.clone()
                } else {
                    format!("{place}.{name}")
                };
                // A key may be a text of somebody's own: the paths of `Volumes`.
                texts.push((here.clone(), name.clone()));
                collect(here, field, texts);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// How a layer of some media type is packed; none where the type is not that of a layer.
#[must_use]
pub fn layer_compression(media: &str) -> Option<Compression> {
    const NAMES: [(&str, Compression); 9] = [
        (media_type::OCI_LAYER, Compression::None),
        (media_type::OCI_LAYER_GZIP, Compression::Gzip),
        (media_type::OCI_LAYER_ZSTD, Compression::Zstd),
        ("application/vnd.oci.image.layer.nondistributable.v1.tar", Compression::None),
        ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", Compression::Gzip),
        ("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", Compression::Zstd),
        ("application/vnd.docker.image.rootfs.diff.tar", Compression::None),
        (media_type::DOCKER_LAYER_GZIP, Compression::Gzip),
        ("application/vnd.docker.image.rootfs.diff.tar.zstd", Compression::Zstd),
    ];
    NAMES.iter().find(|(name, _)| *name == media).map(|(_, compression)| *compression)
}

#[derive(Deserialize)]
struct RawConfig {
    os: Option<String>,
    architecture: Option<String>,
    variant: Option<String>,
    created: Option<String>,
    config: Option<RawInner>,
    rootfs: RawRootFs,
    history: Option<Vec<RawHistory>>,
}

#[derive(Deserialize)]
struct RawRootFs {
    diff_ids: Vec<Digest>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
struct RawInner {
    user: Option<String>,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    env: Option<Vec<String>>,
    labels: Option<BTreeMap<String, String>>,
    exposed_ports: Option<BTreeMap<String, IgnoredAny>>,
    healthcheck: Option<RawHealthcheck>,
    working_dir: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawHealthcheck {
    test: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct RawHistory {
    created_by: Option<String>,
    comment: Option<String>,
    #[serde(default)]
    empty_layer: bool,
}

/// What made each layer, and every step. Entries of empty layers have no layer; a history that does not add up is better not believed.
fn history(history: Vec<RawHistory>, layers: usize) -> (Vec<Option<String>>, Vec<Step>) {
    if history.iter().filter(|entry| !entry.empty_layer).count() != layers {
        return (vec![None; layers], Vec::new());
    }
    let steps = history.iter().map(|entry| Step {
        created_by: entry.created_by.clone().unwrap_or_default(),
        comment: entry.comment.clone().unwrap_or_default(),
        empty: entry.empty_layer,
    });
    let steps = steps.collect();
    let made = history.into_iter().filter(|entry| !entry.empty_layer).map(|entry| entry.created_by);
    (made.collect(), steps)
}

fn parse<T: DeserializeOwned>(path: &Path, what: &'static str, bytes: &[u8], shape: &Shape) -> Result<T, LayoutError> {
    oci::decode(bytes, shape).map_err(|refused| LayoutError::document(path, what, refused))
}

/// What a document calls itself must not be the other kind: some readers go by that, some by what its descriptor says.
fn check_kind(path: &Path, media: Option<&str>, schema: Option<i64>, kinds: &[&str; 2]) -> Result<(), LayoutError> {
    if schema.is_some_and(|schema| schema != 2) {
        return Err(LayoutError::inconsistent(path, "has a `schemaVersion` other than 2"));
    }
    match media {
        Some(media) if !media.is_empty() && !kinds.contains(&media) => {
            let media: String = media.chars().take(100).collect();
            let reason = format!("calls itself `{}`, and is listed as something else", media.escape_debug());
            Err(LayoutError::inconsistent(path, reason))
        }
        _ => Ok(()),
    }
}

/// Two readers would see two images in it. Source: CVE-2021-41190.
fn ambiguous(path: &Path) -> LayoutError {
    LayoutError::inconsistent(path, "is an image manifest and an image index at once, and is refused as neither")
}
