//! NuGet's ordering. Source: NuGet's "Package versioning", and `NuGet.Versioning`.

use std::cmp::Ordering;

use super::number::Number;
use super::semver::{Prerelease, numbers_and_rest};
use super::{Scheme, VersionError};

/// A version of a NuGet package: up to four numbers, of which those that are not there count as 0, and a prerelease without regard to case.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    core: [Number<'a>; 4],
    pre: Prerelease<'a>,
}

impl<'a> Version<'a> {
    /// Parses a version.
    ///
    /// # Errors
    /// [`VersionError`] when there are not one to four numbers in front, or the prerelease has an empty part or another character than letters,
    /// digits and hyphens.
    pub fn parse(text: &'a str) -> Result<Self, VersionError> {
        let (core, pre, _build) = numbers_and_rest::<4>(text).map_err(|problem| VersionError::new(Scheme::NuGet, text, problem))?;
        Ok(Self { core, pre })
    }
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.core.cmp(&other.core).then_with(|| self.pre.compare(other.pre, compare_words))
    }
}

fn compare_words(a: &str, b: &str) -> Ordering {
    let lower = |text: &'_ str| text.bytes().map(|byte| byte.to_ascii_lowercase()).collect::<Vec<u8>>();
    lower(a).cmp(&lower(b))
}

super::equal_by_order!(Version<'_>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::version::tests::{assert_ordered, assert_total_order};

    #[test]
    fn fixtures_are_in_ascending_order() {
        assert_ordered(Scheme::NuGet, include_str!("../../../fixtures/versions/nuget.txt"));
    }

    #[test]
    fn what_nuget_refuses_is_refused() {
        for text in ["", "a", "1.2.3.4.5", "1.x", "1.2.3-", "1.2.3-a..b", "1.*"] {
            assert!(Version::parse(text).is_err(), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn it_is_a_total_order(texts in proptest::collection::vec("[0-9]{1,2}(\\.[0-9]){0,3}(-[0-9aAbB-]{1,2}(\\.[0-9aB]{1,2})?)?", 3)) {
            assert_total_order(Scheme::NuGet, &texts);
        }
    }
}
