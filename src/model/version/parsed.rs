//! A version that was parsed by its scheme.

use std::cmp::Ordering;

use super::error::VersionError;
use super::scheme::Scheme;
use super::{apk, dart, dpkg, list, maven, nuget, packagist, pep440, rpm, rubygems, semver};

/// Bytes of the longest version that is compared, 4 KiB. A version is compared with each advisory about its package, and not every ordering
/// is linear; the longest that registries hold are far below.
pub(super) const LONGEST: usize = 4096;

impl Scheme {
    /// Parses a version.
    ///
    /// # Errors
    /// [`VersionError`] for a text that has no place in the ordering.
    pub fn parse(self, text: &str) -> Result<Version<'_>, VersionError> {
        if text.len() > LONGEST {
            return Err(VersionError::new(self, text, "it is longer than 4,096 bytes"));
        }
        match self {
            Self::Dpkg => dpkg::Version::parse(text).map(Version::Dpkg),
            Self::Semver => semver::Version::parse(text).map(Version::Semver),
            Self::Apk => apk::Version::parse(text).map(Version::Apk),
            Self::Rpm => rpm::Version::parse(text).map(Version::Rpm),
            Self::Pep440 => pep440::Version::parse(text).map(Version::Pep440),
            Self::Maven => maven::Version::parse(text).map(Version::Maven),
            Self::RubyGems => rubygems::Version::parse(text).map(Version::RubyGems),
            Self::NuGet => nuget::Version::parse(text).map(Version::NuGet),
            Self::Packagist => packagist::Version::parse(text).map(Version::Packagist),
            Self::Pub => dart::Version::parse(text).map(Version::Pub),
            Self::Cran => list::Version::parse_cran(text).map(Version::Cran),
            Self::Hackage => list::Version::parse_hackage(text).map(Version::Hackage),
        }
    }

    /// Compares two texts.
    ///
    /// # Errors
    /// [`VersionError`] for the first of them that has no place in the ordering.
    pub fn compare(self, a: &str, b: &str) -> Result<Ordering, VersionError> {
        Ok(self.parse(a)?.compare(&self.parse(b)?))
    }
}

/// A parsed version of some ordering.
#[derive(Debug, Clone, Copy)]
pub enum Version<'a> {
    /// Debian's, in the order of [`dpkg`].
    Dpkg(dpkg::Version<'a>),
    /// Semantic versions, in the order of [`semver`].
    Semver(semver::Version<'a>),
    /// Alpine's, in the order of [`apk`].
    Apk(apk::Version<'a>),
    /// RPM's, in the order of [`rpm`].
    Rpm(rpm::Version<'a>),
    /// Python's, in the order of [`pep440`].
    Pep440(pep440::Version<'a>),
    /// Maven's, in the order of [`maven`].
    Maven(maven::Version<'a>),
    /// RubyGems', in the order of [`rubygems`].
    RubyGems(rubygems::Version<'a>),
    /// NuGet's, in the order of [`nuget`].
    NuGet(nuget::Version<'a>),
    /// Composer's, in the order of [`packagist`].
    Packagist(packagist::Version<'a>),
    /// Dart's, in the order of [`dart`].
    Pub(dart::Version<'a>),
    /// CRAN's, in the order of [`list`].
    Cran(list::Version<'a>),
    /// Hackage's, in the order of [`list`].
    Hackage(list::Version<'a>),
}

impl Version<'_> {
    /// Compares two versions of one ordering. Versions of different orderings are never in one index; they compare by ordering.
    #[must_use]
    pub fn compare(&self, other: &Version<'_>) -> Ordering {
        match (self, other) {
            (Self::Dpkg(a), Version::Dpkg(b)) => a.cmp(b),
            (Self::Semver(a), Version::Semver(b)) => a.cmp(b),
            (Self::Apk(a), Version::Apk(b)) => a.cmp(b),
            (Self::Rpm(a), Version::Rpm(b)) => a.cmp(b),
            (Self::Pep440(a), Version::Pep440(b)) => a.cmp(b),
            (Self::Maven(a), Version::Maven(b)) => a.cmp(b),
            (Self::RubyGems(a), Version::RubyGems(b)) => a.cmp(b),
            (Self::NuGet(a), Version::NuGet(b)) => a.cmp(b),
            (Self::Packagist(a), Version::Packagist(b)) => a.cmp(b),
            (Self::Pub(a), Version::Pub(b)) => a.cmp(b),
            (Self::Cran(a), Version::Cran(b)) => a.cmp(b),
            (Self::Hackage(a), Version::Hackage(b)) => a.cmp(b),
            (a, b) => a.scheme().cmp(&b.scheme()),
        }
    }

    /// The ordering that it is of.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        match self {
            Self::Dpkg(_) => Scheme::Dpkg,
            Self::Semver(_) => Scheme::Semver,
            Self::Apk(_) => Scheme::Apk,
            Self::Rpm(_) => Scheme::Rpm,
            Self::Pep440(_) => Scheme::Pep440,
            Self::Maven(_) => Scheme::Maven,
            Self::RubyGems(_) => Scheme::RubyGems,
            Self::NuGet(_) => Scheme::NuGet,
            Self::Packagist(_) => Scheme::Packagist,
            Self::Pub(_) => Scheme::Pub,
            Self::Cran(_) => Scheme::Cran,
            Self::Hackage(_) => Scheme::Hackage,
        }
    }
}
