//! Where cargo keeps its own files.

use std::env;
use std::path::PathBuf;

/// Cargo's home folder: `$CARGO_HOME`, else `.cargo` in the user's home; none where there is no home.
#[must_use]
pub fn home() -> Option<PathBuf> {
    let named = env::var_os("CARGO_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    let home = named.or_else(|| env::home_dir().map(|home| home.join(".cargo")))?;
    Some(home.canonicalize().unwrap_or(home))
}
