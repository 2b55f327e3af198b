//! One tar header block: v7, ustar, GNU. Source: POSIX pax "ustar interchange format", the GNU tar manual.

use super::error::LayerProblem;
use super::sparse::Map;

pub(super) const BLOCK: usize = 512;

/// What a header announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flag {
    Regular,
    Sparse,
    HardLink,
    Symlink,
    Directory,
    /// Devices and pipes.
    Special,
    PaxLocal,
    PaxGlobal,
    GnuName,
    GnuLink,
    /// Something of a vendor's: its data is skipped.
    Other,
}

/// The fields of a header, borrowed from its block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header<'a> {
    block: &'a [u8],
    pub(super) flag: Flag,
    pub(super) mode: u32,
    pub(super) size: u64,
}

impl<'a> Header<'a> {
    /// Reads a block; none for a block of zeros.
    pub(super) fn parse(block: &'a [u8]) -> Result<Option<Self>, LayerProblem> {
        let broken = LayerProblem::Header;
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        if sum == 0 {
            return Ok(None);
        }
        let field: u32 = block[148..156].iter().map(|byte| u32::from(*byte)).sum();
        let stated = number(&block[148..156]).ok_or(broken("the checksum is no number"))?;
        if u64::from(sum - field + 8 * 32) != stated && !signed_sum_is(block, stated) {
            return Err(broken("the checksum does not match"));
        }
        let flag = match block[156] {
            b'0' | 0 | b'7' if text(&block[..100]).ends_with(b"/") && block[156] != b'7' => Flag::Directory,
            b'0' | 0 | b'7' => Flag::Regular,
            b'S' => Flag::Sparse,
            b'1' => Flag::HardLink,
            b'2' => Flag::Symlink,
            b'5' | b'D' => Flag::Directory,
            b'3' | b'4' | b'6' => Flag::Special,
            b'x' | b'X' => Flag::PaxLocal,
            b'g' => Flag::PaxGlobal,
            b'L' => Flag::GnuName,
            b'K' => Flag::GnuLink,
            _ => Flag::Other,
        };
        let size = number(&block[124..136]).ok_or(broken("the size is no number"))?;
        let mode = number(&block[100..108]).unwrap_or(0);
        Ok(Some(Self {
            block,
            flag,
            mode: (mode & 0o7777) as u32,
            // As Go's reader, which unpacks images: links, folders and devices have no data, whatever the field says.
            size: match (flag, block[156]) {
                (_, b'D') => size,
                (Flag::HardLink | Flag::Symlink | Flag::Directory | Flag::Special, _) => 0,
                _ => size,
            },
        }))
    }

    /// Appends the path, prefix included.
    pub(super) fn path(&self, out: &mut Vec<u8>) {
        out.clear();
        if &self.block[257..263] == b"ustar\0" {
            let star = &self.block[508..512] == b"tar\0";
            let prefix = text(&self.block[345..if star { 476 } else { 500 }]);
            if !prefix.is_empty() {
                out.extend_from_slice(prefix);
                out.push(b'/');
            }
        }
        out.extend_from_slice(text(&self.block[..100]));
    }

    /// The target of a link.
    pub(super) fn link(&self) -> &'a [u8] {
        text(&self.block[157..257])
    }

    /// The first four entries of an old GNU sparse map, whether more follow, and the real size.
    pub(super) fn gnu_sparse(&self) -> Option<(Map, bool, u64)> {
        let map = sparse_entries(&self.block[386..482])?;
        Some((map, self.block[482] != 0, number(&self.block[483..495])?))
    }
}

/// Reads the pairs of 12-byte offset and length of an old GNU sparse block.
pub(super) fn sparse_entries(bytes: &[u8]) -> Option<Map> {
    let mut map = Vec::new();
    for pair in bytes.chunks_exact(24) {
        if pair[0] == 0 {
            break;
        }
        map.push((number(&pair[..12])?, number(&pair[12..])?));
    }
    Some(map)
}

/// Some old tars summed signed bytes.
fn signed_sum_is(block: &[u8], stated: u64) -> bool {
    let signed = |bytes: &[u8]| -> i64 { bytes.iter().map(|byte| i64::from(byte.cast_signed())).sum() };
    i64::try_from(stated).is_ok_and(|stated| signed(block) - signed(&block[148..156]) + 8 * 32 == stated)
}

/// A field up to its first NUL.
fn text(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    &field[..end]
}

/// An octal number, or GNU's base 256.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        if field[0] != 0x80 {
            return None;
        }
        let (high, low) = field.split_at(field.len().saturating_sub(8));
        return (high.iter().skip(1).all(|byte| *byte == 0)).then(|| {
            let first = high.is_empty();
            low.iter().enumerate().fold(0u64, |sum, (at, byte)| {
                sum << 8 | u64::from(if first && at == 0 { byte & 0x7f } else { *byte })
            })
        });
    }
    let mut value = 0u64;
    let mut digits = field
        .iter()
        .copied()
        .skip_while(|byte| *byte == b' ' || *byte == 0)
        .take_while(|byte| *byte != b' ' && *byte != 0);
    digits.try_for_each(|byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 8)?;
        value = value.checked_mul(8)?.checked_add(u64::from(digit))?;
        Some(())
    })?;
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_base_256() {
        assert_eq!(number(b"0000644\0"), Some(0o644));
        assert_eq!(number(b"   644 \0"), Some(0o644));
        assert_eq!(number(b"\0\0\0\0\0\0\0\0"), Some(0));
        assert_eq!(number(b"0000648\0"), None);
        assert_eq!(number(&[0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1]), Some(0x2_0000_0001));
        assert_eq!(number(&[0x80, 0, 0, 0, 0, 0, 1, 1]), Some(257));
        assert_eq!(number(&[0xff; 12]), None, "negative");
        assert_eq!(number(&[0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), None, "too large");
    }
}
