//! The headers that a database holds.

use std::borrow::Cow;

/// What a database holds.
#[derive(Default)]
pub(super) struct Blobs<'a> {
    pub(super) blobs: Vec<Cow<'a, [u8]>>,
    /// What could not be read, each with its place.
    pub(super) troubles: Vec<String>,
}

impl Blobs<'_> {
    pub(super) fn trouble(text: impl Into<String>) -> Self {
        Self {
            blobs: Vec::new(),
            troubles: vec![text.into()],
        }
    }
}

/// How many bytes of records a database may still give. Records do not lie in each other, so that all of them together are no larger than
/// the file: what is beyond names one place many times, to be copied or read without end.
pub(super) struct Budget {
    left: usize,
    spent: bool,
}

impl Budget {
    pub(super) const SPENT: &str = "its records together are larger than the file: they lie in each other, and the rest was not read";

    pub(super) const fn of(content: &[u8]) -> Self {
        Self {
            left: content.len(),
            spent: false,
        }
    }

    /// False when so many bytes are not left.
    pub(super) const fn take(&mut self, size: usize) -> bool {
        match self.left.checked_sub(size) {
            Some(left) if !self.spent => self.left = left,
            _ => self.spent = true,
        }
        !self.spent
    }

    pub(super) const fn is_spent(&self) -> bool {
        self.spent
    }
}
