//! `Packages.db`: rpm's own database, slots at the start that point to blobs. Numbers are little-endian.
//!
//! Source: rpm's `lib/backend/ndb/rpmpkg.c`.

use std::borrow::Cow;

use crate::model::excused::Excused as _;

use super::blobs::{Blobs, Budget};

const MAGIC: &[u8] = b"RpmP";
const SLOT: usize = 16;
const PAGE: usize = 4096;
/// Blobs lie at multiples of this.
const BLOCK: usize = 16;
/// The slots start behind a header of two slots' size.
const FIRST_SLOT: usize = 2;

/// The header blobs of every slot that is in use.
pub(super) fn blobs(content: &[u8]) -> Blobs<'_> {
    let slot_pages = le32(content, 12).filter(|_| content.starts_with(MAGIC));
    let slots = slot_pages.and_then(|pages| content.get(..pages.checked_mul(PAGE)?));
    let Some(slots) = slots else {
        return Blobs::trouble("it is no ndb database, or ends among its slots");
    };
    let mut blobs = Blobs::default();
    let mut budget = Budget::of(content);
    for (at, slot) in slots.chunks_exact(SLOT).enumerate().skip(FIRST_SLOT) {
        let (package, block) = (le32(slot, 4).unwrap_or_default(), le32(slot, 8).unwrap_or_default());
        if package == 0 || block == 0 {
            continue;
        }
        match blob(content, slot, package, block) {
            Some(blob) if budget.take(blob.len()) => blobs.blobs.push(Cow::Borrowed(blob)),
            Some(_) => {
                blobs.troubles.push(Budget::SPENT.to_owned());
                return blobs;
            }
            None => blobs
                .troubles
                .push(format!("the blob of slot {at} is not where the slot says, block {block}")),
        }
    }
    blobs
}

fn blob<'a>(content: &'a [u8], slot: &[u8], package: usize, block: usize) -> Option<&'a [u8]> {
    let start = block.checked_mul(BLOCK)?;
    let head = content.get(start..start.checked_add(BLOCK)?)?;
    let fits = slot.starts_with(b"Slot") && head.starts_with(b"BlbS") && le32(head, 4) == Some(package);
    let size = le32(head, 12).filter(|_| fits)?;
    content.get(start + BLOCK..(start + BLOCK).checked_add(size)?)
}

fn le32(data: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(
        data.get(at..at.checked_add(4)?)?
            .try_into()
            .or_none("the caller says that the database is cut")?,
    ))
    .or_none("the caller says that the database is cut")
}
