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
