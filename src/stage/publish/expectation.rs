//! What must hold for an image to be trusted.

use crate::model::digest::Digest;
use crate::model::plan::KeySource;

/// What must hold for an image to be trusted.
#[derive(Debug, Clone)]
pub struct Expectation<'a> {
    /// The public key: PEM file, or the private key's source.
    pub key: &'a KeySource,
    /// The service that must have been judged; `None` accepts any.
    pub service: Option<&'a str>,
    /// The policy that must have been applied, by digest; none accepts any and says which.
    pub policy: Option<Digest>,
    /// The oldest evaluation time that counts.
    pub max_age: Option<std::time::Duration>,
    /// Allows plain HTTP beyond loopback.
    pub plain_http: bool,
}
