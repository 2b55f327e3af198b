//! Why a text is no version.

use super::Scheme;

/// Why a text has no place in an ordering.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {scheme} version: {problem}")]
pub struct VersionError {
    /// The ordering that refused it.
    pub scheme: Scheme,
    /// The text, cut to 100 characters.
    pub text: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl VersionError {
    /// An error about a text.
    #[must_use]
    pub fn new(scheme: Scheme, text: &str, problem: &'static str) -> Self {
        Self {
            scheme,
            text: text.chars().take(100).collect(),
            problem,
        }
    }
}
