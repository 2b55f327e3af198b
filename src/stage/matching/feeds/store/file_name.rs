//! File names of ecosystems.

use crate::model::percent::encoded;

/// Whether a name is its own file name.
pub(in crate::stage::matching) fn is_plain(name: &str) -> bool {
    name.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

/// An ecosystem's name as a file name and as a part of a URL.
pub(in crate::stage::matching) fn file_name(base: &str) -> String {
    encoded(base, b".-_")
}
