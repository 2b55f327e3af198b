//! What extension headers say of an entry, joined with the entry's own header, and every reason to doubt the outcome.

use super::error::LayerProblem;
use super::header::{Header, TypeFlag};
use super::metadata::Metadata;
use super::pax::{Pax, PaxSparse};
use super::sparse;

/// What kind of entry the headers come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    File,
    Directory,
    Symlink,
    HardLink,
    Special,
}

/// Where a doubt arose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Doubted {
    pub(super) offset: u64,
    pub(super) reason: &'static str,
}

/// The first doubt about an entry whose own header is at `at`.
#[derive(Debug)]
pub(super) struct Doubts {
    at: u64,
    pub(super) first: Option<Doubted>,
}

impl Doubts {
    pub(super) fn note(&mut self, reason: Option<&'static str>) {
        if let Some(reason) = reason {
            self.first.get_or_insert(Doubted { offset: self.at, reason });
        }
    }

    fn when(&mut self, odd: bool, reason: &'static str) {
        self.note(odd.then_some(reason));
    }
}

/// What is said of the next entry before its own header comes.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) name: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) pax: Option<Pax>,
    pub(super) doubt: Option<Doubted>,
}

/// An entry's headers, joined.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) sort: Sort,
    pub(super) mode: u32,
    pub(super) metadata: Metadata,
    /// Bytes that are stored after the header.
    pub(super) stored: u64,
    pub(super) sparse: Option<SparseMap>,
    pub(super) doubts: Doubts,
}

/// What the headers say of a sparse file's map; each with the size of the whole file.
#[derive(Debug)]
pub(super) enum SparseMap {
    Known(sparse::DataRanges, u64),
    /// More of it is in the blocks that follow.
    Begun(sparse::DataRanges, u64),
    /// All of it is at the start of the data.
    Leading(u64),
}

/// Sizes from here on do not fit the header's octal field.
const LARGE: u64 = 1 << 33;

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.name.is_none() && self.link.is_none() && self.pax.is_none() && self.doubt.is_none()
    }

    /// Keeps the first doubt for the entry that comes.
    pub(super) fn note(&mut self, at: u64, reason: Option<&'static str>) {
        if let Some(reason) = reason {
            self.doubt.get_or_insert(Doubted { offset: at, reason });
        }
    }

    /// Joins it with the header of the entry at `at`. The path goes to `path`, a link's target to `target`, both as written.
    pub(super) fn join(self, header: &Header<'_>, at: u64, path: &mut Vec<u8>, target: &mut Vec<u8>) -> Result<Joined, LayerProblem> {
        let mut doubts = Doubts { at, first: self.doubt };
        doubts.note(header.doubt);
        let mut pax = self.pax.unwrap_or_default();
        let metadata = Metadata::of(header, &mut pax);
        let sparse_name = pax.sparse.as_ref().and_then(|sparse| sparse.name.as_deref());
        let named = sparse_name.or(self.name.as_deref()).or(pax.path.as_deref());
        let own_name_is_clean = header.path(path);
        let own_name_is_folder = path.ends_with(b"/");
        match named {
            Some(name) => {
                path.clear();
                path.extend_from_slice(name);
            }
            None => doubts.when(!own_name_is_clean, "bytes follow the end of its name"),
        }
        let sort = sort(header.flag, path);
        doubts.when(header.flag == TypeFlag::Other, "its type is not one that all readers know");
        let folder_by_name = header.flag == TypeFlag::Old && named.is_some() && (own_name_is_folder || sort == Sort::Directory);
        doubts.when(folder_by_name, "whether it is a folder depends on which of its names counts");
        let slash = path.ends_with(b"/") || path.ends_with(b"/.");
        doubts.when(
            slash && sort != Sort::Directory,
            "its name is that of a folder, and its type another",
        );
        let said_link = self.link.or(pax.link);
        match sort {
            Sort::Symlink | Sort::HardLink => link(header, said_link, target, &mut doubts),
            _ => doubts.when(
                said_link.is_some() || !header.link().0.is_empty(),
                "it has a link's target, and is no link",
            ),
        }
        let sized = header.size != 0 || pax.size.is_some_and(|size| size != 0);
        doubts.when(
            sort != Sort::File && sized,
            "it has a size, and a type that has no data for all readers",
        );
        let size = size(header, pax.size, &mut doubts);
        let stored = if sort == Sort::File { size } else { 0 };
        let sparse = sparse(header, pax.sparse, sort, &mut doubts)?;
        Ok(Joined {
            sort,
            mode: header.mode,
            metadata,
            stored,
            sparse,
            doubts,
        })
    }
}

fn sort(flag: TypeFlag, path: &[u8]) -> Sort {
    match flag {
        TypeFlag::Directory => Sort::Directory,
        TypeFlag::Old if path.ends_with(b"/") => Sort::Directory,
        TypeFlag::HardLink => Sort::HardLink,
        TypeFlag::Symlink => Sort::Symlink,
        TypeFlag::Special => Sort::Special,
        // POSIX: what is not known is a file.
        _ => Sort::File,
    }
}

fn link(header: &Header<'_>, said: Option<Vec<u8>>, target: &mut Vec<u8>, doubts: &mut Doubts) {
    target.clear();
    match said {
        Some(link) => *target = link,
        None => {
            let (link, clean) = header.link();
            target.extend_from_slice(link);
            doubts.when(!clean, "bytes follow the end of its target");
        }
    }
    doubts.when(target.is_empty(), "it is a link to nothing");
}

/// The size of what is stored. A size that does not fit the header's own field is stated by PAX alone.
fn size(header: &Header<'_>, said: Option<u64>, doubts: &mut Doubts) -> u64 {
    let own = header.size;
    let agreed = match said {
        None => !header.has_no_size(),
        Some(said) => said == own || said >= LARGE && (own == 0 || own == LARGE - 1),
    };
    doubts.when(!agreed, "its size is not stated, or two sizes are");
    said.unwrap_or(own)
}

fn sparse(header: &Header<'_>, said: Option<PaxSparse>, sort: Sort, doubts: &mut Doubts) -> Result<Option<SparseMap>, LayerProblem> {
    doubts.when(
        said.is_some() && header.flag != TypeFlag::Regular,
        "it has a sparse file's map, and another type",
    );
    if header.flag == TypeFlag::Sparse {
        let (map, more, real) = header.gnu_sparse().ok_or(sparse::BROKEN)?;
        return Ok(Some(match more {
            true => SparseMap::Begun(map, real),
            false => SparseMap::Known(map, real),
        }));
    }
    Ok(said.filter(|_| sort == Sort::File).map(|said| match said.map {
        Some(map) => SparseMap::Known(map, said.real_size),
        None => SparseMap::Leading(said.real_size),
    }))
}
