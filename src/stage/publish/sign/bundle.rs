//! The Sigstore bundle: an envelope, and the name of the key that signed it, or what a keyless signature is believed by.
//!
//! Source: Sigstore's protobuf specs, "Bundle", media type version 0.3; the form that cosign 3.1 writes.

#[cfg(feature = "keyless")]
use base64::Engine as _;
#[cfg(feature = "keyless")]
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
#[cfg(feature = "keyless")]
use serde_json::json;

use super::{Envelope, VerifyingKey};
#[cfg(feature = "keyless")]
use crate::io::dsse::decode;
use crate::io::oci::{self, Refused, shape};

/// The media type of a bundle, and the artifact type of the manifest that carries it.
pub const BUNDLE_MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// A bundle with a DSSE envelope. Of what else it may hold, `keyless` reads the meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bundle {
    media_type: String,
    verification_material: Material,
    dsse_envelope: Envelope,
    /// What no bundle has beside an envelope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message_signature: Option<Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Material {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public_key: Option<PublicKeyName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certificate: Option<Value>,
    /// The form of older bundles.
    #[serde(default, rename = "x509CertificateChain", skip_serializing_if = "Option::is_none")]
    chain: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tlog_entries: Option<Vec<Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timestamp_verification_data: Option<Value>,
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
                ..Material::default()
            },
            dsse_envelope: envelope,
            message_signature: None,
        }
    }

    /// Puts an envelope into a bundle with the certificate (DER) of the key that signed it, the log's entry as the log gives it, and a timestamp
    /// (the whole RFC 3161 answer).
    #[cfg(feature = "keyless")]
    #[must_use]
    pub fn keyless(envelope: Envelope, certificate: &[u8], entry: Value, timestamp: &[u8]) -> Self {
        Self {
            media_type: BUNDLE_MEDIA_TYPE.to_owned(),
            verification_material: Material {
                certificate: Some(json!({"rawBytes": STANDARD.encode(certificate)})),
                tlog_entries: Some(vec![entry]),
                timestamp_verification_data: Some(json!({"rfc3161Timestamps": [{"signedTimestamp": STANDARD.encode(timestamp)}]})),
                ..Material::default()
            },
            dsse_envelope: envelope,
            message_signature: None,
        }
    }

    /// True when it says that a certificate tells who signed it.
    #[must_use]
    pub const fn has_certificate(&self) -> bool {
        self.verification_material.certificate.is_some() || self.verification_material.chain.is_some()
    }

    /// The chains of certificates (DER) in it, each with that of the signer first. One, where it does not contradict itself.
    #[cfg(feature = "keyless")]
    #[must_use]
    pub fn chains(&self) -> Vec<Vec<Vec<u8>>> {
        let material = &self.verification_material;
        let raw = |certificate: &Value| certificate["rawBytes"].as_str().and_then(decode);
        let alone = material.certificate.iter().filter_map(raw).map(|one| vec![one]);
        let several = material.chain.iter().filter_map(|chain| chain["certificates"].as_array());
        let several = several.map(|all| all.iter().map_while(raw).collect());
        alone.chain(several).filter(|chain: &Vec<_>| !chain.is_empty()).collect()
    }

    /// What it says of its signer or its signature in two ways.
    #[cfg(feature = "keyless")]
    #[must_use]
    pub const fn contradiction(&self) -> Option<&'static str> {
        let material = &self.verification_material;
        if material.certificate.is_some() && material.chain.is_some() {
            return Some("the bundle has a certificate and a chain of certificates");
        }
        if material.public_key.is_some() && self.has_certificate() {
            return Some("the bundle has a certificate and names a key");
        }
        if self.message_signature.is_some() {
            return Some("the bundle has an envelope and another signature");
        }
        None
    }

    /// The entries in the log, as the log gave them.
    #[cfg(feature = "keyless")]
    #[must_use]
    pub fn log_entries(&self) -> &[Value] {
        self.verification_material.tlog_entries.as_deref().unwrap_or_default()
    }

    /// How many timestamps it has.
    #[cfg(feature = "keyless")]
    #[must_use]
    pub fn timestamps(&self) -> usize {
        let data = self.verification_material.timestamp_verification_data.as_ref();
        data.and_then(|data| data["rfc3161Timestamps"].as_array()).map_or(0, Vec::len)
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
