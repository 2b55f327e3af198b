//! The index of before, from which a changed feed takes what did not change.

use rayon::prelude::*;

use super::layout::{ROW, Section, u64_at};
use super::packed::{Identity, OVERLAID, Packed};
use super::part::Part;
use super::read::{Index, IndexError};

/// An index whose records were all looked at: none of them is damaged.
pub(in crate::stage::matching) struct Earlier {
    index: Index,
}

impl Earlier {
    /// Looks at every record of an index.
    ///
    /// # Errors
    /// [`IndexError::Damaged`] for the first that cannot be read.
    pub(in crate::stage::matching) fn new(index: Index) -> Result<Self, IndexError> {
        (0..index.advisories()).into_par_iter().with_min_len(4096).try_for_each(|number| {
            let record = index.packed(number)?;
            record
                .file()
                .ok_or_else(|| index.damaged("a record in it has no name", number as usize))?;
            Ok(())
        })?;
        Ok(Self { index })
    }

    pub(in crate::stage::matching) fn index(&self) -> &Index {
        &self.index
    }

    pub(in crate::stage::matching) fn records(&self) -> u32 {
        self.index.advisories()
    }

    fn packed(&self, number: u32) -> Packed<'_> {
        self.index.packed(number).unwrap_or(Packed(&[]))
    }

    /// What the file of a record is called, without its ending.
    pub(in crate::stage::matching) fn file(&self, number: u32) -> &str {
        self.packed(number).file().unwrap_or_default()
    }

    /// Whether a record came from the overlay.
    pub(in crate::stage::matching) fn is_overlaid(&self, number: u32) -> bool {
        self.packed(number).flags() & OVERLAID != 0
    }

    /// Whether a record of the archive is of this content.
    pub(in crate::stage::matching) fn is_of(&self, number: u32, identity: Identity) -> bool {
        !self.is_overlaid(number) && self.packed(number).identity() == Some(identity)
    }

    /// Adds a record to a part as it is.
    pub(in crate::stage::matching) fn copy(&self, number: u32, into: &mut Part) -> Result<(), IndexError> {
        let record = self.index.packed(number)?;
        into.add_packed(record.0)
            .ok_or_else(|| self.index.damaged("a record in it cannot be read", number as usize))
    }
}

impl Index {
    /// A record by its number, as it lies here.
    pub(super) fn packed(&self, number: u32) -> Result<Packed<'_>, IndexError> {
        let row = self.bytes(Section::Table, number as usize * ROW, ROW)?;
        let offset = usize::try_from(u64_at(row, 0)).unwrap_or(usize::MAX);
        let length = super::layout::u32_at(self.bytes(Section::Records, offset, 4)?, 0) as usize;
        Ok(Packed(self.bytes(Section::Records, offset, length.saturating_add(4))?))
    }
}
