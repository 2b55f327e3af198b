//! DSSE: a signed payload whose type is signed with it.
//!
//! Source: the DSSE protocol, version 1.0.2.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::io::dsse::{authenticated, decode};
use crate::io::oci::{self, shape};
use crate::model::excused::Excused as _;

use super::{SigningKey, VerifyingKey};

/// So many signatures of an envelope are tried. Ours writes one.
const SIGNATURES: usize = 10_000;
/// The payload type of an in-toto statement.
const IN_TOTO: &str = "application/vnd.in-toto+json";

/// A signed in-toto statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Signature {
    sig: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keyid: Option<String>,
}

/// Why an envelope is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The payload is none of ours.
    #[error("its payload type is `{0}`")]
    PayloadType(String),
    /// Not base64.
    #[error("its {0} is not base64")]
    Encoding(&'static str),
    /// The key signed it, and it is no statement.
    #[error("its payload type is `{0}`, which is no statement")]
    Signed(String),
    /// No signature is one by the key.
    #[error("none of its {0} signatures is one by this key over this payload")]
    Signature(usize),
}

impl Envelope {
    /// Signs an in-toto statement, by DSSE's pre-authentication encoding.
    #[must_use]
    pub fn sign(statement: &[u8], key: &SigningKey) -> Self {
        let signature = key.sign(&authenticated(IN_TOTO, statement));
        Self {
            payload: STANDARD.encode(statement),
            payload_type: IN_TOTO.to_owned(),
            signatures: vec![Signature {
                sig: STANDARD.encode(signature),
                keyid: None,
            }],
        }
    }

    /// What is signed, and the one signature over it; `None` for an envelope with more or fewer.
    #[must_use]
    pub fn parts(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let payload = decode(&self.payload)?;
        match self.signatures.as_slice() {
            [only] => Some((authenticated(&self.payload_type, &payload), decode(&only.sig)?)),
            _ => None,
        }
    }

    /// Reads an envelope that stands alone; `None` for anything else.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        oci::decode(bytes, &shape::ENVELOPE).or_none("what is no envelope signs nothing")
    }

    /// The payload, whatever its type is, if `verifies` says of one of the first `at_most` signatures that it is one over what is signed.
    pub fn payload_signed(&self, at_most: usize, verifies: impl Fn(&[u8], &[u8]) -> bool) -> Option<Vec<u8>> {
        let payload = decode(&self.payload)?;
        self.is_signed(&payload, at_most, verifies).then_some(payload)
    }

    /// True for the payload type of a statement.
    #[must_use]
    pub fn is_statement(&self) -> bool {
        self.payload_type == IN_TOTO
    }

    fn is_signed(&self, payload: &[u8], at_most: usize, verifies: impl Fn(&[u8], &[u8]) -> bool) -> bool {
        let signed = authenticated(&self.payload_type, payload);
        let signatures = self.signatures.iter().filter_map(|s| decode(&s.sig));
        signatures.take(at_most).any(|signature| verifies(&signed, &signature))
    }

    /// The statement, if the key signed it.
    ///
    /// # Errors
    /// [`EnvelopeError`].
    pub fn open(&self, key: &VerifyingKey) -> Result<Vec<u8>, EnvelopeError> {
        let payload = decode(&self.payload).ok_or(EnvelopeError::Encoding("payload"))?;
        let is_signed = self.is_signed(&payload, SIGNATURES, |signed, signature| key.verifies(signed, signature));
        let kind = || self.payload_type.chars().take(100).collect();
        match (is_signed, self.is_statement()) {
            (true, true) => Ok(payload),
            (true, false) => Err(EnvelopeError::Signed(kind())),
            (false, false) => Err(EnvelopeError::PayloadType(kind())),
            (false, true) => Err(EnvelopeError::Signature(self.signatures.len())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_that_of_the_protocols_example() {
        let bytes = authenticated("http://example.com/HelloWorld", b"hello world");
        assert_eq!(bytes, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    }
}
