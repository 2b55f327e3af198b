//! Alpine's ordering, as `apk version -t` has it. Source: apk-package(5) and the test vectors of apk-tools.

use std::cmp::Ordering;

use super::{Scheme, VersionError};

/// An Alpine version: `1.2.3b_rc1_p2-r4`. Wolfi and Chainguard use the same form.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    text: &'a str,
}

/// Suffixes that come before the version without one, in ascending order.
const BEFORE: [&str; 4] = ["alpha", "beta", "pre", "rc"];
/// Suffixes that come after it, in ascending order.
const AFTER: [&str; 5] = ["cvs", "svn", "git", "hg", "p"];

/// The parts of a version. At the first difference in kind the later kind of this list is the greater version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    /// `_alpha`, `_beta`, `_pre`, `_rc`.
    Before(usize),
    /// Nothing more.
    End,
    /// `-r4`.
    Revision(Number<'a>),
    /// The number behind a suffix.
    SuffixNumber(Number<'a>),
    /// `_cvs`, `_svn`, `_git`, `_hg`, `_p`.
    After(usize),
    /// A single letter behind the numbers.
    Letter(u8),
    /// Digits behind leading zeros.
    Rest(Number<'a>),
    /// A number behind a dot; leading zeros make it smaller the more there are.
    Zeros(std::cmp::Reverse<usize>),
    /// A number without leading zeros.
    Plain(Number<'a>),
}

/// Digits without leading zeros; any length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Number<'a>(&'a str);

impl<'a> Number<'a> {
    fn new(digits: &'a str) -> Self {
        Self(digits.trim_start_matches('0'))
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

/// Where in a version the next part is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The first number, whose leading zeros do not count.
    First,
    /// A number came with leading zeros: its other digits.
    Digits,
    /// Behind a number: dot, letter, suffix, revision.
    Tail,
    /// Behind a letter or a suffix with its number: suffix, revision.
    Suffix,
    /// Behind a suffix: its number, or what may come behind that.
    SuffixNumber,
    /// Behind the revision.
    End,
}

struct Parts<'a> {
    rest: &'a str,
    next: Next,
}

impl<'a> Parts<'a> {
    /// The next part; `None` for a text that is no version.
    fn next(&mut self) -> Option<Part<'a>> {
        match self.next {
            Next::First => {
                self.next = Next::Tail;
                let digits = self.take_digits();
                (!digits.is_empty()).then(|| Part::Plain(Number::new(digits)))
            }
            Next::Digits => {
                self.next = Next::Tail;
                let digits = self.take_digits();
                Some(Part::Rest(Number::new(digits)))
            }
            Next::Tail => {
                if let Some(rest) = self.rest.strip_prefix('.') {
                    self.rest = rest;
                    return self.number();
                }
                match self.rest.bytes().next() {
                    Some(letter) if letter.is_ascii_lowercase() => {
                        self.rest = &self.rest[1..];
                        self.next = Next::Suffix;
                        Some(Part::Letter(letter))
                    }
                    _ => self.suffix_or_revision(),
                }
            }
            Next::SuffixNumber if self.rest.starts_with(|c: char| c.is_ascii_digit()) => {
                self.next = Next::Suffix;
                let digits = self.take_digits();
                Some(Part::SuffixNumber(Number::new(digits)))
            }
            Next::Suffix | Next::SuffixNumber => self.suffix_or_revision(),
            Next::End => self.rest.is_empty().then_some(Part::End),
        }
    }

    fn number(&mut self) -> Option<Part<'a>> {
        let zeros = self.rest.len() - self.rest.trim_start_matches('0').len();
        if zeros > 0 {
            self.rest = &self.rest[zeros..];
            self.next = if self.rest.starts_with(|c: char| c.is_ascii_digit()) {
                Next::Digits
            } else {
                Next::Tail
            };
            return Some(Part::Zeros(std::cmp::Reverse(zeros)));
        }
        let digits = self.take_digits();
        self.next = Next::Tail;
        (!digits.is_empty()).then(|| Part::Plain(Number::new(digits)))
    }

    fn suffix_or_revision(&mut self) -> Option<Part<'a>> {
        if self.rest.is_empty() {
            return Some(Part::End);
        }
        if let Some(rest) = self.rest.strip_prefix("-r") {
            self.rest = rest;
            self.next = Next::End;
            let digits = self.take_digits();
            return (!digits.is_empty()).then(|| Part::Revision(Number::new(digits)));
        }
        let rest = self.rest.strip_prefix('_')?;
        let length = rest.bytes().take_while(u8::is_ascii_lowercase).count();
        let (word, rest) = rest.split_at(length);
        self.rest = rest;
        self.next = Next::SuffixNumber;
        let before = BEFORE.iter().position(|known| *known == word).map(Part::Before);
        before.or_else(|| AFTER.iter().position(|known| *known == word).map(Part::After))
    }

    fn take_digits(&mut self) -> &'a str {
        let length = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(length);
        self.rest = rest;
        digits
    }
}

impl<'a> Version<'a> {
    /// Parses a version.
    ///
    /// # Errors
    /// [`VersionError`] for what apk refuses: no number in front, an unknown suffix, something behind the revision.
    pub fn parse(text: &'a str) -> Result<Self, VersionError> {
        let version = Self { text: text.trim() };
        let mut parts = version.parts();
        loop {
            match parts.next() {
                Some(Part::End) => return Ok(version),
                Some(_) => {}
                None => {
                    return Err(VersionError::new(
                        Scheme::Apk,
                        text,
                        "it is not numbers, a letter, suffixes and a revision in this order",
                    ));
                }
            }
        }
    }

    const fn parts(&self) -> Parts<'a> {
        Parts {
            rest: self.text,
            next: Next::First,
        }
    }
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let (mut a, mut b) = (self.parts(), other.parts());
        loop {
            // `parse` has read both to their ends.
            let (Some(x), Some(y)) = (a.next(), b.next()) else {
                return Ordering::Equal;
            };
            let order = x.cmp(&y);
            if order.is_ne() || x == Part::End {
                return order;
            }
        }
    }
}

super::equal_by_order!(Version<'_>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::version::tests::{assert_ordered, assert_total_order};

    #[test]
    fn fixtures_are_in_ascending_order() {
        assert_ordered(Scheme::Apk, include_str!("../../../fixtures/versions/apk.txt"));
    }

    #[test]
    fn what_apk_refuses_is_refused() {
        for text in ["", "a", "1.", "1_foo", "1-r", "1-r1x", "1ab", "1.2-3", "_p1"] {
            assert!(Version::parse(text).is_err(), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn it_is_a_total_order(texts in proptest::collection::vec("[0-9]{1,2}(\\.[0-9]{1,3}){0,2}[a-c]?(_(alpha|rc|p|git)[0-9]{0,2}){0,2}(-r[0-9]{1,2})?", 3)) {
            assert_total_order(Scheme::Apk, &texts);
        }
    }
}
