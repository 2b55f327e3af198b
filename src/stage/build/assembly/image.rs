//! The configuration and the manifest of an image.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::NewLayer;
use crate::io::oci_layout::OciLayout;
use crate::model::image::{Descriptor, Platform, media_type};
use crate::stage::build::BuildError;

/// How the image is run and what it says about itself.
#[derive(Debug, Clone)]
pub(in crate::stage::build) struct Settings {
    pub(in crate::stage::build) platform: Platform,
    /// The commit's time.
    pub(in crate::stage::build) created: Timestamp,
    /// `uid:gid`.
    pub(in crate::stage::build) user: String,
    pub(in crate::stage::build) entrypoint: Vec<String>,
    /// Each `NAME=value`.
    pub(in crate::stage::build) env: Vec<String>,
    /// TCP port.
    pub(in crate::stage::build) port: Option<u16>,
    pub(in crate::stage::build) labels: BTreeMap<String, String>,
}

/// Writes the configuration and the manifest of layers that lie in the layout.
///
/// # Errors
/// [`BuildError::Layout`].
pub(in crate::stage::build) fn assemble(layout: &OciLayout, layers: &[NewLayer], settings: &Settings) -> Result<Descriptor, BuildError> {
    let config = configuration(layers, settings).to_string();
    let config = json!({
        "mediaType": media_type::OCI_CONFIG,
        "digest": layout.write_blob(config.as_bytes())?,
        "size": config.len(),
    });
    let described: Vec<Value> = layers
        .iter()
        .map(|layer| json!({"mediaType": media_type::OCI_LAYER_GZIP, "digest": layer.digest, "size": layer.size}))
        .collect();
    let manifest = json!({"schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": described}).to_string();
    Ok(Descriptor {
        media_type: media_type::OCI_MANIFEST.to_owned(),
        digest: layout.write_blob(manifest.as_bytes())?,
        size: manifest.len() as u64,
        platform: None,
        artifact_type: None,
        annotations: BTreeMap::new(),
    })
}

fn configuration(layers: &[NewLayer], settings: &Settings) -> Value {
    let created = settings.created.to_string();
    let mut running = json!({
        "User": settings.user,
        "Entrypoint": settings.entrypoint,
        "Env": settings.env,
        "WorkingDir": "/",
        "Labels": settings.labels,
    });
    if let Some(port) = settings.port {
        running["ExposedPorts"] = json!({ format!("{port}/tcp"): {} });
    }
    let diff_ids: Vec<_> = layers.iter().map(|layer| layer.diff_id).collect();
    let history: Vec<Value> = layers
        .iter()
        .map(|layer| json!({"created": created, "created_by": layer.created_by}))
        .collect();
    let mut configuration = json!({
        "architecture": settings.platform.architecture,
        "os": settings.platform.os,
        "created": created,
        "config": running,
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": history,
    });
    if let Some(variant) = &settings.platform.variant {
        configuration["variant"] = json!(variant);
    }
    configuration
}
