//! RubyGems' ordering. Source: `Gem::Version` of RubyGems.

use std::cmp::Ordering;

use super::number::Number;
use super::padded;
use super::{Scheme, VersionError};

/// A version of a gem: `1.2.3`, `2.0.0.rc1`, `1.0-a` (which reads as `1.0.pre.a`). Zeros before the first word and at the end do not count.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    text: &'a str,
}

/// Words come before numbers, and so before the zeros that stand for what is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Segment<'a> {
    Word(&'a str),
    Number(Number<'a>),
}

impl<'a> Version<'a> {
    /// Parses a version.
    ///
    /// # Errors
    /// [`VersionError`] for what does not begin with a digit, for empty parts, and for characters that no gem's version has.
    pub fn parse(text: &'a str) -> Result<Self, VersionError> {
        let fail = |problem| VersionError::new(Scheme::RubyGems, text, problem);
        let trimmed = text.trim();
        let (release, rest) = trimmed
            .split_once('-')
            .map_or((trimmed, None), |(release, rest)| (release, Some(rest)));
        let word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
        // RubyGems itself refuses `1beta`, which advisories write.
        if !release.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(fail("it does not begin with a number"));
        }
        let word_or_hyphen = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !release.split('.').all(word) || rest.is_some_and(|rest| !rest.split('.').all(word_or_hyphen)) {
            return Err(fail("a part of it is empty or holds a character that is not allowed"));
        }
        Ok(Self { text: trimmed })
    }

    const fn segments(&self) -> Segments<'a> {
        Segments {
            rest: self.text,
            in_words: false,
            zeros: 0,
        }
    }
}

#[derive(Clone)]
struct Segments<'a> {
    rest: &'a str,
    /// Whether a word was met: zeros in front of further ones count.
    in_words: bool,
    /// Zeros that come next and are known to count, so that each run of them is looked through once.
    zeros: usize,
}

impl<'a> Segments<'a> {
    /// Runs of digits and runs of letters, a hyphen being the word `pre`.
    fn next_raw(&mut self) -> Option<Segment<'a>> {
        self.rest = self.rest.trim_start_matches('.');
        let first = self.rest.bytes().next()?;
        if first == b'-' {
            self.rest = &self.rest[1..];
            return Some(Segment::Word("pre"));
        }
        let digits = first.is_ascii_digit();
        let is_of_run = |byte: &u8| {
            if digits {
                byte.is_ascii_digit()
            } else {
                byte.is_ascii_alphabetic()
            }
        };
        let (run, rest) = self.rest.split_at(self.rest.bytes().take_while(is_of_run).count().max(1));
        self.rest = rest;
        Some(if digits {
            Segment::Number(Number::new(run))
        } else {
            Segment::Word(run)
        })
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        let here = self.next_raw()?;
        match here {
            Segment::Word(_) => self.in_words = true,
            Segment::Number(number) if number.is_zero() => {
                if self.zeros > 0 {
                    self.zeros -= 1;
                    return Some(here);
                }
                let (mut ahead, mut zeros) = (self.clone(), 0);
                let next = std::iter::from_fn(|| ahead.next_raw()).find(|next| {
                    zeros += usize::from(*next == here);
                    *next != here
                });
                match next {
                    None => return None,
                    Some(word @ Segment::Word(_)) if !self.in_words => {
                        (self.rest, self.in_words) = (ahead.rest, true);
                        return Some(word);
                    }
                    Some(_) => self.zeros = zeros,
                }
            }
            Segment::Number(_) => {}
        }
        Some(here)
    }
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        const NOTHING: Segment<'static> = Segment::Number(Number::ZERO);
        padded::compare(self.segments(), other.segments(), NOTHING)
    }
}

super::equal_by_order!(Version<'_>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::version::tests::{assert_ordered, assert_total_order};

    #[test]
    fn fixtures_are_in_ascending_order() {
        assert_ordered(Scheme::RubyGems, include_str!("../../../fixtures/versions/rubygems.txt"));
    }

    #[test]
    fn what_rubygems_refuses_is_refused() {
        for text in ["", "a", "1..2", "1.", ".1", "junk", "1.0-", "1.0_1", "1.0+b", "1 2", "-1"] {
            assert!(Version::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn many_zeros_are_looked_through_once() {
        let version = |last: &str| format!("1{}.{last}", ".0".repeat(200_000));
        let (lower, higher) = (version("1"), version("2"));
        let parse = |text| Version::parse(text).expect("a version");
        let start = std::time::Instant::now();
        assert!(parse(&lower) < parse(&higher) && parse("1.0.1") > parse(&lower));
        assert!(start.elapsed().as_secs() < 20, "quadratic: {:?}", start.elapsed());
    }

    proptest::proptest! {
        #[test]
        fn it_is_a_total_order(texts in proptest::collection::vec("[0-9]{1,2}(\\.(0|0|[0-9]|[ab0]{1,3})){0,4}(-[a0]{1,2})?", 3)) {
            assert_total_order(Scheme::RubyGems, &texts);
        }
    }
}
