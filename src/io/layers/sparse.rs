//! Sparse files: stored without their holes.

use super::error::LayerProblem;
use super::pax::decimal;

/// Where the stored bytes belong: offset and length, in order.
pub(super) type Map = Vec<(u64, u64)>;

const BROKEN: LayerProblem = LayerProblem::Header("a sparse map is broken");

/// Reads the map at the start of the data (format 1.0): decimal numbers, each on a line, padded to a block. Gives the map and where the data starts.
pub(super) fn leading_map(data: &[u8]) -> Result<(Map, usize), LayerProblem> {
    let mut at = 0;
    let mut number = || -> Result<u64, LayerProblem> {
        let line = &data[at..];
        let end = line.iter().take(21).position(|byte| *byte == b'\n').ok_or(BROKEN)?;
        at += end + 1;
        decimal(&line[..end]).ok_or(BROKEN)
    };
    let count = number()?;
    let mut map = Vec::new();
    for _ in 0..count {
        map.push((number()?, number()?));
    }
    Ok((map, at.next_multiple_of(super::header::BLOCK).min(data.len())))
}

/// Puts the stored bytes where they belong in a file of `real_size` bytes.
pub(super) fn expand(map: &[(u64, u64)], data: &[u8], real_size: usize) -> Result<Vec<u8>, LayerProblem> {
    let mut out = vec![0; real_size];
    let mut rest = data;
    let mut last_end = 0;
    for (offset, length) in map {
        let start = usize::try_from(*offset).map_err(|_| BROKEN)?;
        let length = usize::try_from(*length).map_err(|_| BROKEN)?;
        let end = start
            .checked_add(length)
            .filter(|end| *end <= real_size && start >= last_end)
            .ok_or(BROKEN)?;
        let (part, after) = rest.split_at_checked(length).ok_or(BROKEN)?;
        out[start..end].copy_from_slice(part);
        rest = after;
        last_end = end;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_bytes_go_where_the_map_says() {
        assert_eq!(expand(&[(1, 2), (4, 1)], b"abc", 6).expect("expanded"), b"\0ab\0c\0");
        let mut data = b"1\n2\n3\n".to_vec();
        data.resize(512, 0);
        data.extend_from_slice(b"xyz");
        let (map, start) = leading_map(&data).expect("read");
        assert_eq!((map.as_slice(), start), (&[(2, 3)][..], 512));
    }

    #[test]
    fn maps_that_overlap_or_lead_out_are_refused() {
        for (map, data, size) in [
            (&[(0, 4), (2, 2)][..], &b"abcdef"[..], 8),
            (&[(6, 4)], b"abcd", 8),
            (&[(0, 4)], b"abc", 8),
            (&[(u64::MAX, 2)], b"ab", 8),
        ] {
            assert!(expand(map, data, size).is_err(), "{map:?}");
        }
        assert!(leading_map(b"99999999999999\n1\n").is_err());
    }
}
