//! Ed25519 (RFC 8032), by ring, which is here for TLS.

use crate::model::excused::Excused as _;

use std::sync::Arc;

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

/// What stands before the 32 bytes of the key in the DER `SubjectPublicKeyInfo` (RFC 8410).
const SUBJECT_PUBLIC_KEY_INFO: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

#[derive(Clone)]
pub(super) struct Private(Arc<Ed25519KeyPair>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Public([u8; 32]);

impl Private {
    /// PKCS#8, with the public key in it or (as openssl writes it) without.
    pub(super) fn from_der(der: &[u8]) -> Option<Self> {
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
            .or_none("the caller says that it is no key")
            .map(|key| Self(Arc::new(key)))
    }

    pub(super) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.0.sign(bytes).as_ref().to_vec()
    }

    pub(super) fn public(&self) -> Public {
        let mut key = [0; 32];
        key.copy_from_slice(self.0.public_key().as_ref());
        Public(key)
    }
}

impl Public {
    pub(super) fn from_der(der: &[u8]) -> Option<Self> {
        let key = der.strip_prefix(&SUBJECT_PUBLIC_KEY_INFO)?;
        key.try_into().or_none("the caller says that it is no key").map(Self)
    }

    pub(super) fn der(&self) -> Vec<u8> {
        [&SUBJECT_PUBLIC_KEY_INFO[..], &self.0].concat()
    }

    pub(super) fn verifies(&self, bytes: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(bytes, signature).is_ok()
    }
}
