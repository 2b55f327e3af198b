//! An image of an engine as one that two builds give alike.

use std::collections::BTreeSet;

use serde_json::Value;

use super::config::configuration;
use super::layer::{self, Dating};
use super::leak::Leaks;
use super::made::{self, Origin};
use super::settings::{Canonical, document};
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
    // As it is written, and as it is read: a quote in a value is escaped in JSON.
    let read = document(&config)?;
    let escaped = canonical.leaks.within(&config);
    if let Some(id) = escaped.or_else(|| within_strings(&read, &canonical.leaks)) {
        return Err(DockerfileError::leaked(id, "its configuration").into());
    }
    Ok(put_manifest(to, &config, &layers)?)
}

/// The id of a secret in any text of a document.
fn within_strings<'l>(value: &Value, leaks: &'l Leaks) -> Option<&'l str> {
    match value {
        Value::String(text) => leaks.within(text.as_bytes()),
        Value::Array(values) => values.iter().find_map(|value| within_strings(value, leaks)),
        Value::Object(members) => {
            let mut members = members.iter();
            members.find_map(|(name, value)| leaks.within(name.as_bytes()).or_else(|| within_strings(value, leaks)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::secret::Secret;

    #[test]
    fn a_secret_with_a_quote_is_found_in_a_configuration() {
        let leaks = Leaks::of(&[("key".to_owned(), Secret::new("pa\"ss\\word-1234"))], &[]).expect("found");
        let config = serde_json::json!({"config": {"Env": ["A=pa\"ss\\word-1234"]}, "history": []});
        assert_eq!(leaks.within(config.to_string().as_bytes()), None, "it is escaped there");
        assert_eq!(within_strings(&config, &leaks), Some("key"));
        assert_eq!(within_strings(&serde_json::json!({"config": {"Env": ["A=b"]}}), &leaks), None);
    }
}
