//! Lengths of time in words.

/// A length of time from seconds, in its largest unit: `40 s`, `12 min`, `3 h`, `9 days`. Hours up to two days.
#[must_use]
pub fn length(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{} s", seconds.max(0)),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::length;

    #[test]
    fn a_length_is_said_in_its_largest_unit() {
        let said = [0, 59, 60, 3600, 86_400, 172_799, 172_800, 777_600].map(length);
        assert_eq!(said, ["0 s", "59 s", "1 min", "1 h", "24 h", "47 h", "2 days", "9 days"]);
    }
}
