//! Version orderings, one file each. Each says which tool it agrees with.
//!
//! A text is parsed once with [`Scheme::parse`] and compared often with [`Version::compare`]; neither allocates
//! (but for [`maven`], whose specification asks for padding, and the parts of [`pep440`]).

/// Equality and partial order of a type by its total order: two spellings of one version are equal.
macro_rules! equal_by_order {
    ($version:ty) => {
        impl PartialOrd for $version {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl PartialEq for $version {
            fn eq(&self, other: &Self) -> bool {
                self.cmp(other).is_eq()
            }
        }

        impl Eq for $version {}
    };
}
use equal_by_order;

pub mod apk;
pub mod dart;
pub mod dpkg;
mod error;
pub mod go;
pub mod list;
pub mod maven;
pub mod npm_range;
pub mod nuget;
mod number;
pub mod packagist;
mod padded;
pub mod pep440;
pub mod rpm;
pub mod rubygems;
mod scheme;
pub mod semver;

pub use error::VersionError;

pub use scheme::Scheme;

use std::cmp::Ordering;

/// Bytes of the longest version that is compared, 4 KiB. A version is compared with each advisory about its package, and not every ordering
/// is linear; the longest that registries hold are far below.
const LONGEST: usize = 4096;

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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::excused::Excused as _;

    #[test]
    fn a_version_of_many_kilobytes_has_no_place_in_any_ordering() {
        for scheme in [
            Scheme::Dpkg,
            Scheme::Semver,
            Scheme::Rpm,
            Scheme::Pep440,
            Scheme::Maven,
            Scheme::RubyGems,
            Scheme::NuGet,
            Scheme::Packagist,
        ] {
            let long = |size: usize| format!("1.0.{}", "1".repeat(size - 4));
            assert!(scheme.parse(&long(LONGEST + 1)).is_err(), "{scheme}");
            assert!(scheme.parse("1.0.1").is_ok(), "{scheme}");
        }
    }

    /// Checks a fixture: one version a line, `a < b` on consecutive lines, `= text` for another spelling of the line before. `#` comments.
    pub(crate) fn assert_ordered(scheme: Scheme, fixture: &str) {
        let mut ranks: Vec<(usize, &str)> = Vec::new();
        for line in fixture
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            match line.strip_prefix("= ") {
                Some(same) => ranks.push((ranks.last().expect("a line before").0, same)),
                None => ranks.push((ranks.last().map_or(0, |(rank, _)| rank + 1), line)),
            }
        }
        assert!(ranks.len() > 5, "the fixture is nearly empty");
        for (rank_a, a) in &ranks {
            for (rank_b, b) in &ranks {
                assert_eq!(scheme.compare(a, b), Ok(rank_a.cmp(rank_b)), "{a} against {b}");
            }
        }
    }

    /// Antisymmetry and transitivity over three versions; texts that do not parse are left out.
    pub(crate) fn assert_total_order(scheme: Scheme, texts: &[String]) {
        let parsed: Vec<Version<'_>> = texts
            .iter()
            .filter_map(|text| scheme.parse(text).or_none("no version: left out"))
            .collect();
        for a in &parsed {
            assert_eq!(a.compare(a), Ordering::Equal);
            for b in &parsed {
                assert_eq!(a.compare(b), b.compare(a).reverse(), "{a:?} {b:?}");
                for c in &parsed {
                    if a.compare(b).is_le() && b.compare(c).is_le() {
                        assert!(a.compare(c).is_le(), "{a:?} {b:?} {c:?}");
                    }
                }
            }
        }
    }

    /// Debian versions as found in the wild, and shapes that break naive comparisons.
    pub(crate) fn dpkg_samples() -> Vec<String> {
        let mut samples: Vec<String> = include_str!("../../../fixtures/versions/dpkg.txt")
            .lines()
            .map(|line| line.trim().trim_start_matches("= ").to_owned())
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .collect();
        let pieces = [
            "0", "1", "9", "10", "09", "1.2", "1.02", "1a", "1~", "1~rc1", "1+b1", "2.0.0", "1~~", "1~~a", "1.a", "1z", "1-1",
        ];
        let revisions = ["", "-0", "-1", "-1~bpo12+1", "-1+deb12u1", "-1.1", "-0ubuntu0.22.04.1", "-a"];
        for epoch in ["", "0:", "1:"] {
            for piece in pieces {
                for revision in revisions {
                    samples.push(format!("{epoch}{piece}{revision}"));
                }
            }
        }
        samples
    }

    /// Runs a shell script and gives its output; an error where a program in it is not there.
    #[expect(clippy::disallowed_methods, reason = "the model knows no effects; a test asks dpkg itself")]
    pub(crate) fn shell(script: &str) -> Result<String, std::io::Error> {
        use std::process::Command;
        Command::new("dpkg").arg("--version").output()?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("script");
        std::fs::write(&file, script)?;
        let output = Command::new("sh").arg(&file).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
