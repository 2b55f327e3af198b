//! Signatures without a key that is kept: a certificate says who signed, a timestamp when, a log that it can be seen.
//!
//! *Takes* the services' addresses and the job's identity token; a trusted root, and who must have signed. *Gives* bundles; a payload, or what does
//! not hold. *Invariant*: the token goes to Fulcio and nowhere else, and is in no error; what is missing, unknown or contradicts itself is refused.
//!
//! Sources: Sigstore's protobuf specs, "Bundle" 0.3 and "TrustedRoot"; Fulcio's API v2; Rekor's API v2; RFC 3161; RFC 6962; RFC 2986.

mod certificate;
mod der;
mod error;
mod form;
mod provider;
mod root;
mod services;
mod signer;
#[cfg(test)]
mod tests;
mod token;
mod trusted;
mod who;

pub use error::KeylessError;
pub(super) use root::read as read_root;
pub use signer::KeylessSigner;
pub(super) use token::check as check_token;
pub use trusted::{Opened, Trusted};
