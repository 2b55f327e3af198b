//! Archives inside of an image that packages lie in: what is unpacked of them is bounded.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

use zip::ZipArchive;

use crate::io::limits::Limits;
use crate::model::coverage::GapKind;

/// True for a file of a name with one of some endings, in any case.
pub(in crate::stage::inventory) fn is_called(path: &str, endings: &[&str]) -> bool {
    let path = path.as_bytes();
    endings.iter().any(|ending| {
        let start = path.len().saturating_sub(ending.len());
        start > 0 && path[start..].eq_ignore_ascii_case(ending.as_bytes())
    })
}

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

/// True for an entry that begins as an archive does. One that cannot be read begins as nothing.
pub(in crate::stage::inventory) fn begins_as_zip<R: Read + Seek>(zip: &mut ZipArchive<R>, at: usize) -> bool {
    let mut start = [0; 4];
    let read = zip.by_index(at).map(|mut entry| entry.read_exact(&mut start));
    matches!(read, Ok(Ok(()))) && start == *b"PK\x03\x04"
}

/// An end record is this long, and a comment of at most 65,535 bytes may follow it.
const END: usize = 22;
const END_MARK: &[u8] = b"PK\x05\x06";
const ENTRY_MARK: &[u8] = b"PK\x01\x02";

/// True where something at its end says that it is an archive, whether it can be opened or not.
///
/// # Errors
/// The disk's.
pub(in crate::stage::inventory) fn ends_as_zip<R: Read + Seek>(content: &mut R) -> io::Result<bool> {
    Ok(end_of(content)?.is_some())
}

/// The last end record: its place in the file, and the record.
fn end_of<R: Read + Seek>(content: &mut R) -> io::Result<Option<(u64, Vec<u8>)>> {
    const FARTHEST: u64 = (END + 65_535) as u64;
    let length = content.seek(SeekFrom::End(0))?;
    let start = length.saturating_sub(FARTHEST);
    content.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    content.take(FARTHEST).read_to_end(&mut tail)?;
    let at = tail.windows(END_MARK.len()).rposition(|window| window == END_MARK);
    Ok(at.map(|at| (start + at as u64, tail.split_off(at))))
}

/// The names in an archive's directory as they lie there, whatever its end says of their number.
#[derive(Default)]
pub(in crate::stage::inventory) struct Directory {
    /// How often each name comes.
    names: BTreeMap<Vec<u8>, usize>,
}

/// Reads the directory up to the end record, as Java and Python do: by its place and length, and not by the number of entries.
///
/// # Errors
/// The disk's. A directory that is not where it has to be is empty here, and an error of whoever opens the archive.
pub(in crate::stage::inventory) fn directory<R: Read + Seek>(content: &mut R) -> io::Result<Directory> {
    let mut found = Directory::default();
    let Some((end, record)) = end_of(content)? else { return Ok(found) };
    let Some(length) = record
        .get(12..16)
        .and_then(|bytes| bytes.try_into().map_or(None, |bytes| Some(u32::from_le_bytes(bytes))))
    else {
        return Ok(found);
    };
    let Some(start) = end.checked_sub(u64::from(length)) else {
        return Ok(found);
    };
    content.seek(SeekFrom::Start(start))?;
    let mut listed = Vec::new();
    content.take(u64::from(length)).read_to_end(&mut listed)?;
    let mut rest = listed.as_slice();
    while rest.starts_with(ENTRY_MARK) && rest.len() >= 46 {
        let short = |at: usize| usize::from(u16::from_le_bytes([rest[at], rest[at + 1]]));
        let (name, beyond) = (short(28), short(30) + short(32));
        let Some(name_of_it) = rest.get(46..46 + name) else { break };
        *found.names.entry(name_of_it.to_owned()).or_default() += 1;
        rest = rest.get(46 + name + beyond..).unwrap_or_default();
    }
    Ok(found)
}

impl Directory {
    /// What other readers would see and the opened archive does not tell.
    pub(in crate::stage::inventory) fn disagrees<R: Read + Seek>(&self, zip: &ZipArchive<R>) -> Option<String> {
        (self.names.len() > zip.len()).then(|| {
            format!(
                "its directory lists {} entries, and its end says that there are {}: readers differ in what it holds",
                self.names.len(),
                zip.len()
            )
        })
    }
}
