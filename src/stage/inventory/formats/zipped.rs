//! Archives inside of an image that packages lie in: what is unpacked of them is bounded.

use std::io::{Read, Seek};

use zip::ZipArchive;

use crate::io::limits::Limits;
use crate::model::coverage::GapKind;

/// One entry, unpacked. `budget` is how many bytes may still be.
///
/// # Errors
/// The kind of gap and the problem, for an entry that cannot be read or is too large.
pub(in crate::stage::inventory) fn unpack<R: Read + Seek>(
    zip: &mut ZipArchive<R>,
    at: usize,
    budget: &mut u64,
) -> Result<Vec<u8>, (GapKind, String)> {
    let entry = zip.by_index(at).map_err(|error| (GapKind::PartialDatabase, error.to_string()))?;
    let mut unpacked = Vec::new();
    // The size that the archive names is not trusted.
    let most = Limits::NESTED_ARCHIVE.min(*budget);
    let read = entry.take(most + 1).read_to_end(&mut unpacked);
    let size = unpacked.len() as u64;
    // What was unpacked counts, also where it was of no use.
    *budget = budget.saturating_sub(size);
    read.map_err(|error| (GapKind::PartialDatabase, error.to_string()))?;
    if size > most {
        return Err((
            GapKind::LimitReached,
            format!(
                "it unpacks to more than {} bytes, or everything inside to more than {}",
                Limits::NESTED_ARCHIVE,
                Limits::NESTED_ARCHIVES
            ),
        ));
    }
    Ok(unpacked)
}
