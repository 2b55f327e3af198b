//! Secrets in files: private keys, credentials of clouds and registries, `.env` files.
//!
//! A pattern counts only with proof: a checksum where the issuer has one, the exact length and alphabet where it has not, and entropy where
//! words could look alike. What is said names the pattern and the line, never the secret.

mod addresses;
mod cataloger;
mod configuration;
mod documents;
mod found;
mod in_base64;
mod inner_marks;
mod issuers;
mod keys;
mod letter_blocks;
mod pieces;
mod places;
mod proof;
mod published;
mod tokens;

#[cfg(test)]
mod tests;

pub use cataloger::Secrets;
pub(in crate::stage::inventory) use configuration::in_configuration;
