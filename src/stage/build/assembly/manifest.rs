//! A manifest of layers that lie in the layout.

use serde_json::{Value, json};

use crate::io::oci_layout::{LayoutError, OciLayout};
use crate::model::digest::Digest;
use crate::model::image::{Descriptor, media_type};

/// A layer of a manifest, compressed by gzip.
pub(in crate::stage::build) fn gzip_layer(digest: &Digest, size: u64) -> Value {
    json!({"mediaType": media_type::OCI_LAYER_GZIP, "digest": digest, "size": size})
}

/// Writes the configuration, and the manifest that names it and the layers, lowest first.
///
/// # Errors
/// [`LayoutError`].
pub(in crate::stage::build) fn put_manifest(layout: &OciLayout, config: &[u8], layers: &[Value]) -> Result<Descriptor, LayoutError> {
    let config = json!({
        "mediaType": media_type::OCI_CONFIG,
        "digest": layout.write_blob(config)?,
        "size": config.len(),
    });
    let manifest = json!({"schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": layers});
    put(layout, media_type::OCI_MANIFEST, &manifest)
}

/// Writes an index of manifests, in their order.
///
/// # Errors
/// [`LayoutError`].
pub(in crate::stage::build) fn put_index(layout: &OciLayout, manifests: &[Descriptor]) -> Result<Descriptor, LayoutError> {
    let index = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": manifests});
    put(layout, media_type::OCI_INDEX, &index)
}

fn put(layout: &OciLayout, media_type: &str, document: &Value) -> Result<Descriptor, LayoutError> {
    let text = document.to_string();
    Ok(Descriptor::new(media_type, layout.write_blob(text.as_bytes())?, text.len() as u64))
}
