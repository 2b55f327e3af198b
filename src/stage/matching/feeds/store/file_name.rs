//! File names of ecosystems.

use crate::model::percent::encoded;

/// An ecosystem's name as a file name and as a part of a URL.
pub(in crate::stage::matching) fn file_name(base: &str) -> String {
    encoded(base, b".-_")
}
