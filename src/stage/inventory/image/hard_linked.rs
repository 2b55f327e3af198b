//! The files that hard links name: files of their own layers, or of layers below.

use std::collections::HashMap;

use super::facts::{HardLink, Inode, LayerFacts};
use super::links::Links;
use crate::model::excused::Excused as _;

/// A file that a hard link names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// An entry of a layer, by number.
    Entry(usize, u32),
    /// The last entry at a path of a layer.
    Place(usize, Vec<u8>),
}

pub(super) struct HardLinked<'a> {
    layers: &'a [&'a LayerFacts],
    links: &'a Links<'a>,
    /// The hard links of each layer by path, where somebody asked.
    by_path: Vec<Option<HashMap<&'a [u8], &'a HardLink>>>,
    /// The entries of each layer that something was said of in the first walk, by path, where somebody asked.
    noted: Vec<Option<HashMap<&'a [u8], u32>>>,
    /// The files of lower layers that hard links name, by the links' layers and paths.
    below: HashMap<(usize, Vec<u8>), Found>,
}

impl<'a> HardLinked<'a> {
    pub(super) fn new(layers: &'a [&'a LayerFacts], links: &'a Links<'a>) -> Self {
        Self {
            layers,
            links,
            by_path: layers.iter().map(|_| None).collect(),
            noted: layers.iter().map(|_| None).collect(),
            below: HashMap::new(),
        }
    }

    /// Remembers the file of a lower layer that the hard link at a path names.
    pub(super) fn found_below(&mut self, layer: usize, path: &[u8], found: Found) {
        self.below.insert((layer, path.to_owned()), found);
    }

    /// The file that a layer's hard link at a path names; of a lower layer only where it was found before.
    pub(super) fn named(&mut self, layer: usize, path: &[u8]) -> Option<Found> {
        match &self.at(layer, path)?.of {
            Inode::Own(entry) => Some(Found::Entry(layer, *entry)),
            Inode::Lower(_) => self.below.get(&(layer, path.to_owned())).cloned(),
        }
    }

    /// The file that stands at a path when the layers below one are laid over each other.
    pub(super) fn file_below(&mut self, path: &[u8], below: usize) -> Option<Found> {
        let path = self
            .links
            .canonical_below(path, below)
            .or_none("a path that cannot be resolved names no file: the caller makes a gap")?;
        for at in (0..below).rev() {
            let paths = &self.layers[at].paths;
            let marks = paths.at(&path);
            if marks.hard_link {
                return self.named(at, &path);
            }
            if marks.file {
                return Some(Found::Place(at, path));
            }
            if marks.symlink || marks.directory || paths.hides(&path) {
                return None;
            }
        }
        None
    }

    /// The entry of a file, if something was said of it in the first walk.
    pub(super) fn noted(&mut self, found: &Found) -> Option<(usize, u32)> {
        match found {
            Found::Entry(layer, entry) => {
                let files = &self.layers[*layer].files;
                files
                    .binary_search_by_key(entry, |file| file.entry)
                    .is_ok()
                    .then_some((*layer, *entry))
            }
            Found::Place(layer, path) => {
                let files = self.layers[*layer].files.iter().filter(|file| !file.replaced);
                let by_path = self.noted[*layer].get_or_insert_with(|| files.map(|file| (file.raw(), file.entry)).collect());
                Some((*layer, *by_path.get(path.as_slice())?))
            }
        }
    }

    fn at(&mut self, layer: usize, path: &[u8]) -> Option<&'a HardLink> {
        let links = &self.layers[layer].hard_links;
        let by_path = self.by_path[layer].get_or_insert_with(|| links.iter().map(|link| (link.path.as_slice(), link)).collect());
        by_path.get(path).copied()
    }
}
