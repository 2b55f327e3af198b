//! Signatures over DSSE envelopes: by a key that is kept (ECDSA P-256, Ed25519) or by an identity, and the bundle that carries one.

mod bundle;
mod cosign_key;
mod envelope;
mod key;
#[cfg(feature = "keyless")]
mod keyless;
mod refusal;
mod sign_error;
mod signer;
mod verifier;

pub use bundle::{BUNDLE_MEDIA_TYPE, Bundle};
pub use envelope::{Envelope, EnvelopeError};
pub use key::{KeyError, SigningKey, VerifyingKey};
#[cfg(feature = "keyless")]
pub use keyless::{KeylessError, KeylessSigner, Opened, Trusted};
pub use refusal::{Part, Refusal};
pub use sign_error::SignError;
pub use signer::Signer;
pub use verifier::{NotOpened, Verifier};
