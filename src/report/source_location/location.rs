//! A line of a file in the repository.

/// A line of a file of the source tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLocation {
    /// Relative to the repository, with `/`.
    pub file: String,
    /// From 1.
    pub line: u32,
}
