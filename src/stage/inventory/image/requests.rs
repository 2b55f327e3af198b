//! What is to be read once more in a layer, and what came of it.

use std::collections::HashMap;

use super::facts::FileFacts;
use crate::model::coverage::GapKind;

/// What a file of one layer is to be read as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::stage::inventory) struct Role {
    /// The path, or for folders the start of the paths.
    pub(in crate::stage::inventory) read_as: String,
    /// The names that the file has then, each with the layer that gave it; none where it is its own.
    pub(in crate::stage::inventory) names: Vec<(usize, String)>,
    /// True where the place lies below a lower layer's link.
    pub(in crate::stage::inventory) through: bool,
    /// Who reads it so.
    pub(super) readers: u64,
}

/// What is to be read once more in one layer, and what else the layer gets from links.
#[derive(Debug, Default)]
pub(in crate::stage::inventory) struct LayerRequests {
    /// By the number of the entry.
    pub(in crate::stage::inventory) entries: HashMap<u32, Vec<Role>>,
    /// By the path of the entry, as bytes.
    pub(in crate::stage::inventory) places: HashMap<Vec<u8>, Vec<Role>>,
    /// Everything in a folder, by its place.
    pub(in crate::stage::inventory) folders: HashMap<Vec<u8>, Vec<Role>>,
    /// More names of the layer's files, by entry: hard links of upper layers, with these.
    pub(in crate::stage::inventory) names: HashMap<u32, Vec<(usize, String)>>,
    /// What could not be followed.
    pub(in crate::stage::inventory) gaps: Vec<(GapKind, String)>,
}

impl LayerRequests {
    /// True when the layer need not be read again.
    pub(in crate::stage::inventory) fn is_answered(&self) -> bool {
        self.entries.is_empty() && self.places.is_empty() && self.folders.is_empty()
    }
}

/// A file that was read as what it is behind a link.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::stage::inventory) struct Behind {
    pub(in crate::stage::inventory) file: FileFacts,
    /// The names under which it is seen, each with the layer that gave it.
    pub(in crate::stage::inventory) names: Vec<(usize, String)>,
}
