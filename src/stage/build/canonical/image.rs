//! An image of an engine as one that two builds give alike.

use super::config::configuration;
use super::settings::Canonical;
use super::{layer, made};
use crate::io::Effects;
use crate::io::archive::DockerImage;
use crate::io::oci_layout::OciLayout;
use crate::model::image::Descriptor;
use crate::stage::build::BuildError;
use crate::stage::build::assembly::{gzip_layer, put_manifest};
use crate::stage::build::image::pack;

/// Writes configuration, layers and manifest into a layout.
///
/// # Errors
/// [`BuildError`].
pub(in crate::stage::build) fn image(
    from: &DockerImage,
    canonical: &Canonical,
    to: &OciLayout,
    effects: &Effects,
) -> Result<Descriptor, BuildError> {
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
