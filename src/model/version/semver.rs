//! Semantic versions, as advisory ranges compare them: by precedence alone, never by a requirement (`>=1.0.0` holds `1.0.1-rc.1`).
//! Source: semver.org, version 2.0.0, section 11.

use std::cmp::Ordering;

use super::{Scheme, VersionError};

/// A semantic version. Build metadata is ignored, a leading `v` is let through, missing minor and patch numbers count as 0 (advisories write
/// `1.2`).
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    core: [u64; 3],
    pre: &'a str,
}

impl<'a> Version<'a> {
    /// Parses a version.
    ///
    /// # Errors
    /// [`VersionError`] when there are not one to three numbers below 2⁶⁴ in front, or the prerelease holds an empty identifier or a
    /// character that is no letter, digit or hyphen.
    pub fn parse(text: &'a str) -> Result<Self, VersionError> {
        let fail = |problem| VersionError::new(Scheme::Semver, text, problem);
        let trimmed = text.trim();
        let trimmed = trimmed.strip_prefix(['v', 'V']).unwrap_or(trimmed);
        let rest = trimmed.split_once('+').map_or(trimmed, |(rest, _build)| rest);
        let (numbers, pre) = match rest.split_once('-') {
            Some((_, "")) => return Err(fail("its prerelease is empty")),
            Some(parts) => parts,
            None => (rest, ""),
        };
        let mut core = [0; 3];
        for (at, number) in numbers.split('.').enumerate() {
            let slot = core.get_mut(at).ok_or_else(|| fail("it has more than three numbers"))?;
            if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
                return Err(fail("it does not begin with numbers"));
            }
            *slot = number.parse().map_err(|_| fail("a number in it is too large"))?;
        }
        let identifier = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !pre.is_empty() && !pre.split('.').all(identifier) {
            return Err(fail("its prerelease has an empty part or a character that is not allowed"));
        }
        Ok(Self { core, pre })
    }
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.core.cmp(&other.core).then_with(|| compare_prereleases(self.pre, other.pre))
    }
}

super::equal_by_order!(Version<'_>);

fn compare_prereleases(a: &str, b: &str) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) => match compare_identifiers(x, y) {
                Ordering::Equal => {}
                order => return order,
            },
        }
    }
}

/// Numbers by value and below words; words by their bytes.
fn compare_identifiers(a: &str, b: &str) -> Ordering {
    let numeric = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match (numeric(a), numeric(b)) {
        (true, true) => {
            let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
            a.len().cmp(&b.len()).then_with(|| a.cmp(b))
        }
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => a.cmp(b),
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
        for text in [
            "",
            "v",
            "latest",
            "1.2.3.4",
            "1..2",
            "1.2.x",
            "1.2.3-",
            "1.2.3-a..b",
            "1.2.3-ä",
            "99999999999999999999.0.0",
        ] {
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
