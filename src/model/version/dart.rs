//! The ordering of Dart's packages (Pub): semantic versions in which the build counts. Source: the package `pub_semver`.

use std::cmp::Ordering;

use super::number::Number;
use super::semver::{Prerelease, compare_lists, numbers_and_rest};
use super::{Scheme, VersionError};

/// A version of a Dart package: `1.0.0` comes before `1.0.0+1`.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    core: [Number<'a>; 3],
    pre: Prerelease<'a>,
    build: &'a str,
}

impl<'a> Version<'a> {
    /// Parses a version.
    ///
    /// # Errors
    /// As [`super::semver::Version::parse`].
    pub fn parse(text: &'a str) -> Result<Self, VersionError> {
        let (core, pre, build) = numbers_and_rest::<3>(text).map_err(|problem| VersionError::new(Scheme::Pub, text, problem))?;
        Ok(Self { core, pre, build })
    }
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let builds = || match (self.build.is_empty(), other.build.is_empty()) {
            (false, false) => compare_lists(self.build, other.build, str::cmp),
            (a_empty, b_empty) => b_empty.cmp(&a_empty),
        };
        let order = self.core.cmp(&other.core).then_with(|| self.pre.compare(other.pre, str::cmp));
        order.then_with(builds)
    }
}

super::equal_by_order!(Version<'_>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::version::tests::{assert_ordered, assert_total_order};

    #[test]
    fn fixtures_are_in_ascending_order() {
        assert_ordered(Scheme::Pub, include_str!("../../../fixtures/versions/pub.txt"));
    }

    proptest::proptest! {
        #[test]
        fn it_is_a_total_order(texts in proptest::collection::vec("[0-9]\\.[0-9]\\.[0-9](-[0-9a]{1,2})?(\\+[0-9a]{1,2}(\\.[0-9a])?)?", 3)) {
            assert_total_order(Scheme::Pub, &texts);
        }
    }
}
