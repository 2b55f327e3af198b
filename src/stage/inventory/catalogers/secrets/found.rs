//! A secret, and its line.

/// A secret: what kind, and on which line (from 1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    pub(super) line: usize,
    pub(super) what: String,
}

/// The line that a byte is on, from 1.
pub(super) fn line_of(content: &[u8], at: usize) -> usize {
    1 + content[..at.min(content.len())].iter().filter(|byte| **byte == b'\n').count()
}
