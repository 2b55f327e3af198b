//! Sparse files: stored without their holes.

use crate::model::excused::Excused as _;

use super::error::LayerProblem;
use super::pax::decimal;

/// Where the stored bytes belong: offset and length, in order.
pub(super) type DataRanges = Vec<(u64, u64)>;

pub(super) const BROKEN: LayerProblem = LayerProblem::Header("a sparse map is broken");

/// Reads the map at the start of the data (format 1.0): decimal numbers, each on a line. `None` where there must be more of it.
pub(super) fn leading_map(data: &[u8]) -> Result<Option<DataRanges>, LayerProblem> {
    let whole = data.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let lines = data.iter().filter(|byte| **byte == b'\n').count();
    let mut numbers = data[..whole].split(|byte| *byte == b'\n').map(|line| decimal(line).ok_or(BROKEN));
    if lines == 0 {
        return Ok(None);
    }
    let count = numbers.next().ok_or(BROKEN)??;
    let wanted = usize::try_from(count)
        .or_none("too many: the caller refuses the map")
        .and_then(|count| count.checked_mul(2))
        .ok_or(BROKEN)?;
    if lines - 1 < wanted {
        return Ok(None);
    }
    let mut map = Vec::with_capacity(wanted / 2);
    while map.len() < wanted / 2 {
        map.push((numbers.next().ok_or(BROKEN)??, numbers.next().ok_or(BROKEN)??));
    }
    Ok(Some(map))
}

/// Checks that the parts are in order, lie within the file, and are all that is stored.
pub(super) fn check(map: &[(u64, u64)], stored: u64, real_size: u64) -> Result<(), LayerProblem> {
    let (mut last_end, mut sum) = (0u64, 0u64);
    for (offset, length) in map {
        let end = offset.checked_add(*length).ok_or(BROKEN)?;
        if *offset < last_end || end > real_size {
            return Err(BROKEN);
        }
        last_end = end;
        sum += length;
    }
    (sum == stored).then_some(()).ok_or(BROKEN)
}

/// Puts the stored bytes where they belong in a file of `real_size` bytes. The map was checked.
pub(super) fn expand(map: &[(u64, u64)], data: &[u8], real_size: usize) -> Result<Vec<u8>, LayerProblem> {
    let mut out = vec![0; real_size];
    let mut rest = data;
    for (offset, length) in map {
        let start = usize::try_from(*offset).map_err(|_| BROKEN)?;
        let length = usize::try_from(*length).map_err(|_| BROKEN)?;
        let (part, after) = rest.split_at_checked(length).ok_or(BROKEN)?;
        let place = start.checked_add(length).and_then(|end| out.get_mut(start..end)).ok_or(BROKEN)?;
        place.copy_from_slice(part);
        rest = after;
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
        assert_eq!(leading_map(&data).expect("read"), Some(vec![(2, 3)]));
        assert_eq!(leading_map(b"2\n2\n3\n4").expect("so far"), None);
        assert_eq!(
            leading_map(b"1\n2\n").expect("so far"),
            None,
            "a block that ends between two numbers"
        );
        assert!(check(&[(1, 2), (4, 1)], 3, 6).is_ok());
    }

    #[test]
    fn maps_that_overlap_or_lead_out_or_leave_bytes_over_are_refused() {
        for (map, stored, size) in [
            (&[(0, 4), (2, 2)][..], 6, 8),
            (&[(6, 4)], 4, 8),
            (&[(0, 4)], 3, 8),
            (&[(0, 4)], 5, 8),
            (&[(u64::MAX, 2)], 2, 8),
        ] {
            assert!(check(map, stored, size).is_err(), "{map:?}");
        }
        assert!(leading_map(b"99999999999999999999\n1\n").is_err());
        assert!(leading_map(b"1\nx\n1\n").is_err());
    }
}
