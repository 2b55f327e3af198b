//! What one package of a tree asks for.

use std::path::Path;

use crate::model::inventory::Location;
use crate::model::purl::Purl;

/// One package asks for another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// Name and version of the one that it gets.
    pub(super) of: (String, String),
    /// Who asks.
    pub(super) by: Purl,
    /// The range as it is written.
    pub(super) range: String,
    /// The manifest of this tree that it stands in; none for a published package.
    pub(super) location: Option<Location>,
}

/// A lock file, and the folder of the sources that it is in.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) root: &'a Path,
    /// The folder of the lock file, relative to the root.
    pub(super) folder: &'a Path,
    /// The largest file that is read.
    pub(super) limit: u64,
}

/// A package as its `package.json` names it.
pub(super) fn purl(name: &str, version: &str) -> Purl {
    match name.rsplit_once('/') {
        Some((scope, name)) => Purl::new("npm", name, version).with_namespace(scope),
        None => Purl::new("npm", name, version),
    }
}

/// The `package.json` of a package of the tree.
pub(super) fn manifest(folder: &Path) -> Location {
    Location::path(folder.join("package.json").display().to_string())
}
