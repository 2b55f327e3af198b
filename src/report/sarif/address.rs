//! Paths as SARIF wants them.

use crate::model::percent::encoded;

/// A path as a relative URI reference.
pub(super) fn uri(path: &str) -> String {
    encoded(path.trim_start_matches('/'), b"/.-_~")
}
