//! PAX extended headers. Source: POSIX pax "pax Extended Header"; the GNU tar manual, "Storing Sparse Files".

use crate::model::excused::Excused as _;

/// What a PAX header changes about the entry that follows.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) sparse: Option<PaxSparse>,
    pub(super) uid: Option<u64>,
    pub(super) gid: Option<u64>,
    /// Seconds since 1970, rounded down, and nanoseconds.
    pub(super) time: Option<(i64, u32)>,
    /// Extended attributes by name.
    pub(super) attributes: Vec<(Vec<u8>, Vec<u8>)>,
    /// True where a record says something of the entry that follows.
    pub(super) changes: bool,
}

/// GNU's sparse formats 0.0, 0.1 and 1.0.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct PaxSparse {
    /// The file's name; that of the header stands for its parts.
    pub(super) name: Option<Vec<u8>>,
    pub(super) real_size: u64,
    /// `None` in format 1.0: the map is at the start of the data.
    pub(super) map: Option<Vec<(u64, u64)>>,
}

const MALFORMED: &str = "a PAX record is malformed";
const REPEATED: &str = "a PAX header has a record twice";
const EMPTY: &str = "a PAX record is empty that takes back what was said";
const NUMBER: &str = "a PAX record has something else where a number belongs";
const ZERO_BYTE: &str = "a PAX record has a zero byte";
const FOREIGN: &str = "a PAX record changes the file for some readers only";
const SPARSE: &str = "a PAX header says of a sparse file what does not fit together";

/// Reads the records `LENGTH KEY=VALUE\n`. Gives what they say as Go's reader takes it, and why another could take it differently.
pub(super) fn parse(mut data: &[u8]) -> (Pax, Option<&'static str>) {
    let mut pax = Pax::default();
    let mut doubt = None;
    let mut sparse = Sparse::default();
    let mut keys: Vec<&[u8]> = Vec::new();
    while !data.is_empty() {
        let Some((key, value, rest)) = record(data) else {
            doubt.get_or_insert(MALFORMED);
            break;
        };
        data = rest;
        if !matches!(key, b"GNU.sparse.offset" | b"GNU.sparse.numbytes") {
            keys.push(key);
        }
        if let Err(why) = pax.take(key, value, &mut sparse) {
            doubt.get_or_insert(why);
        }
    }
    keys.sort_unstable();
    if keys.windows(2).any(|pair| pair[0] == pair[1]) {
        doubt.get_or_insert(REPEATED);
    }
    match sparse.finish() {
        Ok(finished) => pax.sparse = finished,
        Err(why) => {
            doubt.get_or_insert(why);
        }
    }
    (pax, doubt)
}

impl Pax {
    /// Takes one record. After a doubt nothing was taken of it.
    fn take(&mut self, key: &[u8], value: &[u8], sparse: &mut Sparse) -> Result<(), &'static str> {
        self.changes |= !matches!(key, b"comment" | b"mtime" | b"atime" | b"ctime");
        match key {
            b"path" => self.path = text(value)?.or(self.path.take()),
            b"linkpath" => self.link = text(value)?.or(self.link.take()),
            b"size" => self.size = Some(decimal(value).ok_or(NUMBER)?),
            b"uid" => self.uid = Some(decimal(value).ok_or(NUMBER)?),
            b"gid" => self.gid = Some(decimal(value).ok_or(NUMBER)?),
            b"mtime" => self.time = Some(time(value)?),
            b"atime" | b"ctime" => {
                time(value)?;
            }
            b"uname" | b"gname" if value.contains(&0) => return Err(ZERO_BYTE),
            // Names are bytes to whoever unpacks on Linux.
            b"hdrcharset" if matches!(value, b"BINARY" | b"ISO-IR 10646 2000 UTF-8") => {}
            b"hdrcharset" | b"SCHILY.realsize" | b"SCHILY.filetype" | b"SCHILY.offset" => return Err(FOREIGN),
            _ if key.contains(&0) => return Err(ZERO_BYTE),
            _ if key.starts_with(b"GNU.sparse.") => return sparse.take(&key[b"GNU.sparse.".len()..], value),
            _ if key.starts_with(b"GNU.") || is_of_overlay(key) => return Err(FOREIGN),
            _ => {
                if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                    self.attributes.push((name.to_vec(), value.to_vec()));
                }
            }
        }
        Ok(())
    }
}

/// Attributes that change what the kernel's overlay shows: set by some unpackers, left out by others.
fn is_of_overlay(key: &[u8]) -> bool {
    let Some(name) = key.strip_prefix(b"SCHILY.xattr.") else {
        return false;
    };
    let name = name
        .strip_prefix(b"trusted.overlay.")
        .or_else(|| name.strip_prefix(b"user.overlay."));
    name.is_some_and(|name| !matches!(name, b"impure" | b"origin" | b"nlink" | b"uuid"))
}

fn text(value: &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
    match value {
        [] => Err(EMPTY),
        value if value.contains(&0) => Err(ZERO_BYTE),
        value => Ok(Some(value.to_vec())),
    }
}

/// What the records of a sparse file say, before they are put together.
#[derive(Default)]
struct Sparse {
    said: bool,
    name: Option<Vec<u8>>,
    major: Option<u64>,
    minor: Option<u64>,
    size: Option<u64>,
    real_size: Option<u64>,
    blocks: Option<u64>,
    map: Option<Vec<u64>>,
    pairs: Vec<u64>,
}

impl Sparse {
    fn take(&mut self, key: &[u8], value: &[u8]) -> Result<(), &'static str> {
        self.said = true;
        if key == b"name" {
            self.name = text(value)?;
            return Ok(());
        }
        if key == b"map" {
            let numbers: Option<Vec<u64>> = value.split(|byte| *byte == b',').map(decimal).collect();
            self.map = Some(numbers.ok_or(NUMBER)?);
            return Ok(());
        }
        let number = Some(decimal(value).ok_or(NUMBER)?);
        match key {
            b"major" => self.major = number,
            b"minor" => self.minor = number,
            b"size" => self.size = number,
            b"realsize" => self.real_size = number,
            b"numblocks" => self.blocks = number,
            // Offset and length by turns.
            b"offset" if self.pairs.len().is_multiple_of(2) => self.pairs.extend(number),
            b"numbytes" if !self.pairs.len().is_multiple_of(2) => self.pairs.extend(number),
            _ => return Err(SPARSE),
        }
        Ok(())
    }

    /// One of the three forms as GNU tar and bsdtar write them, whole and nothing else.
    fn finish(self) -> Result<Option<PaxSparse>, &'static str> {
        if !self.said {
            return Ok(None);
        }
        let old = matches!((self.major, self.minor), (None, None) | (Some(0), Some(0 | 1)));
        let numbers = match (self.map, self.pairs) {
            (Some(map), pairs) if pairs.is_empty() => Some(map),
            (None, pairs) if !pairs.is_empty() => Some(pairs),
            (None, _) => None,
            (Some(_), _) => return Err(SPARSE),
        };
        match (old, self.size, self.real_size, self.blocks, numbers) {
            (true, Some(real_size), None, Some(blocks), Some(numbers)) if numbers.len() as u64 == blocks.saturating_mul(2) => {
                Ok(Some(PaxSparse {
                    name: self.name,
                    real_size,
                    map: Some(numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()),
                }))
            }
            (false, None, Some(real_size), None, None) if (self.major, self.minor) == (Some(1), Some(0)) && self.name.is_some() => {
                Ok(Some(PaxSparse {
                    name: self.name,
                    real_size,
                    map: None,
                }))
            }
            _ => Err(SPARSE),
        }
    }
}

fn record(data: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = data.iter().take(20).position(|byte| *byte == b' ')?;
    let length = usize::try_from(decimal(&data[..space])?).or_none("too large: the caller doubts")?;
    let (record, rest) = data.split_at_checked(length)?;
    let body = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|byte| *byte == b'=')?;
    (equals > 0).then_some((&body[..equals], &body[equals + 1..], rest))
}

/// A decimal number of digits only that fits a signed one of 64 bits, as other readers have them.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 20 {
        return None;
    }
    let number = text.iter().try_fold(0i64, |value, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        value.checked_mul(10)?.checked_add(i64::from(digit))
    })?;
    u64::try_from(number).or_none("a negative one is no size: the caller doubts")
}

/// Seconds since 1970, with or without a fraction, maybe before.
fn time(value: &[u8]) -> Result<(i64, u32), &'static str> {
    let (negative, value) = match value.strip_prefix(b"-") {
        Some(value) => (true, value),
        None => (false, value),
    };
    let mut parts = value.splitn(2, |byte| *byte == b'.');
    let whole = parts
        .next()
        .and_then(decimal)
        .and_then(|whole| i64::try_from(whole).or_none("the next line refuses it"));
    let whole = whole.ok_or(NUMBER)?;
    let fraction = parts.next().unwrap_or_default();
    if !fraction.iter().all(u8::is_ascii_digit) {
        return Err(NUMBER);
    }
    // Nine digits; further ones are finer than any file system.
    let digit = |at: usize| fraction.get(at).map_or(0, |digit| u32::from(digit - b'0'));
    let nanos = (0..9).fold(0, |nanos, at| nanos * 10 + digit(at));
    Ok(match (negative, nanos) {
        (false, nanos) => (whole, nanos),
        (true, 0) => (-whole, 0),
        (true, nanos) => (-whole - 1, 1_000_000_000 - nanos),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_link_and_size_are_read_and_the_rest_is_passed_over() {
        let (pax, doubt) = parse(b"13 path=a/bc\n16 linkpath=tgt\n11 size=12\n20 mtime=1234567.89\n");
        assert_eq!(pax.path.as_deref(), Some(&b"a/bc"[..]));
        assert_eq!(pax.link.as_deref(), Some(&b"tgt"[..]));
        assert_eq!((pax.size, doubt), (Some(12), None));
        assert_eq!(pax.time, Some((1_234_567, 890_000_000)));
    }

    #[test]
    fn owner_time_and_attributes_are_read() {
        let (pax, doubt) = parse(b"15 uid=3000000\n9 gid=70\n15 mtime=-1.25\n25 SCHILY.xattr.user.a=b\n");
        assert_eq!((pax.uid, pax.gid, pax.time), (Some(3_000_000), Some(70), Some((-2, 750_000_000))));
        assert_eq!((pax.attributes, doubt), (vec![(b"user.a".to_vec(), b"b".to_vec())], None));
    }

    #[test]
    fn owners_that_do_not_fit_the_header_are_numbers() {
        assert_eq!(parse(b"15 uid=2097152\n15 gid=2097152\n").1, None);
    }

    #[test]
    fn the_oldest_sparse_map_is_of_offsets_and_lengths_by_turns() {
        let (pax, doubt) = parse(
            b"21 GNU.sparse.size=7\n26 GNU.sparse.numblocks=2\n23 GNU.sparse.offset=0\n25 GNU.sparse.numbytes=2\n23 GNU.sparse.offset=5\n25 GNU.sparse.numbytes=1\n",
        );
        assert_eq!(doubt, None);
        let sparse = pax.sparse.expect("a map");
        assert_eq!((sparse.real_size, sparse.map), (7, Some(vec![(0, 2), (5, 1)])));
    }

    #[test]
    fn what_readers_take_differently_is_a_doubt() {
        for (data, why) in [
            (&b"99 path=a\n"[..], MALFORMED),
            (b"path=a\n", MALFORMED),
            (b"3 a\n", MALFORMED),
            (b"5 \xff\xff", MALFORMED),
            (b"5 =a\n", MALFORMED),
            (b"99999999999999999999999 path=a\n", MALFORMED),
            (b"10 path=ab\n", MALFORMED),
            (b"9 path=a\n\0", MALFORMED),
            (b"11 size=1x\n", NUMBER),
            (b"8 size=\n", NUMBER),
            (b"30 size=000000000000000000001\n", NUMBER),
            (b"11 size=-1\n", NUMBER),
            (b"11 size=1:\n", NUMBER),
            (b"9 uid=1x\n", NUMBER),
            (b"9 gid=-1\n", NUMBER),
            (b"28 size=9223372036854775808\n", NUMBER),
            (b"11 mtime=x\n", NUMBER),
            (b"11 atime=x\n", NUMBER),
            (b"8 path=\n", EMPTY),
            (b"11 path=a\0b\n", MALFORMED),
            (b"12 path=a\0b\n", ZERO_BYTE),
            (b"13 uname=a\0b\n", ZERO_BYTE),
            (b"7 a\0=b\n", ZERO_BYTE),
            (b"9 path=a\n9 path=a\n", REPEATED),
            (b"9 path=a\n9 path=b\n", REPEATED),
            (b"31 SCHILY.xattr.user.a=b\n", MALFORMED),
            (b"25 SCHILY.xattr.user.a=b\n25 SCHILY.xattr.user.a=c\n", REPEATED),
            (b"41 SCHILY.xattr.trusted.overlay.opaque=y\n", FOREIGN),
            (b"21 GNU.sparse.name=a\n", SPARSE),
            (b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n25 GNU.sparse.realsize=7\n", SPARSE),
            (b"22 GNU.sparse.major=2\n22 GNU.sparse.minor=0\n25 GNU.sparse.realsize=7\n21 GNU.sparse.name=a\n", SPARSE),
            (b"21 GNU.sparse.size=7\n26 GNU.sparse.numblocks=1\n23 GNU.sparse.offset=0\n23 GNU.sparse.offset=5\n", SPARSE),
            (b"21 GNU.sparse.size=7\n26 GNU.sparse.numblocks=1\n25 GNU.sparse.numbytes=0\n25 GNU.sparse.numbytes=5\n", SPARSE),
            (
                b"21 GNU.sparse.size=3\n26 GNU.sparse.numblocks=1\n22 GNU.sparse.map=0,3\n23 GNU.sparse.offset=0\n25 GNU.sparse.numbytes=3\n",
                SPARSE,
            ),
        ] {
            assert_eq!(parse(data).1, Some(why), "{:?}", String::from_utf8_lossy(data));
        }
    }
}
