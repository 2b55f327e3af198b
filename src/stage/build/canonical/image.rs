//! An image of an engine as one that two builds give alike.

use std::collections::BTreeSet;

use super::config::configuration;
use super::layer::{self, Dating};
use super::made::{self, Origin};
use super::settings::Canonical;
use crate::io::Effects;
use crate::io::archive::DockerImage;
use crate::io::oci_layout::OciLayout;
use crate::model::image::Descriptor;
use crate::stage::build::assembly::{gzip_layer, put_manifest};
use crate::stage::build::image::pack;
use crate::stage::build::{BuildError, DockerfileError};

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
    let origins = made::layers(&from.config, from.image.layers.len(), canonical)?;
    // Times of what was copied: a later step that only changes a mode or an owner leaves them as they are.
    let mut copied = BTreeSet::new();
    let mut diff_ids = Vec::new();
    let mut layers = Vec::new();
    for (layer, origin) in from.image.layers.iter().zip(origins) {
        let rewrite = |since| {
            let dating = Dating {
                epoch: canonical.epoch,
                since,
                also: &copied,
            };
            layer::rewrite(from, layer, &dating, &canonical.leaks, to, effects)
        };
        let packed = match origin {
            Origin::Base => pack(from, layer, to, effects)?,
            Origin::Copied => {
                let (packed, dated) = rewrite(i64::MIN)?;
                copied.extend(dated);
                packed
            }
            Origin::Made { since } => rewrite(since)?.0,
        };
        diff_ids.push(packed.diff_id);
        layers.push(gzip_layer(&packed.digest, packed.size));
    }
    let config = configuration(&from.config, &diff_ids, canonical)?;
    if let Some(id) = canonical.leaks.within(&config) {
        return Err(DockerfileError::leaked(id, "its configuration").into());
    }
    Ok(put_manifest(to, &config, &layers)?)
}
