//! The headers that a database holds.

use std::borrow::Cow;

/// What a database holds.
#[derive(Default)]
pub(super) struct Blobs<'a> {
    pub(super) blobs: Vec<Cow<'a, [u8]>>,
    /// What could not be read, each with its place.
    pub(super) troubles: Vec<String>,
    /// Bytes of the headers that were taken.
    taken: usize,
}

/// More troubles than this of one database are not told.
const MOST_TROUBLES: usize = 100;

impl<'a> Blobs<'a> {
    /// Takes a header of a database of `size` bytes. Headers that are larger together than their database lie over each other: they are refused,
    /// so that no file is read many times over.
    pub(super) fn take(&mut self, blob: impl Into<Cow<'a, [u8]>>, size: usize) {
        let blob = blob.into();
        self.taken = self.taken.saturating_add(blob.len());
        match self.taken <= size {
            true => self.blobs.push(blob),
            false => self.tell("its headers lie over each other: together they are larger than the database".to_owned()),
        }
    }

    /// Notes what could not be read; the same is noted once.
    pub(super) fn tell(&mut self, trouble: String) {
        if self.troubles.len() < MOST_TROUBLES && self.troubles.last() != Some(&trouble) {
            self.troubles.push(trouble);
        }
    }

    pub(super) fn trouble(text: impl Into<String>) -> Self {
        Self {
            blobs: Vec::new(),
            troubles: vec![text.into()],
            taken: 0,
        }
    }
}
