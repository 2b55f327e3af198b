//! Where cargo keeps its own files.

use std::path::PathBuf;

use super::environment::variable;

/// Cargo's home folder: `$CARGO_HOME`, else `.cargo` in the user's home; none where there is no home.
#[must_use]
pub fn home() -> Option<PathBuf> {
    let folder = |name| variable(name).filter(|home| !home.is_empty()).map(PathBuf::from);
    let home = folder("CARGO_HOME").or_else(|| folder("HOME").map(|home| home.join(".cargo")))?;
    Some(home.canonicalize().unwrap_or(home))
}
