//! The walk over a tar: headers are read, contents are passed over unless somebody wants them.

use std::ops::ControlFlow;

use super::error::LayerProblem;
use super::extension::{self, Pending};
use super::header::{BLOCK, Flag, Header, sparse_entries};
use super::stream::Stream;
use super::{Entry, Kind, Need, Spilled, Visitor, path, sparse};
use crate::io::limits::Limits;

/// Walks over one tar to the end of its bytes and gives the number of its entries.
pub(super) fn walk(stream: &mut Stream<'_>, limits: &Limits, visitor: &mut dyn Visitor) -> Result<u64, LayerProblem> {
    let entries = entries(stream, limits, visitor)?;
    stream.drain()?;
    Ok(entries)
}

/// Walks over one tar to its end mark and gives the number of its entries.
pub(super) fn entries(stream: &mut Stream<'_>, limits: &Limits, visitor: &mut dyn Visitor) -> Result<u64, LayerProblem> {
    let mut walk = Walk {
        limits,
        buffer: Vec::new(),
        name: Vec::new(),
        clean: Vec::new(),
        clean_link: Vec::new(),
        pending: Pending::default(),
        entries: 0,
        spilled: None,
    };
    while walk.entry(stream, visitor)? {
        if visitor.at(stream.offset()) == ControlFlow::Break(()) {
            return Err(LayerProblem::Interrupted);
        }
    }
    Ok(walk.entries)
}

struct Walk<'l> {
    limits: &'l Limits,
    buffer: Vec<u8>,
    name: Vec<u8>,
    clean: Vec<u8>,
    clean_link: Vec<u8>,
    pending: Pending,
    entries: u64,
    /// Holds one large file after the other.
    spilled: Option<Spilled>,
}

/// A sparse file's map, once it is known.
enum SparseMap {
    Known(sparse::Map),
    Leading,
}

impl Walk<'_> {
    /// Reads one header and what belongs to it; false at the end of the archive.
    fn entry(&mut self, stream: &mut Stream<'_>, visitor: &mut dyn Visitor) -> Result<bool, LayerProblem> {
        let Some(block) = stream.block()? else {
            return Ok(false);
        };
        let Some(header) = Header::parse(block)? else {
            return match stream.block()?.map(Header::parse) {
                None | Some(Ok(None)) => Ok(false),
                Some(_) => Err(LayerProblem::Header("a lone block of zeros before the end")),
            };
        };
        let (flag, mode, size) = (header.flag, header.mode, header.size);
        match flag {
            Flag::PaxLocal | Flag::GnuName | Flag::GnuLink => {
                self.extension(stream, flag, size)?;
                return Ok(true);
            }
            // As the unpackers of images do: global headers name nothing.
            Flag::PaxGlobal | Flag::Other => {
                self.pending = Pending::default();
                stream.skip(size)?;
                return Ok(true);
            }
            _ => {}
        }
        extension::count(&mut self.entries, self.limits)?;
        let said = std::mem::take(&mut self.pending).join(&header, &mut self.name);
        let (link, stored) = (said.link, said.stored);
        let old_sparse = (flag == Flag::Sparse)
            .then(|| header.gnu_sparse().ok_or(LayerProblem::Header("a sparse map is broken")))
            .transpose()?;
        let sparse = match (old_sparse, said.sparse) {
            (Some((map, more, real)), _) => Some((SparseMap::Known(self.rest_of_map(stream, map, more)?), real)),
            (None, Some(sparse)) if flag == Flag::Regular => {
                Some((sparse.map.map_or(SparseMap::Leading, SparseMap::Known), sparse.real_size))
            }
            _ => None,
        };
        path::clean(&self.name, self.limits, &mut self.clean)?;
        let kind = match flag {
            Flag::HardLink => {
                path::clean(&link, self.limits, &mut self.clean_link)?;
                Kind::HardLink(&self.clean_link)
            }
            Flag::Symlink if link.len() > self.limits.path => {
                return Err(LayerProblem::Limit {
                    what: "the length of a link's target",
                    limit: self.limits.path as u64,
                });
            }
            Flag::Symlink => Kind::Symlink(&link),
            Flag::Directory => Kind::Directory,
            Flag::Special => Kind::Special,
            _ => Kind::File,
        };
        if self.clean.is_empty() {
            stream.skip(stored)?;
            return Ok(true);
        }
        let name = String::from_utf8_lossy(&self.clean);
        let entry = Entry {
            raw: &self.clean,
            path: &name,
            kind,
            mode,
            size: sparse.as_ref().map_or(stored, |(_, real)| *real),
            offset: stream.offset(),
            sparse: sparse.is_some(),
        };
        let need = match visitor.entry(&entry)? {
            Need::Magic if sparse.is_none() => visitor.magic(&entry, stream.peek(stored)?),
            // The first bytes of a sparse file are known after all of it was read.
            Need::Magic => Need::Content,
            need => need,
        };
        match (need, sparse) {
            (Need::Content, None) => stream.content(stored, &mut self.buffer, |bytes| visitor.content(&entry, bytes))?,
            (Need::Spill, None) => {
                let mut spilled = match self.spilled.take() {
                    Some(spilled) => spilled,
                    None => Spilled::new()?,
                };
                spilled.clear()?;
                stream.pieces(stored, |piece| spilled.push(piece))?;
                visitor.spilled(&entry, &spilled);
                self.spilled = Some(spilled);
            }
            // The map and a partial block are all that is stored beyond the file's own bytes.
            (Need::Content, Some((_, real))) if stored > real.saturating_add(self.limits.tar_extension) => {
                return Err(LayerProblem::Header("a sparse file stores more than it holds"));
            }
            (Need::Content, Some((map, real))) => {
                let expanded = stream.content(stored, &mut self.buffer, |bytes| expand(map, bytes, real, self.limits))??;
                visitor.content(&entry, &expanded);
            }
            _ => stream.skip(stored)?,
        }
        Ok(true)
    }

    /// Reads an extension header's data, which speaks of the next entry.
    fn extension(&mut self, stream: &mut Stream<'_>, flag: Flag, size: u64) -> Result<(), LayerProblem> {
        extension::within_limit(size, self.limits)?;
        extension::count(&mut self.entries, self.limits)?;
        let pending = &mut self.pending;
        stream.content(size, &mut self.buffer, |data| pending.add(flag, data))?
    }

    /// The blocks that continue an old GNU sparse map.
    fn rest_of_map(&self, stream: &mut Stream<'_>, mut map: sparse::Map, mut more: bool) -> Result<sparse::Map, LayerProblem> {
        while more {
            let block = stream.block()?.ok_or_else(|| LayerProblem::EndsInside("a sparse map".to_owned()))?;
            map.append(&mut sparse_entries(&block[..504]).ok_or(LayerProblem::Header("a sparse map is broken"))?);
            more = block[504] != 0;
            if map.len() * BLOCK / 21 > usize::try_from(self.limits.tar_extension).unwrap_or(usize::MAX) {
                return Err(LayerProblem::Limit {
                    what: "the size of a sparse map",
                    limit: self.limits.tar_extension,
                });
            }
        }
        Ok(map)
    }
}

/// The visitor asked for the content, so it found `real` within its own limit; it is checked once more before memory is taken.
fn expand(map: SparseMap, bytes: &[u8], real: u64, limits: &Limits) -> Result<Vec<u8>, LayerProblem> {
    let limit = limits.held.max(limits.wanted_file);
    let real = usize::try_from(real)
        .ok()
        .filter(|real| *real as u64 <= limit)
        .ok_or(LayerProblem::Limit {
            what: "the size of a sparse file",
            limit,
        })?;
    match map {
        SparseMap::Known(map) => sparse::expand(&map, bytes, real),
        SparseMap::Leading => {
            let (map, start) = sparse::leading_map(bytes)?;
            sparse::expand(&map, &bytes[start..], real)
        }
    }
}
