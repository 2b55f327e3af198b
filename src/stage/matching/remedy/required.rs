//! What one manifest asks for, and where manifests are.

use std::path::Path;

use crate::io::Effects;
use crate::model::inventory::Location;
use crate::model::purl::Purl;
use crate::stage::matching::feeds::crates_index::CratesIndex;

/// What the ways of finding requirements share.
pub(super) struct Sources<'a> {
    /// The folder that locations of a source tree are relative to.
    pub(super) root: Option<&'a Path>,
    pub(super) crates_index: Option<&'a CratesIndex>,
    pub(super) effects: &'a Effects,
}

/// A requirement of some package on the component that is to move.
pub(super) struct Required {
    pub(super) by: Purl,
    /// As it is written.
    pub(super) text: String,
    pub(super) location: Option<Location>,
    /// Whether it allows the version; none where that cannot be told.
    pub(super) allows: Option<bool>,
    /// The first release of the requiring package that allows it.
    pub(super) allowed_from: Option<String>,
}

/// A requirement that nothing is known of.
pub(super) fn unknown(by: &Purl) -> Required {
    Required {
        by: by.clone(),
        text: String::new(),
        location: None,
        allows: None,
        allowed_from: None,
    }
}
