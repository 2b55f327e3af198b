//! Extension headers: what PAX and GNU headers say of the entry that follows them.

use super::error::LayerProblem;
use super::header::{Flag, Header};
use super::pax::{self, Pax, PaxSparse};
use crate::io::limits::Limits;

/// What is said of the next entry before its own header comes.
#[derive(Default)]
pub(super) struct Pending {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    pax: Pax,
}

/// What an entry's header says together with its extensions, its path apart.
pub(super) struct Said {
    /// Target of a link, as written.
    pub(super) link: Vec<u8>,
    /// Bytes that are stored after the header.
    pub(super) stored: u64,
    pub(super) sparse: Option<PaxSparse>,
}

impl Pending {
    /// Takes the data of an extension header in.
    pub(super) fn add(&mut self, flag: Flag, data: &[u8]) -> Result<(), LayerProblem> {
        match flag {
            Flag::PaxLocal => self.pax = pax::parse(data)?,
            Flag::GnuName => self.name = Some(until_nul(data)),
            _ => self.link = Some(until_nul(data)),
        }
        Ok(())
    }

    /// Joins it with the entry's own header; the path goes to `path`.
    pub(super) fn join(self, header: &Header<'_>, path: &mut Vec<u8>) -> Said {
        match self.pax.path.or(self.name) {
            Some(name) => *path = name,
            None => header.path(path),
        }
        Said {
            link: self.pax.link.or(self.link).unwrap_or_else(|| header.link().to_vec()),
            stored: match header.flag {
                Flag::Regular | Flag::Sparse => self.pax.size.unwrap_or(header.size),
                _ => header.size,
            },
            sparse: self.pax.sparse,
        }
    }
}

/// Refuses an extension header that is larger than what anybody has to say.
pub(super) fn within_limit(size: u64, limits: &Limits) -> Result<(), LayerProblem> {
    if size > limits.tar_extension {
        return Err(LayerProblem::Limit {
            what: "the size of an extension header",
            limit: limits.tar_extension,
        });
    }
    Ok(())
}

/// Counts one more header. A row of them without an end must not run on for ever.
pub(super) fn count(entries: &mut u64, limits: &Limits) -> Result<(), LayerProblem> {
    *entries += 1;
    if *entries > limits.entries {
        return Err(LayerProblem::Limit {
            what: "the number of entries",
            limit: limits.entries,
        });
    }
    Ok(())
}

fn until_nul(data: &[u8]) -> Vec<u8> {
    data.split(|byte| *byte == 0).next().unwrap_or_default().to_vec()
}
