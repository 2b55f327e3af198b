//! Which ordering versions have.

use std::fmt;

use crate::model::inventory::Ecosystem;

/// An ordering of versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Debian's and Ubuntu's, [`dpkg`](super::dpkg).
    Dpkg,
    /// Semantic versions, [`semver`](super::semver): crates, npm, Go, Hex, Swift.
    Semver,
    /// Alpine's, Wolfi's and Chainguard's, [`apk`](super::apk).
    Apk,
    /// Those of RPM-based distributions, [`rpm`](super::rpm).
    Rpm,
    /// Python's, [`pep440`](super::pep440).
    Pep440,
    /// Maven's, [`maven`](super::maven).
    Maven,
    /// RubyGems', [`rubygems`](super::rubygems).
    RubyGems,
    /// NuGet's, [`nuget`](super::nuget).
    NuGet,
    /// Composer's, [`packagist`](super::packagist).
    Packagist,
    /// Dart's, [`dart`](super::dart).
    Pub,
    /// CRAN's, [`list`](super::list).
    Cran,
    /// Hackage's, [`list`](super::list).
    Hackage,
}

impl Scheme {
    /// The ordering that an ecosystem's advisories are written in; none where no ordering is known here.
    #[must_use]
    pub fn of(ecosystem: &Ecosystem) -> Option<Self> {
        match ecosystem.base() {
            // What others mend of an ecosystem is ordered as that one is.
            "Echo" | "Root" | "TuxCare" if ecosystem.suffix().is_some() => {
                Self::of(&Ecosystem::new(ecosystem.suffix().unwrap_or_default()))
            }
            "Debian" | "Ubuntu" | "Echo" => Some(Self::Dpkg),
            "crates.io"
            | "npm"
            | "Go"
            | "Hex"
            | "SwiftURL"
            | "ConanCenter"
            | "GHC"
            | "Julia"
            | "Bioconductor"
            | "GitHub Actions"
            | "Bitnami"
            | "Docker Hardened Images" => Some(Self::Semver),
            "Alpine" | "Wolfi" | "Chainguard" | "Alpaquita" | "MinimOS" | "CleanStart" | "BellSoft Hardened Containers" => Some(Self::Apk),
            "Rocky Linux" | "AlmaLinux" | "Red Hat" | "SUSE" | "openSUSE" | "Mageia" | "openEuler" | "Azure Linux" => Some(Self::Rpm),
            "PyPI" => Some(Self::Pep440),
            "Maven" => Some(Self::Maven),
            "RubyGems" => Some(Self::RubyGems),
            "NuGet" => Some(Self::NuGet),
            "Packagist" => Some(Self::Packagist),
            "Pub" => Some(Self::Pub),
            "CRAN" => Some(Self::Cran),
            "Hackage" => Some(Self::Hackage),
            _ => None,
        }
    }

    /// The word used in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dpkg => "dpkg",
            Self::Semver => "semver",
            Self::Apk => "apk",
            Self::Rpm => "rpm",
            Self::Pep440 => "PEP 440",
            Self::Maven => "Maven",
            Self::RubyGems => "RubyGems",
            Self::NuGet => "NuGet",
            Self::Packagist => "Packagist",
            Self::Pub => "Pub",
            Self::Cran => "CRAN",
            Self::Hackage => "Hackage",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
