//! Signing with a key of a few minutes and a certificate for it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::super::bundle::Bundle;
use super::super::{Envelope, SigningKey};
use super::error::KeylessError;
use super::trusted::{Opened, Trusted};
use super::{certificate, services, token};
use crate::io::Effects;
use crate::io::http::{OwnOrigin, Patience};
use crate::model::plan::{Keyless, KeylessServices, SignerIdentity};

/// Fulcio's certificates hold for ten minutes.
const RENEW_AFTER: Duration = Duration::from_secs(240);

/// Signs for the job that it runs in.
pub struct KeylessSigner {
    services: KeylessServices,
    http: OwnOrigin,
    effects: Effects,
    trusted: Arc<Trusted>,
    current: Mutex<Certified>,
}

struct Certified {
    key: SigningKey,
    /// DER.
    certificate: Vec<u8>,
    since: Instant,
}

impl Certified {
    async fn obtain(http: &OwnOrigin, services: &KeylessServices, effects: &Effects) -> Result<Self, KeylessError> {
        let token = token::obtain(http, effects).await?;
        let key = SigningKey::ephemeral().ok_or(KeylessError::NoRandomness)?;
        let since = Instant::now();
        let certificate = services::certificate(http, services, &token, &key).await?;
        Ok(Self { key, certificate, since })
    }

    fn signer(&self) -> Result<SignerIdentity, KeylessError> {
        certificate::signer(&self.certificate).map_err(|refusal| KeylessError::NotBelieved { refusal })
    }
}

impl KeylessSigner {
    /// Reads the trusted root, and gets a first certificate: whoever cannot sign is told before anything is sent.
    ///
    /// # Errors
    /// [`KeylessError`].
    pub async fn open(source: &Keyless, effects: &Effects) -> Result<Self, KeylessError> {
        let services = source.services.clone().ok_or(KeylessError::NoServices)?;
        let http = OwnOrigin::new(Patience::default(), effects.offline).map_err(|source| KeylessError::Service {
            service: "this machine",
            what: "client for HTTPS",
            source,
        })?;
        let current = Certified::obtain(&http, &services, effects).await?;
        let found = current.signer()?;
        if let Some(expected) = source.signer.as_ref().filter(|expected| !found.is(expected)) {
            return Err(KeylessError::OtherIdentity {
                found: found.described(),
                expected: expected.described(),
            });
        }
        Ok(Self {
            trusted: Arc::new(Trusted::load(source, Some(found), effects)?),
            services,
            http,
            effects: effects.clone(),
            current: Mutex::new(current),
        })
    }

    /// Signs a statement: certificate, signature, timestamp, entry in the log. What is not believed by the trusted root is an error, and nobody
    /// gets to see it.
    ///
    /// # Errors
    /// [`KeylessError`].
    pub async fn sign(&self, statement: &[u8]) -> Result<(Envelope, Bundle), KeylessError> {
        let mut current = self.current.lock().await;
        if current.since.elapsed() > RENEW_AFTER {
            *current = Certified::obtain(&self.http, &self.services, &self.effects).await?;
        }
        match self.sign_with(&current, statement).await {
            // A log that took the entry and whose answer was lost takes it no second time: another signature is another entry.
            Err(error) if error.is_taken() => {
                *current = Certified::obtain(&self.http, &self.services, &self.effects).await?;
                self.sign_with(&current, statement).await
            }
            done => done,
        }
    }

    async fn sign_with(&self, current: &Certified, statement: &[u8]) -> Result<(Envelope, Bundle), KeylessError> {
        let certificate = &current.certificate;
        let envelope = Envelope::sign(statement, &current.key);
        let (signed, signature) = envelope.parts().ok_or_else(|| KeylessError::Answer {
            service: "this program",
            reason: "an envelope that it has just written".to_owned(),
        })?;
        let timestamp = services::timestamp(&self.http, &self.services, &signature).await?;
        let entry = services::log_entry(&self.http, &self.services, &signed, &signature, certificate).await?;
        let bundle = Bundle::keyless(envelope.clone(), certificate, entry, &timestamp);
        let bytes = bundle.bytes().map_err(|error| KeylessError::Answer {
            service: "the log",
            reason: error.to_string(),
        })?;
        match self.trusted.open(&bundle, &bytes, self.effects.clock.now()) {
            Opened::Payload(_) => Ok((envelope, bundle)),
            Opened::Other(found) => Err(KeylessError::OtherIdentity {
                found: found.to_string(),
                expected: self.trusted.signer().to_string(),
            }),
            Opened::Refused(refusal) | Opened::Doubtful { refusal, .. } => Err(KeylessError::NotBelieved { refusal }),
        }
    }

    /// What this signer's signatures are verified with.
    #[must_use]
    pub const fn trusted(&self) -> &Arc<Trusted> {
        &self.trusted
    }
}

impl fmt::Debug for KeylessSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeylessSigner").field(self.trusted.signer()).finish()
    }
}
