//! A package's header: an index of tags and a store of their values. Numbers are big-endian.
//!
//! Source: the RPM file format, "Header structure".

use crate::model::excused::Excused as _;

pub(super) const NAME: u32 = 1000;
pub(super) const VERSION: u32 = 1001;
pub(super) const RELEASE: u32 = 1002;
pub(super) const EPOCH: u32 = 1003;
pub(super) const LICENSE: u32 = 1014;
pub(super) const ARCH: u32 = 1022;
pub(super) const SOURCE_RPM: u32 = 1044;
pub(super) const PROVIDE_NAME: u32 = 1047;
pub(super) const REQUIRE_NAME: u32 = 1049;
/// `nodejs:18:9050020250401:rhel9`: the module and the stream that a package is of.
pub(super) const MODULARITY_LABEL: u32 = 5096;
const OLD_FILE_NAMES: u32 = 1027;
const DIR_INDEXES: u32 = 1116;
const BASE_NAMES: u32 = 1117;
const DIR_NAMES: u32 = 1118;

const INT32: u32 = 4;
const STRING: u32 = 6;
const STRING_ARRAY: u32 = 8;
const I18N_STRING: u32 = 9;
const ENTRY: usize = 16;
/// Bytes of the longest path that Linux takes.
const PATH_MAX: usize = 4096;

/// A header that borrows from its blob.
pub(super) struct Header<'a> {
    index: &'a [u8],
    store: &'a [u8],
}

impl<'a> Header<'a> {
    /// None for a blob whose two parts are not in it.
    pub(super) fn new(blob: &'a [u8]) -> Option<Self> {
        let entries = usize::try_from(be32(blob, 0)?).or_none("the caller says that the header is cut")?;
        let size = usize::try_from(be32(blob, 4)?).or_none("the caller says that the header is cut")?;
        let start = 8usize;
        let middle = start.checked_add(entries.checked_mul(ENTRY)?)?;
        Some(Self {
            index: blob.get(start..middle)?,
            store: blob.get(middle..middle.checked_add(size)?)?,
        })
    }

    /// Type, number of values, and the store from the first value on.
    fn find(&self, tag: u32) -> Option<(u32, usize, &'a [u8])> {
        let entry = self.index.chunks_exact(ENTRY).find(|entry| be32(entry, 0) == Some(tag))?;
        let offset = usize::try_from(be32(entry, 8)?).or_none("out of its store: the tag is absent")?;
        Some((
            be32(entry, 4)?,
            usize::try_from(be32(entry, 12)?).or_none("out of its store: the tag is absent")?,
            self.store.get(offset..)?,
        ))
    }

    /// The text of a tag.
    pub(super) fn text(&self, tag: u32) -> Option<&'a str> {
        match self.find(tag)? {
            (STRING | STRING_ARRAY | I18N_STRING, _, data) => texts(data).next()?,
            _ => None,
        }
    }

    /// The texts of a tag; those that are not UTF-8 are left out.
    pub(super) fn texts(&self, tag: u32) -> Vec<&'a str> {
        match self.find(tag) {
            Some((STRING | STRING_ARRAY | I18N_STRING, count, data)) => texts(data).take(count).flatten().collect(),
            _ => Vec::new(),
        }
    }

    /// The number of a tag.
    pub(super) fn number(&self, tag: u32) -> Option<u32> {
        match self.find(tag)? {
            (INT32, _, data) => be32(data, 0),
            _ => None,
        }
    }

    /// The paths of the package's files. Those that no system could hold are left out: a long folder may be named by each of many files.
    pub(super) fn files(&self) -> Box<dyn Iterator<Item = String> + 'a> {
        let (Some((STRING_ARRAY, count, names)), Some((STRING_ARRAY, folders, folder_data)), Some((INT32, _, indexes))) =
            (self.find(BASE_NAMES), self.find(DIR_NAMES), self.find(DIR_INDEXES))
        else {
            return Box::new(self.texts(OLD_FILE_NAMES).into_iter().map(str::to_owned));
        };
        let folders: Vec<Option<&str>> = texts(folder_data).take(folders).collect();
        let names = texts(names).take(count).enumerate();
        Box::new(names.filter_map(move |(at, name)| {
            let folder = usize::try_from(be32(indexes, at.checked_mul(4)?)?).or_none("out of its store: the tag is absent")?;
            let (folder, name) = ((*folders.get(folder)?)?, name?);
            (folder.len() + name.len() <= PATH_MAX).then(|| format!("{folder}{name}"))
        }))
    }
}

/// Texts that end with a zero byte; none in place of one that is not UTF-8.
fn texts(data: &[u8]) -> impl Iterator<Item = Option<&str>> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let end = rest.iter().position(|byte| *byte == 0)?;
        let text = std::str::from_utf8(&rest[..end]).or_none("a text in another encoding is none: a package without a name is a gap");
        rest = &rest[end + 1..];
        Some(text)
    })
}

fn be32(data: &[u8], at: usize) -> Option<u32> {
    data.get(at..at.checked_add(4)?)?
        .try_into()
        .or_none("four bytes are four bytes")
        .map(u32::from_be_bytes)
}
