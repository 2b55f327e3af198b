//! Sizes for people.

/// Bytes in powers of a thousand: `812 B`, `41.0 MB`.
#[must_use]
pub fn bytes(number: u64) -> String {
    let mut value = number as f64;
    let mut unit = "B";
    for next in ["kB", "MB", "GB", "TB"] {
        if value < 1000.0 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    if unit == "B" {
        format!("{number} B")
    } else {
        format!("{value:.1} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn a_size_has_one_digit_behind_the_point_of_the_largest_unit_that_fits() {
        let shown = [0, 999, 1000, 41_000_000, 1_999_000_000, 7_200_000_000_000_000].map(bytes);
        assert_eq!(shown, ["0 B", "999 B", "1.0 kB", "41.0 MB", "2.0 GB", "7200.0 TB"]);
    }
}
