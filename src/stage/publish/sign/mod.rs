//! ECDSA P-256 and Ed25519 over DSSE envelopes: keys, envelopes, and the bundle that carries one.

mod bundle;
mod cosign_key;
mod envelope;
mod key;

pub use bundle::{BUNDLE_MEDIA_TYPE, Bundle};
pub use envelope::{Envelope, EnvelopeError};
pub use key::{KeyError, SigningKey, VerifyingKey};
