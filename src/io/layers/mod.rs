//! Takes the stored bytes of one layer as a stream. Gives each entry of its tar to a visitor, in order.
//! Invariant: nothing is extracted; both digests are verified before anything that was seen may be trusted; memory is bounded by the
//! largest content that the visitor asks to have in memory.

mod decode;
mod error;
mod extension;
mod hands;
mod header;
mod index;
mod members;
mod path;
mod pax;
mod pipeline;
mod sparse;
mod spill;
mod stream;
mod walk;

#[cfg(test)]
#[path = "../../../tests/support/layer.rs"]
#[expect(unreachable_pub, reason = "shared with the integration tests")]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

pub use decode::{decoder, sniff};
pub use error::{LayerError, LayerProblem};
pub use index::index;
pub use members::{Link, Member, Members};
pub use pipeline::{Stated, Totals, read};
pub use spill::Spilled;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'a> {
    /// A regular file.
    File,
    /// A folder.
    Directory,
    /// A symbolic link and its target as written.
    Symlink(&'a [u8]),
    /// A hard link and the clean path of its target.
    HardLink(&'a [u8]),
    /// A device or a pipe.
    Special,
}

/// One entry of a layer's tar.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Clean path from the root, as bytes: no leading slash, no `.`, no `..`, no control characters.
    pub raw: &'a [u8],
    /// The same as text; bytes that are not UTF-8 are replaced.
    pub path: &'a str,
    /// What it is.
    pub kind: Kind<'a>,
    /// Unix mode bits.
    pub mode: u32,
    /// Size in bytes, holes included.
    pub size: u64,
    /// Where its content starts in the unpacked tar, in bytes.
    pub offset: u64,
    /// True when holes are left out of the stored content.
    pub sparse: bool,
}

/// What a visitor needs of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing more.
    Nothing,
    /// Its first bytes, to decide.
    Magic,
    /// Its content, in memory.
    Content,
    /// Its content, on disk. Not for sparse files.
    Spill,
}

/// Somebody who looks at the entries of a layer.
pub trait Visitor {
    /// Sees an entry, before its content.
    ///
    /// # Errors
    /// Whatever makes the whole layer unusable.
    fn entry(&mut self, entry: &Entry<'_>) -> Result<Need, LayerProblem>;

    /// Sees the first bytes of a file (512 of them, where it has so many) after [`Need::Magic`].
    fn magic(&mut self, entry: &Entry<'_>, start: &[u8]) -> Need {
        let _ = (entry, start);
        Need::Nothing
    }

    /// Sees the whole content of a file after [`Need::Content`].
    fn content(&mut self, entry: &Entry<'_>, bytes: &[u8]);

    /// Sees the whole content of a file after [`Need::Spill`].
    fn spilled(&mut self, entry: &Entry<'_>, content: &Spilled) {
        let _ = (entry, content);
    }

    /// Hears how many unpacked bytes have passed; may stop the walk.
    fn at(&mut self, unpacked: u64) -> ControlFlow<()> {
        let _ = unpacked;
        ControlFlow::Continue(())
    }
}
