//! A dependency of one package of a tree.

use crate::io::lockfile::npm::Identity;
use crate::model::inventory::Location;
use crate::model::purl::Purl;

/// One package depends on another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dependency {
    /// The one that it gets.
    pub(super) of: Identity,
    pub(super) by: Purl,
    /// The range as it is written.
    pub(super) range: String,
    /// The manifest of this tree that it stands in; none for a published package.
    pub(super) location: Option<Location>,
}

/// A package as its `package.json` names it.
pub(super) fn purl(name: &str, version: &str) -> Purl {
    match name.rsplit_once('/') {
        Some((scope, name)) => Purl::new("npm", name, version).with_namespace(scope),
        None => Purl::new("npm", name, version),
    }
}
