//! What a visitor of a layer is told: each entry, and what a reader could doubt of it.

use std::ops::ControlFlow;

use super::error::LayerProblem;
use super::metadata::Metadata;
use super::spill::Spilled;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'a> {
    /// A regular file with its content.
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
    /// File, folder, link or device.
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

/// Something in a tar that two readers could take for different things. What it comes to may be another file, or none, for whoever unpacks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubt<'a> {
    /// Clean path of the entry, as Go's reader has it; a description where it is about no entry.
    pub entry: &'a str,
    /// Where the header starts, in bytes of the unpacked tar.
    pub offset: u64,
    /// What is odd about it: half a sentence.
    pub reason: &'static str,
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
    /// Its content, piece by piece.
    Pieces,
}

/// Somebody who looks at the entries of a layer.
pub trait Visitor {
    /// Sees an entry, before its content.
    ///
    /// # Errors
    /// Whatever makes the whole layer unusable.
    fn entry(&mut self, entry: &Entry<'_>) -> Result<Need, LayerProblem>;

    /// Hears of a doubt, before it sees the entry. The walk goes on as Go's reader does unless this is an error, which it is by default: what
    /// cannot say that it has a gap must not pass over one.
    ///
    /// # Errors
    /// [`LayerProblem::Ambiguous`].
    fn ambiguous(&mut self, doubt: &Doubt<'_>) -> Result<(), LayerProblem> {
        Err(LayerProblem::Ambiguous {
            entry: doubt.entry.to_owned(),
            offset: doubt.offset,
            reason: doubt.reason,
        })
    }

    /// Sees owner, time and attributes of the entry that comes next.
    fn metadata(&mut self, metadata: &Metadata) {
        let _ = metadata;
    }

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

    /// Sees a part of a file after [`Need::Pieces`], from its byte `at` on. Holes of sparse files are passed over.
    ///
    /// # Errors
    /// Whatever makes the whole layer unusable.
    fn piece(&mut self, entry: &Entry<'_>, at: u64, bytes: &[u8]) -> Result<(), LayerProblem> {
        let _ = (entry, at, bytes);
        Ok(())
    }

    /// Hears how many unpacked bytes have passed; may stop the walk.
    fn at(&mut self, unpacked: u64) -> ControlFlow<()> {
        let _ = unpacked;
        ControlFlow::Continue(())
    }
}
