//! Advisories, and matches: that one of them holds a component.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::ecosystem::Ecosystem;
use super::inventory::Location;
use super::linked::Reachability;
use super::purl::Purl;
use super::severity::Rating;

/// What an advisory says of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AdvisoryKind {
    /// It has a vulnerability.
    Vulnerability,
    /// It is malware (`MAL-` records, RustSec category `malicious`).
    Malicious,
    /// Nobody maintains it (RustSec informational).
    Unmaintained,
    /// It is unsound (RustSec informational).
    Unsound,
    /// A notice (RustSec informational).
    Notice,
}

/// One advisory, with its whole alias group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Advisory {
    /// The record's own id: `RUSTSEC-2026-0001`, `DEBIAN-CVE-2026-1`, `GHSA-…`.
    pub id: String,
    /// Every id of its alias group, its own included, sorted.
    pub ids: Vec<String>,
    /// Whether it is a vulnerability, or says that a crate is unmaintained or unsound.
    pub kind: AdvisoryKind,
    /// One line, as its author wrote it.
    #[serde(default)]
    pub summary: String,
    /// How bad, the best source first asked; none where nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<Rating>,
    /// When it was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Timestamp>,
    /// When it was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Timestamp>,
    /// A page for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The functions that it is about, sorted; empty where it is about all of the package or does not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<String>,
    /// Listed in CISA's catalogue of known exploited vulnerabilities.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub known_exploited: bool,
    /// EPSS probability of exploitation within 30 days, 0.0 to 1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epss: Option<f64>,
}

/// Why a range holds a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeMatch {
    /// The feed that the record came from: `osv:Debian`, `rustsec`.
    pub feed: String,
    /// The package name that was compared (the source package of an OS package).
    pub package: String,
    /// The version that was compared.
    pub version: String,
    /// The range that holds it, for people: `>=1.0.0, <1.2.3`.
    pub range: String,
}

/// Whether a component can move to the version that clears it. Both lists empty: the lock file alone has to change.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Update {
    /// The requirements that do not allow it, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused_by: Vec<Requirement>,
    /// Packages that need the component and whose requirement is not known, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<Purl>,
}

impl Update {
    /// True when every requirement is known and allows it.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        self.refused_by.is_empty() && self.unknown.is_empty()
    }
}

/// A requirement of one package on another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Requirement {
    /// The package that requires.
    pub by: Purl,
    /// As it is written: `^0.9`.
    pub text: String,
    /// The manifest of this tree that it stands in; none for a published package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// The first later release of a published package that allows the version, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_from: Option<String>,
}

/// An advisory that names a component of the inventory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Match {
    /// Index into `Inventory::components`.
    pub component: usize,
    /// The record that names it, with the ids of its alias group.
    pub advisory: Advisory,
    /// What in the record holds the version.
    pub evidence: RangeMatch,
    /// Versions that fix it on some branch, ascending.
    pub fixed: Vec<String>,
    /// The smallest fixed version that clears every match of the component, where one exists. Matches that do not apply, and those that no version
    /// clears by their nature (unmaintained, notice), are left out of account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clears_all: Option<String>,
    /// Whether the component can move to that version; none where that is no question (an OS package) or nothing is known of who needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<Update>,
    /// Set when the record says itself that it does not apply here (another OS or processor, distribution patched it): the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_applicable: Option<String>,
    /// True where the reason is that an OS package owns the files, and the distribution's own records decide: a policy may ask for upstream's too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub owned_by_os: bool,
    /// Whether what it is about was linked into a program that was just built; `None` where that is no question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reachability: Option<Reachability>,
}

#[cfg(test)]
impl Match {
    /// A vulnerability by its names, the first of which is the record's, with nothing else known.
    pub(crate) fn of(ids: &[&str]) -> Self {
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        Self {
            component: 0,
            advisory: Advisory {
                id: ids[0].clone(),
                ids,
                kind: AdvisoryKind::Vulnerability,
                summary: String::new(),
                rating: None,
                published: None,
                modified: None,
                url: None,
                functions: Vec::new(),
                known_exploited: false,
                epss: None,
            },
            evidence: RangeMatch {
                feed: String::new(),
                package: String::new(),
                version: String::new(),
                range: String::new(),
            },
            fixed: Vec::new(),
            clears_all: None,
            update: None,
            not_applicable: None,
            owned_by_os: false,
            reachability: None,
        }
    }
}

impl FeedRevision {
    /// The name of RustSec's own database.
    pub const RUSTSEC: &str = "rustsec";

    /// The ecosystem whose advisories it holds, without a release; none for what is known of vulnerabilities beside them.
    #[must_use]
    pub fn ecosystem(&self) -> Option<&str> {
        match self.name.strip_prefix("osv:") {
            Some(base) => Some(base),
            None => (self.name == Self::RUSTSEC).then_some(Ecosystem::CRATES),
        }
    }
}

/// One advisory feed as it was when the verdict was computed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FeedRevision {
    /// `osv:crates.io`, `rustsec`, `kev`.
    pub name: String,
    /// Where from: a URL without credentials, or the path as it was given.
    pub source: String,
    /// SHA-256 of the data that the index was built from.
    pub revision: Digest,
    /// How many records the index holds.
    pub records: u64,
    /// How many records could not be read and were set aside.
    #[serde(default)]
    pub quarantined: u64,
    /// The time that its age counts from: when it was retrieved over HTTP, or the newest record's `modified` in a directory.
    pub as_of: Timestamp,
    /// SHA-256 of the bundle that it was carried over in, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<Digest>,
    /// The URL that answered in the end, where a redirect led from `source` to another host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served_by: Option<String>,
}
