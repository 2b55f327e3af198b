//! What a builder of Dockerfiles gives becomes the gate's own image.
//!
//! Takes the archive that an engine saved. Gives an OCI manifest in a layout. Invariant: layers that the build made are written anew in one
//! form, with no time later than the commit's; the layers of the base keep every byte of their tars, so that they stay the base's.

mod config;
mod layer;
mod made;
mod settings;

pub(super) use settings::Canonical;

use self::config::configuration;
use super::BuildError;
use super::assembly::{gzip_layer, put_manifest};
use super::image::pack;
use crate::io::Effects;
use crate::io::archive::DockerImage;
use crate::io::oci_layout::OciLayout;
use crate::model::image::Descriptor;

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
        layers.push(gzip_layer(&packed.digest, packed.size));
    }
    let config = configuration(&from.config, &diff_ids, canonical)?;
    Ok(put_manifest(to, &config, &layers)?)
}
