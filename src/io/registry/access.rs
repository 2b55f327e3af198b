//! What a registry is opened for.

/// What is to be done in a repository: what a token is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Pull.
    Read,
    /// Pull and push.
    Write,
}
