//! Signatures that stages other than publish rely on: a DSSE envelope, bare or in a Sigstore bundle, opened with public keys.
//!
//! Source: the DSSE protocol, version 1.0.2; Sigstore's protobuf specs, "Bundle".

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use p256::ecdsa::VerifyingKey;
use p256::pkcs8::{DecodePublicKey, EncodePublicKey};
use serde::Deserialize;

use crate::model::excused::Excused as _;

use super::hash::sha256;
use super::oci::{self, Shape, shape};
use super::p256_signature;

/// So many signatures of one envelope are looked at.
const SIGNATURES: usize = 16;

/// An ECDSA P-256 public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// Why a text holds no public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no ECDSA P-256 public key in PEM (`-----BEGIN PUBLIC KEY-----`)")]
pub struct NoPublicKey;

impl PublicKey {
    /// Reads a PEM text.
    ///
    /// # Errors
    /// [`NoPublicKey`].
    pub fn from_pem(text: &str) -> Result<Self, NoPublicKey> {
        VerifyingKey::from_public_key_pem(text.trim()).map(Self).map_err(|_| NoPublicKey)
    }
}

impl fmt::Display for PublicKey {
    /// `ecdsa-p256:<base64 of the SHA-256 of the DER>`, as publish names keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let der = p256::PublicKey::from(&self.0).to_public_key_der().map_err(|_| fmt::Error)?;
        write!(f, "ecdsa-p256:{}", STANDARD.encode(sha256(der.as_bytes()).bytes()))
    }
}

/// What an envelope holds, and who signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed<'a> {
    /// The payload's type, which is signed with it.
    pub kind: String,
    /// The payload's bytes, decoded from base64.
    pub payload: Vec<u8>,
    /// The first key that signed it; `None` if none of the given ones did.
    pub by: Option<&'a PublicKey>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<OneSignature>,
}

#[derive(Deserialize)]
struct OneSignature {
    sig: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    dsse_envelope: Envelope,
}

/// Which keys stand at the top of a document.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    payload_type: Option<serde::de::IgnoredAny>,
    dsse_envelope: Option<serde::de::IgnoredAny>,
}

/// Opens an envelope or a bundle with one; `None` for a document that is neither.
///
/// # Errors
/// For people: why it is damaged.
pub fn open<'a>(bytes: &[u8], keys: &'a [PublicKey]) -> Result<Option<Signed<'a>>, String> {
    let Ok(head) = serde_json::from_slice::<Head>(bytes) else {
        return Ok(None);
    };
    let envelope: Envelope = match (head.dsse_envelope, head.payload_type) {
        (Some(_), _) => read::<Bundle>(bytes, &shape::BUNDLE)?.dsse_envelope,
        (None, Some(_)) => read(bytes, &shape::ENVELOPE)?,
        (None, None) => return Ok(None),
    };
    let payload = decode(&envelope.payload).ok_or("its payload is not base64")?;
    let signed = authenticated(&envelope.payload_type, &payload);
    let listed = envelope.signatures.iter().take(SIGNATURES);
    let signatures: Vec<Vec<u8>> = listed.filter_map(|signature| decode(&signature.sig)).collect();
    let by = keys.iter().find(|key| {
        signatures
            .iter()
            .any(|signature| p256_signature::verifies(&key.0, &signed, signature))
    });
    Ok(Some(Signed {
        kind: envelope.payload_type,
        payload,
        by,
    }))
}

fn read<T: serde::de::DeserializeOwned>(bytes: &[u8], shape: &Shape) -> Result<T, String> {
    oci::decode(bytes, shape).map_err(|refused| refused.to_string())
}

/// The bytes of a base64 text. Both alphabets are allowed to writers.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD
        .decode(text)
        .or_else(|_| URL_SAFE.decode(text))
        .or_none("not base64 in either alphabet is the caller's error")
}

/// The pre-authentication encoding: what is signed.
pub(crate) fn authenticated(kind: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}
