//! Versions that are lists of numbers: CRAN's (`1.0-3`) and Hackage's (`1.0.0.1`). A list comes before a longer one that it begins.
//!
//! Source: R's `package_version`; Cabal's `Distribution.Types.Version`.

use std::cmp::Ordering;

use super::number::Number;
use super::{Scheme, VersionError};

/// A list of numbers.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    text: &'a str,
}

impl<'a> Version<'a> {
    /// Parses a version of CRAN, whose numbers may be separated by hyphens too.
    ///
    /// # Errors
    /// [`VersionError`] for what is not numbers with one separator between each two.
    pub fn parse_cran(text: &'a str) -> Result<Self, VersionError> {
        Self::parse(text, Scheme::Cran, "it is not numbers with dots or hyphens between them")
    }

    /// Parses a version of Hackage.
    ///
    /// # Errors
    /// [`VersionError`] for what is not numbers with one dot between each two.
    pub fn parse_hackage(text: &'a str) -> Result<Self, VersionError> {
        match text.contains('-') {
            true => Err(VersionError::new(Scheme::Hackage, text, "it holds a hyphen")),
            false => Self::parse(text, Scheme::Hackage, "it is not numbers with dots between them"),
        }
    }

    fn parse(text: &'a str, scheme: Scheme, problem: &'static str) -> Result<Self, VersionError> {
        let version = Self { text: text.trim() };
        match version.parts().all(|part| Number::parse(part).is_some()) {
            true => Ok(version),
            false => Err(VersionError::new(scheme, text, problem)),
        }
    }

    fn parts(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.text.split(['.', '-'])
    }
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().map(Number::new).cmp(other.parts().map(Number::new))
    }
}

super::equal_by_order!(Version<'_>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::version::tests::{assert_ordered, assert_total_order};

    #[test]
    fn fixtures_are_in_ascending_order() {
        assert_ordered(Scheme::Cran, include_str!("../../../fixtures/versions/cran.txt"));
        assert_ordered(Scheme::Hackage, include_str!("../../../fixtures/versions/hackage.txt"));
    }

    #[test]
    fn what_is_no_list_of_numbers_is_refused() {
        for text in ["", "1.", "1..2", "1.a", "v1.0", "1.0-rc1", "1.0-"] {
            assert!(Version::parse_cran(text).is_err(), "{text:?}");
            assert!(Version::parse_hackage(text).is_err(), "{text:?}");
        }
        assert!(Version::parse_hackage("1.0-1").is_err() && Version::parse_cran("1.0-1").is_ok());
    }

    proptest::proptest! {
        #[test]
        fn it_is_a_total_order(texts in proptest::collection::vec("[0-9]{1,2}([.-][0-9]{1,2}){0,3}", 3)) {
            assert_total_order(Scheme::Cran, &texts);
        }
    }
}
