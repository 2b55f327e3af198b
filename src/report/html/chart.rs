//! Lengths of the pictures, in shares of their width: whole tenths of a percent, so that the same outcome gives the same bytes.

use std::fmt;
use std::ops::Sub;

/// Thousandths of a picture's width. Displays as `12.5%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Share(pub(super) i64);

impl Share {
    /// The whole width.
    pub(super) const ALL: Self = Self(1000);

    /// `part` of `all`; all of it where there is nothing to have a part of.
    pub(super) fn of(part: usize, all: usize) -> Self {
        let share = part.saturating_mul(1000).checked_div(all).unwrap_or(1000);
        Self(i64::try_from(share).unwrap_or(1000).min(1000))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}%", self.0 / 10, self.0 % 10)
    }
}

impl Sub for Share {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self((self.0 - other.0).max(0))
    }
}

/// A scale from a range of numbers (milliseconds, days) to the width of a picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    from: i64,
    length: i64,
}

impl Scale {
    /// The scale whose ends are two numbers.
    pub(super) fn new(from: i64, to: i64) -> Self {
        Self {
            from,
            length: to.saturating_sub(from).max(1),
        }
    }

    /// Where a number lies; numbers outside of the range lie at its ends.
    pub(super) fn at(self, number: i64) -> Share {
        let offset = number.saturating_sub(self.from).clamp(0, self.length);
        let share = i128::from(offset) * 1000 / i128::from(self.length);
        Share(i64::try_from(share).unwrap_or(1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_keeps_everything_inside_of_the_picture() {
        let scale = Scale::new(10, 20);
        assert_eq!([0, 10, 15, 20, 99].map(|number| scale.at(number).0), [0, 0, 500, 1000, 1000]);
        assert_eq!(Scale::new(5, 5).at(5), Share(0));
        assert_eq!(Scale::new(i64::MIN, i64::MAX).at(i64::MAX), Share::ALL);
    }

    #[test]
    fn a_share_is_written_in_tenths_of_a_percent() {
        assert_eq!(
            [Share(0), Share(7), Share(125), Share::ALL].map(|share| share.to_string()),
            ["0.0%", "0.7%", "12.5%", "100.0%"]
        );
        assert_eq!(Share::of(1, 3), Share(333));
        assert_eq!(Share::of(0, 0), Share::ALL);
    }
}
