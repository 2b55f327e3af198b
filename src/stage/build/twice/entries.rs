//! What a layer holds, entry by entry, each content as its digest.

use sha2::{Digest as _, Sha256};

use crate::io::Effects;
use crate::io::layers::{self, Entry, LayerError, LayerProblem, Metadata, Need, Stated, Visitor};
use crate::io::oci_layout::OciLayout;
use crate::model::image::Layer;
use crate::stage::build::BuildError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) path: String,
    /// Kind, target of a link, mode and size, for people.
    pub(super) shape: String,
    pub(super) metadata: Metadata,
    pub(super) size: u64,
    pub(super) content: [u8; 32],
}

/// Every entry of a layer.
///
/// # Errors
/// [`BuildError::Layer`].
pub(super) fn entries(layout: &OciLayout, layer: &Layer, effects: &Effects) -> Result<Vec<Seen>, BuildError> {
    let mut list = List::default();
    read(layout, layer, effects, &mut list)?;
    list.close();
    Ok(list.seen)
}

/// The content of one file of a layer; `None` where it is larger than what is held.
///
/// # Errors
/// [`BuildError::Layer`].
pub(super) fn content(layout: &OciLayout, layer: &Layer, path: &str, effects: &Effects) -> Result<Option<Vec<u8>>, BuildError> {
    let mut one = One {
        path,
        limit: effects.limits.wanted_file,
        content: None,
    };
    read(layout, layer, effects, &mut one)?;
    Ok(one.content)
}

fn read(layout: &OciLayout, layer: &Layer, effects: &Effects, visitor: &mut dyn Visitor) -> Result<(), BuildError> {
    let stated = Stated {
        digest: Some(layer.digest),
        diff_id: Some(layer.diff_id),
        size: Some(layer.size),
        name: String::new(),
    };
    let read: Result<_, LayerError> = layers::read(layout.open_blob(&layer.digest)?, &stated, &effects.limits, visitor);
    read?;
    Ok(())
}

#[derive(Default)]
struct List {
    seen: Vec<Seen>,
    metadata: Metadata,
    hasher: Sha256,
}

impl List {
    fn close(&mut self) {
        let hasher = std::mem::take(&mut self.hasher);
        if let Some(last) = self.seen.last_mut() {
            last.content = hasher.finalize().into();
        }
    }
}

impl Visitor for List {
    fn metadata(&mut self, metadata: &Metadata) {
        self.metadata.clone_from(metadata);
    }

    fn entry(&mut self, entry: &Entry<'_>) -> Result<Need, LayerProblem> {
        self.close();
        self.seen.push(Seen {
            path: entry.path.to_owned(),
            shape: format!("{:?}, mode {:o}, {} bytes", entry.kind, entry.mode, entry.size),
            metadata: std::mem::take(&mut self.metadata),
            size: entry.size,
            content: [0; 32],
        });
        Ok(Need::Pieces)
    }

    fn content(&mut self, _: &Entry<'_>, _: &[u8]) {}

    fn piece(&mut self, _: &Entry<'_>, _: u64, bytes: &[u8]) -> Result<(), LayerProblem> {
        self.hasher.update(bytes);
        Ok(())
    }
}

struct One<'p> {
    path: &'p str,
    limit: u64,
    content: Option<Vec<u8>>,
}

impl Visitor for One<'_> {
    fn entry(&mut self, entry: &Entry<'_>) -> Result<Need, LayerProblem> {
        let is_wanted = entry.path == self.path && entry.size <= self.limit;
        Ok(if is_wanted { Need::Content } else { Need::Nothing })
    }

    fn content(&mut self, _: &Entry<'_>, bytes: &[u8]) {
        self.content = Some(bytes.to_vec());
    }
}
