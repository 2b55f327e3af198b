//! The ordering of Composer's packages (Packagist). Source: PHP's `version_compare`, as OSV uses it, and Composer's treatment of a leading `v`.

use std::cmp::Ordering;

use super::number::Number;
use super::padded;
use super::{Scheme, VersionError};

/// A version of a Composer package: `v1.2.3`, `1.0.0-beta2`, `4.3.2RC1`, `dev-main`.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    text: &'a str,
}

/// One part. `End` stands for what is not there, between words for what comes before a release and those for what comes after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    OtherWord,
    Dev,
    Alpha,
    Beta,
    Candidate,
    End,
    Number(Number<'a>),
    Patch,
}

impl<'a> Version<'a> {
    /// Parses a version.
    ///
    /// # Errors
    /// [`VersionError`] for an empty text, and for characters that are no version's: PHP compares `#` as equal to every number, so that no
    /// order would be left.
    pub fn parse(text: &'a str) -> Result<Self, VersionError> {
        let trimmed = text.trim();
        let bare = trimmed.strip_prefix(['v', 'V']).unwrap_or(trimmed);
        let is_odd = |c: char| c == '#' || c == '*' || c.is_whitespace() || c.is_control();
        if bare.is_empty() || bare.contains(is_odd) {
            return Err(VersionError::new(
                Scheme::Packagist,
                text,
                "it is empty, or has a character that no release has",
            ));
        }
        Ok(Self { text: bare })
    }

    const fn parts(&self) -> Parts<'a> {
        Parts { rest: self.text }
    }
}

/// Whether a version names a branch (`dev-main`, `2.x-dev`), which has no place among releases though it compares.
#[must_use]
pub fn is_branch(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("dev-") || text.ends_with("-dev") || text.ends_with(".x")
}

/// `1.0.0.0` for `1.0`, `1.0.0` and `v1.0`, which are one version for Composer and three in this order; none for what has anything but numbers.
///
/// Source: composer/semver, `VersionParser::normalize`.
#[must_use]
pub fn four_numbers(text: &str) -> Option<String> {
    const NUMBERS: usize = 4;
    let text = text.trim();
    let mut numbers: Vec<&str> = text.strip_prefix(['v', 'V']).unwrap_or(text).split('.').collect();
    let is_number = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (numbers.len() <= NUMBERS && numbers.iter().all(is_number)).then(|| {
        numbers.resize(NUMBERS, "0");
        numbers.join(".")
    })
}

struct Parts<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        self.rest = self.rest.trim_start_matches(['.', '-', '_', '+']);
        let first = self.rest.chars().next()?;
        let digits = first.is_ascii_digit();
        let is_other = |c: char| c.is_ascii_digit() != digits || matches!(c, '.' | '-' | '_' | '+');
        let (part, rest) = self.rest.split_at(self.rest.find(is_other).unwrap_or(self.rest.len()));
        self.rest = rest;
        Some(if digits { Part::Number(Number::new(part)) } else { word(part) })
    }
}

/// PHP goes by how a word begins.
fn word(text: &str) -> Part<'static> {
    const WORDS: [(&str, Part<'static>); 6] = [
        ("dev", Part::Dev),
        ("a", Part::Alpha),
        ("b", Part::Beta),
        ("RC", Part::Candidate),
        ("rc", Part::Candidate),
        ("p", Part::Patch),
    ];
    WORDS
        .iter()
        .find(|(start, _)| text.starts_with(start))
        .map_or(Part::OtherWord, |(_, part)| *part)
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        // A number and what is not there are told apart by the number being there at all: `1.0` comes before `1.0.0`.
        padded::compare(self.parts(), other.parts(), Part::End)
    }
}

super::equal_by_order!(Version<'_>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::version::tests::{assert_ordered, assert_total_order};

    #[test]
    fn fixtures_are_in_ascending_order() {
        assert_ordered(Scheme::Packagist, include_str!("../../../fixtures/versions/packagist.txt"));
    }

    #[test]
    fn composer_writes_four_numbers() {
        for text in ["1", "v1.0", "1.0.0", "1.0.0.0"] {
            assert_eq!(four_numbers(text).as_deref(), Some("1.0.0.0"), "{text}");
        }
        for text in ["1.0-beta1", "1.0.0.0.0", "1..0", "", "v", "dev-main"] {
            assert_eq!(four_numbers(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_version_is_refused_and_branches_are_known() {
        for text in ["", "v", "1.*", "1 2", "1.#"] {
            assert!(Version::parse(text).is_err(), "{text:?}");
        }
        assert!(is_branch("dev-main") && is_branch("2.x-dev") && !is_branch("v2.0.0-beta1"));
    }

    proptest::proptest! {
        #[test]
        fn it_is_a_total_order(texts in proptest::collection::vec("v?[0-9]{1,2}([.-](dev|a|beta|RC|p|foo|0|[0-9])){0,4}", 3)) {
            assert_total_order(Scheme::Packagist, &texts);
        }
    }
}
