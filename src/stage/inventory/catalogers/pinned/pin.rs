//! What lock files pin.

use jiff::Timestamp;

use crate::model::inventory::{Origin, Scope};

/// What one entry pins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pin {
    /// As the ecosystem writes it: `rails`, `laravel/framework`, `org.acme:lib`, `golang.org/x/net`.
    pub(super) name: String,
    pub(super) version: String,
    pub(super) origin: Origin,
    pub(super) scope: Scope,
    /// From 1; none where it is not told.
    pub(super) line: Option<u32>,
    /// When the release was published, where the file tells.
    pub(super) published: Option<Timestamp>,
    /// The names of what it needs, where the file tells.
    pub(super) needs: Vec<String>,
    /// A folder of the tree that advisories may be about: it stands in for a published package, or nobody can tell whether it does.
    pub(super) is_looked_up: bool,
}

impl Pin {
    /// A package of the ecosystem's registry that ships.
    pub(super) fn new(name: impl Into<String>, version: impl Into<String>, line: Option<u32>) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            origin: Origin::Registry,
            scope: Scope::Runtime,
            line,
            published: None,
            needs: Vec::new(),
            is_looked_up: false,
        }
    }
}

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Pins {
    pub(super) pins: Vec<Pin>,
    /// What pins nothing that can be looked up, or could not be read.
    pub(super) troubles: Vec<String>,
    /// Other files of the format that it stands for, as it names them, each with its line.
    pub(super) asks: Vec<(String, u32)>,
}
