//! The walk over a tar: headers are read, contents are passed over unless somebody wants them.

use std::ops::ControlFlow;

use super::error::LayerProblem;
use super::headers::{EntryMeta, Headers, Step};
use super::join::{Doubted, Sort};
use super::stream::{Chunks, Stream};
use super::{Doubt, Entry, Kind, Need, Spilled, Visitor, sparse};
use crate::io::limits::Limits;

/// Walks over one tar to the end of its bytes and gives the number of its entries.
pub(super) fn walk<C: Chunks>(stream: &mut Stream<C>, limits: &Limits, visitor: &mut dyn Visitor) -> Result<u64, LayerProblem> {
    let mut walk = Walk {
        limits,
        headers: Headers::new(limits),
        buffer: Vec::new(),
        spilled: None,
    };
    loop {
        match walk.headers.step(stream)? {
            Step::More => walk.aside(visitor)?,
            Step::Entry(said) => walk.entry(stream, visitor, &said)?,
            Step::End => {
                walk.aside(visitor)?;
                break;
            }
        }
        if visitor.at(stream.offset()) == ControlFlow::Break(()) {
            return Err(LayerProblem::Interrupted);
        }
    }
    if let Some(doubted) = stream.rest()? {
        tell(visitor, "the rest of the tar", doubted)?;
    }
    Ok(walk.headers.entries)
}

fn tell(visitor: &mut dyn Visitor, entry: &str, Doubted { offset, reason }: Doubted) -> Result<(), LayerProblem> {
    visitor.ambiguous(&Doubt { entry, offset, reason })
}

struct Walk<'l> {
    limits: &'l Limits,
    headers: Headers<'l>,
    buffer: Vec<u8>,
    /// Holds one large file after the other.
    spilled: Option<Spilled>,
}

impl Walk<'_> {
    /// Tells of a doubt about something that is no entry.
    fn aside(&mut self, visitor: &mut dyn Visitor) -> Result<(), LayerProblem> {
        match self.headers.doubt.take() {
            Some(doubted) => tell(visitor, "a header that is no entry", doubted),
            None => Ok(()),
        }
    }

    fn entry<C: Chunks>(&mut self, stream: &mut Stream<C>, visitor: &mut dyn Visitor, said: &EntryMeta) -> Result<(), LayerProblem> {
        let Self { headers, buffer, .. } = self;
        let name = String::from_utf8_lossy(&headers.clean);
        if let Some(doubted) = headers.doubt {
            tell(visitor, &name, doubted)?;
        }
        if headers.clean.is_empty() {
            return stream.skip(said.stored);
        }
        let entry = Entry {
            raw: &headers.clean,
            path: &name,
            kind: match said.sort {
                Sort::File => Kind::File,
                Sort::Directory => Kind::Directory,
                Sort::Symlink => Kind::Symlink(&headers.target),
                Sort::HardLink => Kind::HardLink(&headers.target),
                Sort::Special => Kind::Special,
            },
            mode: said.mode,
            size: said.sparse.as_ref().map_or(said.stored, |(_, real)| *real),
            offset: stream.offset(),
            sparse: said.sparse.is_some(),
        };
        visitor.metadata(&said.metadata);
        let need = match visitor.entry(&entry)? {
            Need::Magic if said.sparse.is_none() => visitor.magic(&entry, stream.peek(said.stored)?),
            // The first bytes of a sparse file are known after all of it was read.
            Need::Magic => Need::Content,
            need => need,
        };
        match (need, &said.sparse) {
            (Need::Content, None) => stream.content(said.stored, buffer, |bytes| visitor.content(&entry, bytes)),
            (Need::Content, Some((map, real))) => {
                let limit = self.limits.held.max(self.limits.wanted_file);
                let expanded = stream.content(said.stored, buffer, |bytes| expand(map, bytes, *real, limit))??;
                visitor.content(&entry, &expanded);
                Ok(())
            }
            (Need::Spill, None) => {
                let spilled = Spilled::cleared(&mut self.spilled)?;
                stream.pieces(said.stored, |piece| spilled.push(piece))?;
                visitor.spilled(&entry, spilled);
                Ok(())
            }
            (Need::Pieces, map) => pieces(stream, said.stored, map.as_ref().map(|(map, _)| map), &entry, visitor),
            _ => stream.skip(said.stored),
        }
    }
}

/// Hands a file over piece by piece, each with its place in the file.
fn pieces<C: Chunks>(
    stream: &mut Stream<C>,
    stored: u64,
    map: Option<&sparse::DataRanges>,
    entry: &Entry<'_>,
    visitor: &mut dyn Visitor,
) -> Result<(), LayerProblem> {
    let whole = [(0, stored)];
    let mut parts = map.map_or(&whole[..], Vec::as_slice).iter().copied();
    let (mut at, mut left) = (0, 0);
    stream.pieces(stored, |mut piece| {
        while !piece.is_empty() {
            while left == 0 {
                (at, left) = parts.next().ok_or(sparse::BROKEN)?;
            }
            let take = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            let (part, rest) = piece.split_at(take);
            visitor.piece(entry, at, part)?;
            (at, left, piece) = (at + take as u64, left - take as u64, rest);
        }
        Ok(())
    })
}

/// The visitor asked for the content, so it found `real` within its own limit; it is checked once more before memory is taken.
fn expand(map: &sparse::DataRanges, bytes: &[u8], real: u64, limit: u64) -> Result<Vec<u8>, LayerProblem> {
    let what = "the size of a sparse file";
    let size = usize::try_from(real).map_err(|_| LayerProblem::Limit { what, limit })?;
    if real > limit {
        return Err(LayerProblem::Limit { what, limit });
    }
    sparse::expand(map, bytes, size)
}
