//! Who signs what is published.

#[cfg(feature = "keyless")]
use std::sync::Arc;

use crate::io::Effects;
use crate::model::plan::KeySource;

#[cfg(feature = "keyless")]
use super::keyless::{KeylessSigner, check_token, read_root};
use super::{Bundle, Envelope, SignError, SigningKey, Verifier};

/// Who signs: a key that is kept, or the identity of this job.
#[derive(Debug)]
pub enum Signer {
    /// A key.
    Key(SigningKey),
    /// An identity, with a key of a few minutes.
    #[cfg(feature = "keyless")]
    Keyless(Box<KeylessSigner>),
}

impl Signer {
    /// Loads the key, or gets a certificate for the job's identity.
    ///
    /// # Errors
    /// [`SignError`].
    pub async fn open(source: &KeySource, effects: &Effects) -> Result<Self, SignError> {
        match source {
            #[cfg(feature = "keyless")]
            KeySource::Keyless(keyless) => Ok(Self::Keyless(Box::new(KeylessSigner::open(keyless, effects).await?))),
            #[cfg(not(feature = "keyless"))]
            KeySource::Keyless(_) => Err(SignError::WithoutKeyless),
            key => Ok(Self::Key(SigningKey::load(key, effects)?)),
        }
    }

    /// Whether it may come to a signature: known before a build begins. Opens no key that is locked, and asks nobody for a token.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn check(source: &KeySource, effects: &Effects) -> Result<(), SignError> {
        match source {
            #[cfg(feature = "keyless")]
            KeySource::Keyless(keyless) => {
                check_token(effects)?;
                read_root(keyless, effects)?;
                Ok(())
            }
            #[cfg(not(feature = "keyless"))]
            KeySource::Keyless(_) => Err(SignError::WithoutKeyless),
            key => Ok(SigningKey::check(key, effects)?),
        }
    }

    /// Signs a statement.
    ///
    /// # Errors
    /// [`SignError`]; with a key, none.
    #[cfg_attr(
        not(feature = "keyless"),
        expect(clippy::unused_async, reason = "an identity's services are asked over the network")
    )]
    pub async fn sign(&self, statement: &[u8]) -> Result<(Envelope, Bundle), SignError> {
        match self {
            Self::Key(key) => {
                let envelope = Envelope::sign(statement, key);
                let bundle = Bundle::new(envelope.clone(), &key.verifying_key());
                Ok((envelope, bundle))
            }
            #[cfg(feature = "keyless")]
            Self::Keyless(signer) => Ok(signer.sign(statement).await?),
        }
    }

    /// Believes what this signer signs.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        match self {
            Self::Key(key) => Verifier::Key(key.verifying_key()),
            #[cfg(feature = "keyless")]
            Self::Keyless(signer) => Verifier::Keyless(Arc::clone(signer.trusted())),
        }
    }

    /// `ecdsa-p256:<hint>`, `ed25519:<hint>`, or the identity and its issuer.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Key(key) => key.verifying_key().name(),
            #[cfg(feature = "keyless")]
            Self::Keyless(signer) => signer.trusted().signer().to_string(),
        }
    }
}
