//! The Sigstore bundle: an envelope and the name of the key that signed it.
//!
//! Source: Sigstore's protobuf specs, "Bundle", media type version 0.3; the form that cosign 3.1 writes with a key.

use serde::{Deserialize, Serialize};

use super::{Envelope, VerifyingKey};
use crate::io::oci::{self, Refused, shape};

/// The media type of a bundle, and the artifact type of the manifest that carries it.
pub const BUNDLE_MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// A bundle with a DSSE envelope. What else it may hold (certificates, log entries) is not read: the key is given by whoever verifies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bundle {
    media_type: String,
    verification_material: Material,
    dsse_envelope: Envelope,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Material {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public_key: Option<PublicKeyName>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct PublicKeyName {
    #[serde(default)]
    hint: String,
}

impl Bundle {
    /// Puts an envelope into a bundle.
    #[must_use]
    pub fn new(envelope: Envelope, key: &VerifyingKey) -> Self {
        Self {
            media_type: BUNDLE_MEDIA_TYPE.to_owned(),
            verification_material: Material {
                public_key: Some(PublicKeyName { hint: key.hint() }),
            },
            dsse_envelope: envelope,
        }
    }

    /// Reads a bundle.
    ///
    /// # Errors
    /// [`Refused`], with the place.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refused> {
        oci::decode(bytes, &shape::BUNDLE)
    }

    /// Its bytes; equal bundles give equal bytes.
    ///
    /// # Errors
    /// serde's; no bundle is known to give one.
    pub fn bytes(&self) -> serde_json::Result<Vec<u8>> {
        oci::to_bytes(self)
    }

    /// The DSSE envelope with statement and signature.
    #[must_use]
    pub const fn envelope(&self) -> &Envelope {
        &self.dsse_envelope
    }

    /// The name of the key that the bundle says signed it. A hint: nothing rests on it.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        let key = self.verification_material.public_key.as_ref();
        key.map(|key| key.hint.as_str()).filter(|hint| !hint.is_empty())
    }
}
