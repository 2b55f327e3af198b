//! Semantic versions, as advisory ranges compare them: by precedence alone, never by a requirement (`>=1.0.0` holds `1.0.1-rc.1`).
//! Source: semver.org, version 2.0.0, section 11.

use std::cmp::Ordering;

use super::number::Number;
use super::{Scheme, VersionError};

/// A semantic version. Build metadata is ignored, a leading `v` is let through, missing minor and patch numbers count as 0 (advisories write
/// `1.2`).
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    core: [Number<'a>; 3],
    pre: Prerelease<'a>,
}

impl<'a> Version<'a> {
    /// Parses a version.
    ///
    /// # Errors
    /// [`VersionError`] when there are not one to three numbers in front, or the prerelease holds an empty identifier or a character that is no
    /// letter, digit or hyphen.
    pub fn parse(text: &'a str) -> Result<Self, VersionError> {
        let (core, pre, _build) = numbers_and_rest::<3>(text).map_err(|problem| VersionError::new(Scheme::Semver, text, problem))?;
        Ok(Self { core, pre })
    }
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.core.cmp(&other.core).then_with(|| self.pre.compare(other.pre, str::cmp))
    }
}

super::equal_by_order!(Version<'_>);

/// What follows the first hyphen; empty for a release.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prerelease<'a>(&'a str);

/// Numbers in front (those that are not there count as 0), prerelease, build.
type Parts<'a, const N: usize> = ([Number<'a>; N], Prerelease<'a>, &'a str);

/// Takes a version of at most `N` numbers apart.
pub(super) fn numbers_and_rest<const N: usize>(text: &str) -> Result<Parts<'_, N>, &'static str> {
    let trimmed = text.trim();
    let trimmed = trimmed.strip_prefix(['v', 'V']).unwrap_or(trimmed);
    let (rest, build) = trimmed.split_once('+').unwrap_or((trimmed, ""));
    let (numbers, pre) = match rest.split_once('-') {
        Some((_, "")) => return Err("its prerelease is empty"),
        Some(parts) => parts,
        None => (rest, ""),
    };
    let mut core = [Number::ZERO; N];
    for (at, number) in numbers.split('.').enumerate() {
        let slot = core.get_mut(at).ok_or("it has too many numbers")?;
        *slot = Number::parse(number).ok_or("it does not begin with numbers")?;
    }
    let identifier = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !pre.is_empty() && !pre.split('.').all(identifier) {
        return Err("its prerelease has an empty part or a character that is not allowed");
    }
    Ok((core, Prerelease(pre), build))
}

impl Prerelease<'_> {
    /// By semver's rules, with an order of words. A release comes after its prereleases.
    pub(super) fn compare(self, other: Self, words: fn(&str, &str) -> Ordering) -> Ordering {
        match (self.0.is_empty(), other.0.is_empty()) {
            (false, false) => compare_lists(self.0, other.0, words),
            (a_empty, b_empty) => a_empty.cmp(&b_empty),
        }
    }
}

/// Identifiers with dots between them: numbers by value and below words; a list comes before a longer one that it begins.
pub(super) fn compare_lists(a: &str, b: &str, words: fn(&str, &str) -> Ordering) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) => match (Number::parse(x), Number::parse(y)) {
                (Some(x), Some(y)) => x.cmp(&y),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => words(x, y),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::version::tests::{assert_ordered, assert_total_order};

    #[test]
    fn fixtures_are_in_ascending_order() {
        assert_ordered(Scheme::Semver, include_str!("../../../fixtures/versions/semver.txt"));
    }

    #[test]
    fn build_metadata_and_a_leading_v_do_not_count() {
        assert_eq!(Version::parse("1.2.3+a"), Version::parse("v1.2.3+b"));
        assert_eq!(Version::parse("1.2"), Version::parse("1.2.0"));
    }

    #[test]
    fn texts_without_numbers_are_refused() {
        for text in ["", "v", "latest", "1.2.3.4", "1..2", "1.2.x", "1.2.3-", "1.2.3-a..b", "1.2.3-ä"] {
            assert!(Version::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn go_s_pseudo_versions_are_in_ascending_order() {
        assert_ordered(Scheme::Semver, include_str!("../../../fixtures/versions/go.txt"));
    }

    proptest::proptest! {
        #[test]
        fn it_is_a_total_order(texts in proptest::collection::vec("[0-9]{1,2}\\.[0-9]\\.[0-9](-[0-9a-b-]{1,2}(\\.[0-9a-b]{1,2})?)?", 3)) {
            assert_total_order(Scheme::Semver, &texts);
        }

        #[test]
        fn it_agrees_with_the_semver_crate(
            a in "(0|[1-9])\\.(0|[1-3])\\.(0|[1-3])(-(0|[1-9][0-9]?|[a-c-]{1,2})(\\.(0|[1-9]|[ab]{1,2}))?)?",
            b in "(0|[1-9])\\.(0|[1-3])\\.(0|[1-3])(-(0|[1-9][0-9]?|[a-c-]{1,2})(\\.(0|[1-9]|[ab]{1,2}))?)?",
        ) {
            let theirs = ::semver::Version::parse(&a).expect("valid").cmp_precedence(&::semver::Version::parse(&b).expect("valid"));
            assert_eq!(Scheme::Semver.compare(&a, &b).expect("valid"), theirs, "{a} {b}");
        }
    }
}
