//! What a builder of Dockerfiles gives becomes the gate's own image.
//!
//! Takes the archive that an engine saved. Gives an OCI manifest in a layout. Invariant: layers that the build made are written anew in one
//! form, with no time later than the commit's; the layers of the base keep every byte of their tars, so that they stay the base's.

mod config;
mod layer;
mod made;
mod settings;

pub(super) use settings::Canonical;

use serde_json::json;

use self::config::configuration;
use super::BuildError;
use super::image::pack;
use crate::io::Effects;
use crate::io::archive::DockerImage;
use crate::io::oci_layout::OciLayout;
use crate::model::image::{Descriptor, media_type};

/// Writes configuration, layers and manifest into a layout.
///
/// # Errors
/// [`BuildError`].
pub(super) fn image(from: &DockerImage, canonical: &Canonical, to: &OciLayout, effects: &Effects) -> Result<Descriptor, BuildError> {
    let made = made::layers(&from.config, from.image.layers.len(), canonical)?;
    let mut diff_ids = Vec::new();
    let mut layers = Vec::new();
    for (layer, is_made) in from.image.layers.iter().zip(made) {
        let packed = match is_made {
            true => layer::rewrite(from, layer, canonical.epoch, to, effects)?,
            false => pack(from, layer, to, effects)?,
        };
        diff_ids.push(packed.diff_id);
        layers.push(json!({"mediaType": media_type::OCI_LAYER_GZIP, "digest": packed.digest, "size": packed.size}));
    }
    let config = configuration(&from.config, &diff_ids, canonical)?;
    let config = json!({
        "mediaType": media_type::OCI_CONFIG,
        "digest": to.write_blob(&config)?,
        "size": config.len(),
    });
    let manifest = json!({"schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": layers}).to_string();
    Ok(Descriptor::new(
        media_type::OCI_MANIFEST,
        to.write_blob(manifest.as_bytes())?,
        manifest.len() as u64,
    ))
}
