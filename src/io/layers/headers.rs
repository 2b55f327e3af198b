//! From header blocks to entries: what PAX and GNU headers say of the entry that follows, joined with its own header.
//!
//! Entries are read as Go's `archive/tar` reads them, which is what docker, containerd, podman, buildah and umoci unpack with. Where GNU tar,
//! libarchive or another version of Go could come to another entry, the entry comes with a doubt.

use super::error::LayerProblem;
use super::header::{BLOCK, Header, TypeFlag, sparse_entries};
use super::join::{Doubted, Joined, Pending, Sort, SparseMap};
use super::metadata::Metadata;
use super::pax;
use super::stream::{Chunks, Stream};
use super::{path, sparse};
use crate::io::limits::Limits;

/// What all headers of an entry say together.
#[derive(Debug)]
pub(super) struct EntryMeta {
    pub(super) sort: Sort,
    pub(super) mode: u32,
    pub(super) metadata: Metadata,
    /// Bytes that are stored from here on.
    pub(super) stored: u64,
    /// The map of a sparse file and its size with its holes.
    pub(super) sparse: Option<(sparse::DataRanges, u64)>,
}

/// What a step came to.
#[derive(Debug)]
pub(super) enum Step {
    /// A header that is no entry.
    More,
    Entry(EntryMeta),
    End,
}

/// Reads headers until an entry is whole.
#[derive(Debug)]
pub(super) struct Headers<'l> {
    limits: &'l Limits,
    pending: Pending,
    buffer: Vec<u8>,
    name: Vec<u8>,
    /// Headers of entries and of what belongs to them.
    pub(super) entries: u64,
    /// Clean path of the entry; empty for the root.
    pub(super) clean: Vec<u8>,
    /// Target of a link: clean for a hard one, as written for a symbolic one.
    pub(super) target: Vec<u8>,
    /// The first doubt about the last step.
    pub(super) doubt: Option<Doubted>,
}

impl<'l> Headers<'l> {
    pub(super) fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            pending: Pending::default(),
            buffer: Vec::new(),
            name: Vec::new(),
            entries: 0,
            clean: Vec::new(),
            target: Vec::new(),
            doubt: None,
        }
    }

    /// Reads one header, and the data of one that is no entry.
    pub(super) fn step<C: Chunks>(&mut self, stream: &mut Stream<C>) -> Result<Step, LayerProblem> {
        self.doubt = None;
        let at = stream.offset();
        let Some(block) = stream.block()? else {
            return Ok(self.end(at));
        };
        let Some(header) = Header::parse(block)? else {
            return self.zeros(stream, at);
        };
        self.entries += 1;
        if self.entries > self.limits.entries {
            // A row of headers without an end must not run on for ever.
            return Err(LayerProblem::Limit {
                what: "the number of entries",
                limit: self.limits.entries,
            });
        }
        match header.flag {
            TypeFlag::PaxLocal | TypeFlag::GnuName | TypeFlag::GnuLink => {
                let (flag, size, doubt) = (header.flag, header.size, header.doubt);
                self.pending.note(at, doubt);
                self.extension(stream, at, flag, size)?;
                Ok(Step::More)
            }
            TypeFlag::PaxGlobal => {
                let (size, doubt) = (header.size, header.doubt);
                self.global(stream, at, size, doubt)?;
                Ok(Step::More)
            }
            _ => {
                let pending = std::mem::take(&mut self.pending);
                let joined = pending.join(&header, at, &mut self.name, &mut self.target)?;
                self.entry(stream, joined)
            }
        }
    }

    /// Two blocks of zeros are the end. One alone is passed over by GNU tar, ends the archive for libarchive and breaks it for Go.
    fn zeros<C: Chunks>(&mut self, stream: &mut Stream<C>, at: u64) -> Result<Step, LayerProblem> {
        if stream.peek_is_zeros()? {
            stream.block()?;
            return Ok(self.end(at));
        }
        self.doubt = Some(Doubted {
            offset: at,
            reason: "a lone block of zeros before the end",
        });
        Ok(Step::More)
    }

    fn end(&mut self, at: u64) -> Step {
        if !std::mem::take(&mut self.pending).is_empty() {
            self.doubt = Some(Doubted {
                offset: at,
                reason: "a header speaks of the next entry, and none comes",
            });
        }
        Step::End
    }

    fn data<C: Chunks>(&mut self, stream: &mut Stream<C>, size: u64) -> Result<Vec<u8>, LayerProblem> {
        if size > self.limits.tar_extension {
            return Err(LayerProblem::Limit {
                what: "the size of an extension header",
                limit: self.limits.tar_extension,
            });
        }
        stream.content(size, &mut self.buffer, <[u8]>::to_vec)
    }

    /// Reads an extension header's data, which speaks of the next entry.
    fn extension<C: Chunks>(&mut self, stream: &mut Stream<C>, at: u64, flag: TypeFlag, size: u64) -> Result<(), LayerProblem> {
        let data = self.data(stream, size)?;
        if flag == TypeFlag::PaxLocal {
            let (pax, doubt) = pax::parse(&data);
            self.pending.note(at, doubt);
            if self.pending.pax.replace(pax).is_some() {
                self.pending.note(at, Some("it has two PAX headers"));
            }
        } else {
            let end = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
            if end == 0 || data[end..].iter().any(|byte| *byte != 0) {
                self.pending
                    .note(at, Some("GNU's header for a long name is empty, or has a zero byte in it"));
            }
            let pending = match flag {
                TypeFlag::GnuName => &mut self.pending.name,
                _ => &mut self.pending.link,
            };
            if pending.replace(data[..end].to_vec()).is_some() {
                self.pending.note(at, Some("it has two of GNU's headers for a long name"));
            }
        }
        if self.pending.pax.is_some() && (self.pending.name.is_some() || self.pending.link.is_some()) {
            self.pending.note(at, Some("it has a PAX header and GNU's header for a long name"));
        }
        Ok(())
    }

    /// A global header names nothing for Go's reader, which also forgets what stood before it; it changes all later entries for others.
    fn global<C: Chunks>(&mut self, stream: &mut Stream<C>, at: u64, size: u64, doubt: Option<&'static str>) -> Result<(), LayerProblem> {
        let pending = std::mem::take(&mut self.pending);
        let data = self.data(stream, size)?;
        let (pax, malformed) = pax::parse(&data);
        let reason = doubt
            .or((!pending.is_empty()).then_some("a global PAX header stands between an entry and its headers"))
            .or(malformed)
            .or(pax.changes.then_some("a global PAX header changes entries"));
        self.doubt = reason.map(|reason| Doubted { offset: at, reason });
        Ok(())
    }

    /// Brings paths to one form and reads what is left of a sparse file's map.
    fn entry<C: Chunks>(&mut self, stream: &mut Stream<C>, joined: Joined) -> Result<Step, LayerProblem> {
        let mut doubts = joined.doubts;
        if path::clean(&self.name, self.limits, &mut self.clean)? {
            doubts.note(Some("its name has `..` in it"));
        }
        if self.clean.is_empty() && joined.sort != Sort::Directory {
            doubts.note(Some("it has no name"));
        }
        match joined.sort {
            Sort::HardLink => {
                std::mem::swap(&mut self.name, &mut self.target);
                if path::clean(&self.name, self.limits, &mut self.target)? {
                    doubts.note(Some("the name of its target has `..` in it"));
                }
            }
            Sort::Symlink if self.target.len() > self.limits.path => {
                return Err(LayerProblem::Limit {
                    what: "the length of a link's target",
                    limit: self.limits.path as u64,
                });
            }
            _ => {}
        }
        self.doubt = doubts.first;
        let mut stored = joined.stored;
        let sparse = match joined.sparse {
            Some(SparseMap::Known(map, real)) => Some((map, real)),
            Some(SparseMap::Begun(map, real)) => Some((self.rest_of_map(stream, map)?, real)),
            Some(SparseMap::Leading(real)) => {
                let map = self.leading_map(stream, &mut stored)?;
                Some((map, real))
            }
            None => None,
        };
        if let Some((map, real)) = &sparse {
            sparse::check(map, stored, *real)?;
        }
        Ok(Step::Entry(EntryMeta {
            sort: joined.sort,
            mode: joined.mode,
            metadata: joined.metadata,
            stored,
            sparse,
        }))
    }

    /// The blocks that continue an old GNU sparse map.
    fn rest_of_map<C: Chunks>(&self, stream: &mut Stream<C>, mut map: sparse::DataRanges) -> Result<sparse::DataRanges, LayerProblem> {
        loop {
            let block = stream.block()?.ok_or_else(|| LayerProblem::EndsInside("a sparse map".to_owned()))?;
            map.append(&mut sparse_entries(&block[..504]).ok_or(sparse::BROKEN)?);
            self.bound((map.len() * BLOCK / 21) as u64)?;
            match block[504] {
                0 => return Ok(map),
                1 => {}
                _ => return Err(sparse::BROKEN),
            }
        }
    }

    /// The map of format 1.0: the first blocks of what is stored.
    fn leading_map<C: Chunks>(&self, stream: &mut Stream<C>, stored: &mut u64) -> Result<sparse::DataRanges, LayerProblem> {
        let mut data = Vec::new();
        loop {
            *stored = stored.checked_sub(BLOCK as u64).ok_or(sparse::BROKEN)?;
            let block = stream.block()?.ok_or_else(|| LayerProblem::EndsInside("a sparse map".to_owned()))?;
            data.extend_from_slice(block);
            self.bound(data.len() as u64)?;
            if let Some(map) = sparse::leading_map(&data)? {
                return Ok(map);
            }
        }
    }

    fn bound(&self, size: u64) -> Result<(), LayerProblem> {
        let limit = self.limits.tar_extension;
        if size <= limit {
            return Ok(());
        }
        let what = "the size of a sparse map";
        Err(LayerProblem::Limit { what, limit })
    }
}
