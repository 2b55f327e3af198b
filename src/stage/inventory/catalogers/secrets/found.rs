//! A secret, and its line.

/// A secret: what kind, and on which line (from 1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    pub(super) line: usize,
    pub(super) what: String,
}

/// The line that a byte is on, from 1.
pub(super) fn line_of(content: &[u8], at: usize) -> usize {
    Lines::of(content).at(at)
}

/// Counts the lines of a text as far as was asked: a text is gone through once, however much is found in it.
pub(super) struct Lines<'c> {
    content: &'c [u8],
    counted: usize,
    line: usize,
}

impl<'c> Lines<'c> {
    pub(super) const fn of(content: &'c [u8]) -> Self {
        Self {
            content,
            counted: 0,
            line: 1,
        }
    }

    /// The line of a byte that is not before the last one asked for.
    pub(super) fn at(&mut self, at: usize) -> usize {
        let at = at.clamp(self.counted, self.content.len().max(self.counted));
        self.line += memchr::memchr_iter(b'\n', &self.content[self.counted..at]).count();
        self.counted = at;
        self.line
    }
}
