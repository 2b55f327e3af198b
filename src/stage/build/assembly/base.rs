//! The image that is built upon: its layers stay as they are, its configuration is the start of ours.

use serde_json::Value;

use crate::io::limits::Limits;
use crate::io::oci_layout::{LayoutError, Manifest, OciLayout};
use crate::model::digest::Digest;
use crate::model::image::{Descriptor, Layer, Platform};
use crate::stage::build::BuildError;

/// One platform of an image that lies in the layout already.
#[derive(Debug, Clone)]
pub(in crate::stage::build) struct Base {
    /// As the configuration names it.
    pub(in crate::stage::build) name: String,
    /// What was named: the digest of its index or manifest.
    pub(in crate::stage::build) digest: Digest,
    /// Its layers, the lowest first.
    pub(in crate::stage::build) layers: Vec<Layer>,
    /// Its configuration as it is written.
    pub(in crate::stage::build) configuration: Value,
}

impl Base {
    /// Its variables, as `NAME=value`.
    pub(in crate::stage::build) fn environment(&self) -> Vec<String> {
        let env = self.configuration.pointer("/config/Env").and_then(Value::as_array);
        env.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Picks the platform of an image.
    ///
    /// # Errors
    /// [`BuildError::BasePlatform`] where it has none of that name, [`BuildError::Layout`] where it is not whole.
    pub(in crate::stage::build) fn open(
        layout: &OciLayout,
        name: &str,
        descriptor: &Descriptor,
        platform: &Platform,
        limits: &Limits,
    ) -> Result<Self, BuildError> {
        let platforms = layout.platforms(descriptor, limits)?;
        let fits = |of: &Platform| of.os == platform.os && of.architecture == platform.architecture;
        let Some(found) = platforms.iter().find(|image| fits(&image.platform)) else {
            return Err(BuildError::BasePlatform {
                base: name.to_owned(),
                wanted: platform.to_string(),
                has: platforms.iter().map(|image| image.platform.to_string()).collect(),
            });
        };
        let path = layout.blob_path(&found.manifest);
        let manifest = Manifest::parse(&path, &layout.read_blob(&found.manifest, limits.manifest)?)?;
        let path = layout.blob_path(&manifest.config.digest);
        let bytes = layout.read_blob(&manifest.config.digest, limits.manifest)?;
        let configuration = serde_json::from_slice(&bytes).map_err(|error| LayoutError::Inconsistent {
            path,
            reason: format!("is no configuration: {error}"),
        })?;
        Ok(Self {
            name: name.to_owned(),
            digest: descriptor.digest,
            layers: found.layers.clone(),
            configuration,
        })
    }
}
