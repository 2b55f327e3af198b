//! How files are called in messages.

use std::path::Path;

/// The same file has the same name in every checkout: a folder would make verdicts differ.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
