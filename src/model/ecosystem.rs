//! Where advisories are looked up, in OSV's words.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The namespace of advisories that a component is looked up in, in OSV's words: `crates.io`, `npm`, `Debian:12`, `Alpine:v3.20`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ecosystem(String);

impl Ecosystem {
    /// Crates.
    pub const CRATES: &str = "crates.io";
    /// npm packages.
    pub const NPM: &str = "npm";
    /// Python packages.
    pub const PYPI: &str = "PyPI";
    /// Go modules.
    pub const GO: &str = "Go";
    /// Java archives.
    pub const MAVEN: &str = "Maven";
    /// Actions and reusable workflows.
    pub const GITHUB_ACTIONS: &str = "GitHub Actions";

    /// Takes OSV's spelling, suffix included.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The whole name: `Debian:12`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the feed's folder: `Debian` of `Debian:12`.
    #[must_use]
    pub fn base(&self) -> &str {
        self.0.split(':').next().unwrap_or(&self.0)
    }

    /// The release: `12` of `Debian:12`, `v3.20` of `Alpine:v3.20`.
    #[must_use]
    pub fn suffix(&self) -> Option<&str> {
        self.0.split_once(':').map(|(_, suffix)| suffix)
    }
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The ecosystems of packages, by the type and the namespaces of their purls; no namespaces where the type alone tells.
const HOMES: &[(&str, &[&str], &str)] = &[
    ("cargo", &[], Ecosystem::CRATES),
    ("npm", &[], Ecosystem::NPM),
    ("pypi", &[], Ecosystem::PYPI),
    ("golang", &[], Ecosystem::GO),
    ("maven", &[], Ecosystem::MAVEN),
    ("gem", &[], "RubyGems"),
    ("nuget", &[], "NuGet"),
    ("composer", &[], "Packagist"),
    ("hex", &[], "Hex"),
    ("pub", &[], "Pub"),
    ("swift", &[], "SwiftURL"),
    ("conan", &[], "ConanCenter"),
    ("cran", &[], "CRAN"),
    ("hackage", &[], "Hackage"),
    ("github", &[], Ecosystem::GITHUB_ACTIONS),
    ("githubactions", &[], Ecosystem::GITHUB_ACTIONS),
    ("bitnami", &[], "Bitnami"),
    ("julia", &[], "Julia"),
    ("opam", &[], "opam"),
    ("deb", &["debian"], "Debian"),
    ("deb", &["ubuntu"], "Ubuntu"),
    ("deb", &["echo"], "Echo"),
    ("apk", &["alpine"], "Alpine"),
    ("apk", &["wolfi"], "Wolfi"),
    ("apk", &["chainguard"], "Chainguard"),
    ("apk", &["minimos"], "MinimOS"),
    ("apk", &["cleanstart", "clnstrt"], "CleanStart"),
    ("apk", &["alpaquita"], "Alpaquita"),
    ("apk", &["bellsoft-hardened-containers"], "BellSoft Hardened Containers"),
    ("rpm", &["rocky", "rockylinux", "rocky-linux"], "Rocky Linux"),
    ("rpm", &["almalinux"], "AlmaLinux"),
    ("rpm", &["redhat", "rhel"], "Red Hat"),
    ("rpm", &["opensuse", "opensuse-leap", "opensuse-tumbleweed"], "openSUSE"),
    ("rpm", &["suse", "sles"], "SUSE"),
    ("rpm", &["mageia"], "Mageia"),
    ("rpm", &["openeuler"], "openEuler"),
    ("rpm", &["azurelinux", "mariner"], "Azure Linux"),
];

/// The ecosystems, without their releases, that know packages of a purl's type; without a namespace all that the type may be of.
pub fn homes(kind: &str, namespace: Option<&str>) -> impl Iterator<Item = &'static str> {
    let is_home = move |(of, namespaces, _): &&(&str, &'static [&'static str], &str)| {
        *of == kind && namespace.is_none_or(|namespace| namespaces.is_empty() || namespaces.contains(&namespace))
    };
    HOMES.iter().filter(is_home).map(|(.., base)| *base)
}

/// True where an ecosystem, without its release, knows packages of a purl's type.
#[must_use]
pub fn is_home(kind: &str, base: &str) -> bool {
    homes(kind, None).any(|home| home == base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_its_ecosystems_and_a_namespace_says_which() {
        let of = |kind, namespace| homes(kind, namespace).collect::<Vec<_>>();
        assert_eq!(of("cargo", None), ["crates.io"]);
        assert_eq!(of("npm", Some("@babel")), ["npm"]);
        assert_eq!(of("deb", Some("ubuntu")), ["Ubuntu"]);
        assert_eq!(of("deb", None), ["Debian", "Ubuntu", "Echo"]);
        assert_eq!(of("rpm", Some("opensuse-leap")), ["openSUSE"]);
        assert!(of("deb", Some("raspbian")).is_empty() && of("generic", None).is_empty());
    }
}
