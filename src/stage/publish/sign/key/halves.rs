//! The two halves of a key, of either kind.

use p256::SecretKey;
use p256::ecdsa;
use p256::pkcs8::DecodePrivateKey;

use crate::model::excused::Excused as _;

use super::ed25519;

#[derive(Clone)]
pub(super) enum Private {
    P256(ecdsa::SigningKey),
    Ed25519(ed25519::Private),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Public {
    P256(ecdsa::VerifyingKey),
    Ed25519(ed25519::Public),
}

impl Private {
    pub(super) fn public(&self) -> Public {
        match self {
            Self::P256(key) => Public::P256(*key.verifying_key()),
            Self::Ed25519(key) => Public::Ed25519(key.public()),
        }
    }

    /// Reads PKCS#8.
    pub(super) fn from_der(der: &[u8]) -> Option<Self> {
        let p256 = SecretKey::from_pkcs8_der(der)
            .or_none("the caller says that it is no key")
            .map(|key| Self::P256(key.into()));
        p256.or_else(|| ed25519::Private::from_der(der).map(Self::Ed25519))
    }
}
