//! Why a document is refused.

/// Why a document is refused, and at which byte.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (byte {offset})")]
pub struct Refused {
    /// What is wrong, in a few words.
    pub reason: String,
    /// Offset from its beginning, in bytes.
    pub offset: usize,
}
