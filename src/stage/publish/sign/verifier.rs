//! Whose signatures count.

#[cfg(feature = "keyless")]
use std::sync::Arc;

use crate::io::Effects;
use crate::model::plan::KeySource;
use crate::model::visible::shortened;

#[cfg(feature = "keyless")]
use super::keyless::{Opened, Trusted};
use super::{Bundle, Envelope, EnvelopeError, Refusal, SignError, VerifyingKey};

/// Whose signatures count: those of a key, or those of an identity. What one of them signed never counts for the other.
pub enum Verifier {
    /// A key's.
    Key(VerifyingKey),
    /// An identity's, by a trusted root.
    #[cfg(feature = "keyless")]
    Keyless(Arc<Trusted>),
}

/// Why a statement does not count.
#[derive(Debug)]
pub enum NotOpened {
    /// Somebody else signed it, who calls itself so.
    Other(String),
    /// It says that it is ours, and the signature does not hold.
    Altered(String),
    /// It is signed, and nobody knows what it says.
    Unread(String),
    /// A keyless signature that is nobody's: it says whose it is, and is not proven to be that.
    Refused(Refusal),
    /// A keyless signature by whom we ask for, of which something else does not hold: nobody knows whether it counts.
    Doubtful {
        /// What does not hold.
        refusal: Refusal,
        /// What is signed, if its type is that of a statement.
        payload: Option<Vec<u8>>,
    },
}

impl Verifier {
    /// Loads the public key, or the trusted root.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn load(source: &KeySource, effects: &Effects) -> Result<Self, SignError> {
        match source {
            #[cfg(feature = "keyless")]
            KeySource::Keyless(keyless) => Ok(Self::Keyless(Arc::new(Trusted::load(keyless, None, effects)?))),
            #[cfg(not(feature = "keyless"))]
            KeySource::Keyless(_) => Err(SignError::WithoutKeyless),
            key => Ok(Self::Key(VerifyingKey::load(key, effects)?)),
        }
    }

    /// `ecdsa-p256:<hint>`, `ed25519:<hint>`, or the identity and its issuer.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Key(key) => key.name(),
            #[cfg(feature = "keyless")]
            Self::Keyless(trusted) => trusted.signer().described(),
        }
    }

    /// `key`, `identity`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Key(_) => "key",
            #[cfg(feature = "keyless")]
            Self::Keyless(_) => "identity",
        }
    }

    /// True for an identity.
    #[must_use]
    pub const fn is_keyless(&self) -> bool {
        !matches!(self, Self::Key(_))
    }

    /// The statement in a bundle. `bytes` are those that the bundle was read from.
    ///
    /// # Errors
    /// [`NotOpened`].
    #[cfg_attr(
        not(feature = "keyless"),
        expect(unused_variables, reason = "what an identity's signature rests on")
    )]
    pub fn open(&self, bundle: &Bundle, bytes: &[u8], effects: &Effects) -> Result<Vec<u8>, NotOpened> {
        match self {
            Self::Key(key) => open(key, bundle.envelope(), bundle.hint()),
            #[cfg(feature = "keyless")]
            Self::Keyless(_) if !bundle.has_certificate() => Err(NotOpened::Other(of_key(bundle.hint()))),
            #[cfg(feature = "keyless")]
            Self::Keyless(trusted) => match trusted.open(bundle, bytes, effects.clock.now()) {
                Opened::Payload(payload) => Ok(payload),
                Opened::Other(signer) => Err(NotOpened::Other(shortened(&signer.described(), 300))),
                Opened::Refused(refusal) => Err(NotOpened::Refused(refusal)),
                Opened::Doubtful { refusal, payload } => Err(NotOpened::Doubtful { refusal, payload }),
            },
        }
    }

    /// The statement in an envelope that stands alone: only a key can have signed it in a way that can be verified.
    ///
    /// # Errors
    /// [`NotOpened`].
    pub fn open_bare(&self, envelope: &Envelope) -> Result<Vec<u8>, NotOpened> {
        match self {
            Self::Key(key) => open(key, envelope, None),
            #[cfg(feature = "keyless")]
            Self::Keyless(_) => Err(NotOpened::Other(of_key(None))),
        }
    }
}

fn of_key(hint: Option<&str>) -> String {
    shortened(hint.unwrap_or("a key without a name"), 64)
}

fn open(key: &VerifyingKey, envelope: &Envelope, hint: Option<&str>) -> Result<Vec<u8>, NotOpened> {
    envelope.open(key).map_err(|error| match error {
        EnvelopeError::Signature(_) if hint.is_none_or(|hint| hint != key.hint()) => NotOpened::Other(of_key(hint)),
        EnvelopeError::Signed(_) => NotOpened::Unread(error.to_string()),
        error => NotOpened::Altered(error.to_string()),
    })
}
