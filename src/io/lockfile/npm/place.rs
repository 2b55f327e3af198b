//! Places that npm's lock file names: `node_modules/a`, `v/a`.

use std::collections::HashMap;

/// What is installed at each place.
pub(super) type Places<'a> = HashMap<&'a str, Place>;

pub(super) struct Place {
    /// The package there, by its index; of a link, the package that it leads to, if that is listed.
    pub(super) package: Option<usize>,
    /// The version as the entry writes it.
    pub(super) version: Option<String>,
    pub(super) is_link: bool,
}
