//! Keys: where they come from, and what they are called. *Takes* a source (a variable, a file, a local pair). *Gives* a key that signs or verifies.
//! *Invariant*: nothing of a private key or its password is in an error, a name or a `Debug` form.

mod ed25519;
mod error;
mod halves;
mod keys;
mod pem;
#[cfg(test)]
mod tests;

pub use error::KeyError;
pub use keys::{SigningKey, VerifyingKey};
