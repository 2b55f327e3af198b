//! What is seen in the finished image.

use super::facts::{FileFacts, LayerFacts};
use super::links::Links;
use super::requests::{Behind, LayerRequests};
use crate::model::image::Layer;
use crate::model::inventory::Part;

/// One layer with what it says; no [`Layer`] for a folder.
#[derive(Clone, Copy)]
pub(in crate::stage::inventory) struct Layered<'a> {
    pub(in crate::stage::inventory) layer: Option<&'a Layer>,
    /// Whether it is the base image's or the application's, where that is known.
    pub(in crate::stage::inventory) part: Option<Part>,
    pub(in crate::stage::inventory) facts: &'a LayerFacts,
    /// What lies behind links, from the second walk.
    pub(in crate::stage::inventory) behind: &'a [Behind],
    /// What links of the whole image gave the layer.
    pub(in crate::stage::inventory) asked: &'a LayerRequests,
}

/// A file that is seen in the finished image.
pub(in crate::stage::inventory) struct Seen<'a> {
    /// Index of its layer.
    pub(in crate::stage::inventory) layer: usize,
    pub(in crate::stage::inventory) file: &'a FileFacts,
    /// The name under which it is seen.
    pub(in crate::stage::inventory) name: &'a str,
}

/// A file with its names.
pub(super) struct Named<'a> {
    pub(super) layer: usize,
    pub(super) file: &'a FileFacts,
    /// Names that links of the whole image gave it, each with its layer.
    pub(super) others: &'a [(usize, String)],
    /// True where it has no other names: it was read behind a link.
    pub(super) is_behind: bool,
}

pub(in crate::stage::inventory) struct View<'a> {
    pub(in crate::stage::inventory) layers: &'a [Layered<'a>],
    pub(in crate::stage::inventory) links: &'a Links<'a>,
    pub(in crate::stage::inventory) seen: Vec<Seen<'a>>,
}
