//! Numbers inside of versions, of any length.

use std::cmp::Ordering;

/// Digits without leading zeros, compared by value. Dates and hashes that stand where a number is expected pass 2⁶⁴.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number<'a>(&'a str);

impl<'a> Number<'a> {
    pub(super) const ZERO: Number<'static> = Number("");

    /// The value of digits.
    pub(super) fn new(digits: &'a str) -> Self {
        Self(digits.trim_start_matches('0'))
    }

    /// The value of a text that is digits and nothing else.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| Self::new(text))
    }

    pub(super) const fn is_zero(self) -> bool {
        self.0.is_empty()
    }
}

impl Ord for Number<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(other.0))
    }
}

impl PartialOrd for Number<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
