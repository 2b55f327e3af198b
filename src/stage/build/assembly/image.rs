//! The configuration and the manifest of an image.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::manifest::{gzip_layer, put_manifest};
use super::{Base, NewLayer};
use crate::io::oci_layout::OciLayout;
use crate::model::excused::Excused as _;
use crate::model::image::{Compression, Descriptor, Layer, Platform, media_type};
use crate::model::plan::HealthCheck;
use crate::stage::build::BuildError;

/// Labels that speak of the image they are on, and must not be inherited.
const SELF_LABELS: &str = "org.opencontainers.image.";

/// How the image is run and what it says about itself.
#[derive(Debug, Clone)]
pub(in crate::stage::build) struct Settings {
    pub(in crate::stage::build) platform: Platform,
    /// The commit's time.
    pub(in crate::stage::build) created: Timestamp,
    /// The user that was asked for.
    pub(in crate::stage::build) user: Option<String>,
    /// `uid:gid`, where nobody was asked for and the base names no user or root.
    pub(in crate::stage::build) default_user: String,
    pub(in crate::stage::build) entrypoint: Vec<String>,
    /// Arguments behind the entry point.
    pub(in crate::stage::build) cmd: Vec<String>,
    /// Absolute.
    pub(in crate::stage::build) workdir: String,
    /// Name and value, over the base's.
    pub(in crate::stage::build) env: Vec<(String, String)>,
    /// TCP port.
    pub(in crate::stage::build) port: Option<u16>,
    pub(in crate::stage::build) labels: BTreeMap<String, String>,
    pub(in crate::stage::build) health: Option<HealthCheck>,
}

/// Writes the configuration and the manifest of layers that lie in the layout, upon a base or upon nothing.
///
/// # Errors
/// [`BuildError::Layout`].
pub(in crate::stage::build) fn assemble(
    layout: &OciLayout,
    base: Option<&Base>,
    layers: &[NewLayer],
    settings: &Settings,
) -> Result<Descriptor, BuildError> {
    let config = configuration(base, layers, settings).to_string();
    let below = base.iter().flat_map(|base| &base.layers).map(described);
    let above = layers.iter().map(|layer| gzip_layer(&layer.digest, layer.size));
    let layers: Vec<Value> = below.chain(above).collect();
    Ok(put_manifest(layout, config.as_bytes(), &layers)?)
}

/// A layer of the base, in OCI's words: the bytes of Docker's types are the same.
fn described(layer: &Layer) -> Value {
    let media = match layer.compression {
        Compression::None => media_type::OCI_LAYER,
        Compression::Gzip => media_type::OCI_LAYER_GZIP,
        Compression::Zstd => media_type::OCI_LAYER_ZSTD,
    };
    json!({"mediaType": media, "digest": layer.digest, "size": layer.size})
}

fn configuration(base: Option<&Base>, layers: &[NewLayer], settings: &Settings) -> Value {
    let below = base.map(|base| &base.configuration);
    let created = settings.created.to_string();
    let of_base = base.iter().flat_map(|base| &base.layers).map(|layer| layer.diff_id);
    let diff_ids: Vec<_> = of_base.chain(layers.iter().map(|layer| layer.diff_id)).collect();
    let mut history = below
        .and_then(|c| c.get("history"))
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let made = layers
        .iter()
        .map(|layer| json!({"created": created, "created_by": layer.created_by}));
    history.extend(made);
    let mut configuration = json!({
        "architecture": settings.platform.architecture,
        "os": settings.platform.os,
        "created": created,
        "config": running(below.and_then(|c| c.get("config")).and_then(Value::as_object), settings),
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": history,
    });
    if let Some(variant) = &settings.platform.variant {
        configuration["variant"] = json!(variant);
    }
    configuration
}

/// How the image is run. What only made sense for the base's own program goes: its command, its health check, its hooks.
fn running(below: Option<&Map<String, Value>>, settings: &Settings) -> Value {
    let inherited = |key: &str| below.and_then(|below| below.get(key)).cloned().filter(|value| !value.is_null());
    let of_base = inherited("User").filter(|user| !is_root(user.as_str().unwrap_or_default()));
    let asked = settings.user.as_ref().map(|user| json!(user));
    let mut running = json!({
        "User": asked.or(of_base).unwrap_or_else(|| json!(settings.default_user)),
        "Entrypoint": settings.entrypoint,
        "Env": environment(inherited("Env"), &settings.env),
        "WorkingDir": settings.workdir,
        "Labels": labels(inherited("Labels"), &settings.labels),
    });
    if let Some(port) = settings.port {
        running["ExposedPorts"] = json!({ format!("{port}/tcp"): {} });
    }
    if !settings.cmd.is_empty() {
        running["Cmd"] = json!(settings.cmd);
    }
    if let Some(check) = &settings.health {
        running["Healthcheck"] = health(check);
    }
    running
}

/// Docker's form: nanoseconds, and nothing for what is the engine's to say. Source: Docker's image specification v1.2.
fn health(check: &HealthCheck) -> Value {
    let test: Vec<&str> = std::iter::once("CMD").chain(check.test.iter().map(String::as_str)).collect();
    let mut health = json!({"Test": test});
    for (key, span) in [
        ("Interval", check.interval),
        ("Timeout", check.timeout),
        ("StartPeriod", check.start_period),
    ] {
        if let Some(nanos) = span.and_then(|span| i64::try_from(span.as_nanos()).or_none("longer than a configuration may say")) {
            health[key] = json!(nanos);
        }
    }
    if let Some(retries) = check.retries {
        health["Retries"] = json!(retries);
    }
    health
}

fn is_root(user: &str) -> bool {
    matches!(user.split(':').next(), None | Some("" | "0" | "root"))
}

fn environment(below: Option<Value>, over: &[(String, String)]) -> Vec<String> {
    let below: Vec<String> = below
        .and_then(|env| serde_json::from_value(env).or_none("it was parsed as such when the base was read"))
        .unwrap_or_default();
    let name = |entry: &str| entry.split('=').next().unwrap_or_default().to_owned();
    let mut env: Vec<String> = below
        .into_iter()
        .filter(|entry| !over.iter().any(|(key, _)| *key == name(entry)))
        .collect();
    env.extend(over.iter().map(|(key, value)| format!("{key}={value}")));
    env
}

fn labels(below: Option<Value>, over: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut labels: BTreeMap<String, String> = below
        .and_then(|labels| serde_json::from_value(labels).or_none("it was parsed as such when the base was read"))
        .unwrap_or_default();
    labels.retain(|name, _| !name.starts_with(SELF_LABELS));
    labels.extend(over.clone());
    labels
}
