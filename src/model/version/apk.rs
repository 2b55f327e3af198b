//! Alpine's ordering, as `apk version -t` of apk-tools 3 has it. Source: apk-package(5) and the test vectors of apk-tools.

use std::cmp::Ordering;

use super::number::Number;
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
    /// `~0a1b2c`: the commit that it is built from.
    Commit(&'a str),
    /// The number behind a suffix.
    SuffixNumber(Number<'a>),
    /// `_cvs`, `_svn`, `_git`, `_hg`, `_p`.
    After(usize),
    /// A single letter behind the numbers.
    Letter(u8),
    /// A number behind a dot.
    Digits(Digits<'a>),
    /// The first number, whose leading zeros do not count.
    First(Number<'a>),
}

/// A number behind a dot. Where one of two has a leading zero, both compare as text, so that all with one come before all without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Digits<'a>(&'a str);

impl Ord for Digits<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.0.starts_with('0') || other.0.starts_with('0') {
            return self.0.cmp(other.0);
        }
        Number::new(self.0).cmp(&Number::new(other.0))
    }
}

impl PartialOrd for Digits<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Where in a version the next part is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    First,
    /// Behind a number: dot, letter, suffix, revision.
    Tail,
    /// Behind a letter: a number, which apk-tools 3 has no more and older advisories have (`1.8.28p1`), or what may come behind that.
    Letter,
    /// Behind a suffix with its number: suffix, commit, revision.
    Suffix,
    /// Behind a suffix: its number, or what may come behind that.
    SuffixNumber,
    /// Behind a commit: the revision.
    Revision,
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
                (!digits.is_empty()).then(|| Part::First(Number::new(digits)))
            }
            Next::Tail => {
                if let Some(rest) = self.rest.strip_prefix('.') {
                    self.rest = rest;
                    return self.number();
                }
                match self.rest.bytes().next() {
                    Some(letter) if letter.is_ascii_lowercase() => {
                        self.rest = &self.rest[1..];
                        self.next = Next::Letter;
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
            Next::Letter if self.rest.starts_with(|c: char| c.is_ascii_digit()) => {
                self.next = Next::Tail;
                self.number()
            }
            Next::Letter | Next::Suffix | Next::SuffixNumber | Next::Revision => self.suffix_or_revision(),
            Next::End => self.rest.is_empty().then_some(Part::End),
        }
    }

    fn number(&mut self) -> Option<Part<'a>> {
        let digits = self.take_digits();
        (!digits.is_empty()).then_some(Part::Digits(Digits(digits)))
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
        if self.next == Next::Revision {
            return None;
        }
        if let Some(rest) = self.rest.strip_prefix('~') {
            let length = rest.bytes().take_while(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).count();
            let (commit, rest) = rest.split_at(length);
            (self.rest, self.next) = (rest, Next::Revision);
            return (!commit.is_empty()).then_some(Part::Commit(commit));
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
        for text in [
            "", "a", "1.", "1_foo", "1-r", "1-r1x", "1ab", "1.2-3", "_p1", "1~", "1~x", "1-r1~a", "1~a_p1",
        ] {
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
