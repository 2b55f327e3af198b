//! One package: what it is, where it came from, and what it is needed for.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ecosystem::Ecosystem;
use super::image::Platform;
use super::location::Location;
use super::logins;
use super::purl::Purl;

/// What a component is needed for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// It ships, or nothing says that it does not.
    #[default]
    Runtime,
    /// It may be left out (npm's optional dependencies).
    Optional,
    /// It is needed to build only (build scripts, procedural macros).
    Build,
    /// It is needed to develop and test only.
    Development,
}

/// Where a component came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "url", rename_all = "lowercase")]
pub enum Origin {
    /// The ecosystem's default registry, or the distribution.
    #[default]
    Registry,
    /// Another registry, by URL.
    AlternateRegistry(String),
    /// A git repository, by URL with its revision.
    Git(String),
    /// An address that no registry stands behind.
    Url(String),
    /// The source tree itself: a workspace member, a path dependency.
    Local,
}

/// The source package that a distribution's binary package is built from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourcePackage {
    /// Its name, which advisories of the distribution use.
    pub name: String,
    /// Its version, which may differ from the binary's.
    pub version: String,
}

/// One package in one version, from one cataloger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// Its name, version and qualifiers.
    pub purl: Purl,
    /// Where advisories for it are looked up; none where no feed can know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ecosystem: Option<Ecosystem>,
    /// The name in that ecosystem, as advisories write it (for OS packages: the binary package's).
    pub name: String,
    /// The version, as the ecosystem writes it.
    pub version: String,
    /// The source package of an OS package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourcePackage>,
    /// What it is needed for.
    #[serde(default)]
    pub scope: Scope,
    /// Where it came from.
    #[serde(default)]
    pub origin: Origin,
    /// SPDX expressions, or the words of the package database.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licenses: Vec<String>,
    /// SHA-256 of the package archive in hexadecimal, where the database has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Where it is, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<Location>,
    /// The cataloger that found it: `dpkg`, `cargo-auditable`.
    pub cataloger: String,
    /// Purls of the components that it needs, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Purl>,
    /// The platform, in an image with several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// The OS package that owns the file it was found in, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owned_by: Option<Purl>,
    /// True for the service's own packages (workspace members, the root package).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub root: bool,
    /// True when the release was yanked, where the registry's index said so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub yanked: bool,
    /// When the release was published, where the lock file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Timestamp>,
}

impl Component {
    /// True for an action that workflows use: it builds what is looked at, and is not in it.
    #[must_use]
    pub fn is_action(&self) -> bool {
        self.ecosystem
            .as_ref()
            .is_some_and(|ecosystem| ecosystem.base() == Ecosystem::GITHUB_ACTIONS)
    }

    /// Takes logins out of every address in it.
    pub(super) fn without_logins(&mut self) {
        logins::of_purl(&mut self.purl);
        self.dependencies.iter_mut().for_each(logins::of_purl);
        logins::clean(&mut self.name);
        logins::clean(&mut self.version);
        if let Origin::AlternateRegistry(url) | Origin::Git(url) | Origin::Url(url) = &mut self.origin {
            logins::clean(url);
        }
    }

    /// A runtime component from a registry with nothing else known.
    #[must_use]
    pub fn new(purl: Purl, ecosystem: Option<Ecosystem>, cataloger: &str) -> Self {
        Self {
            name: purl.full_name(),
            version: purl.version.clone().unwrap_or_default(),
            purl,
            ecosystem,
            source: None,
            scope: Scope::Runtime,
            origin: Origin::Registry,
            licenses: Vec::new(),
            sha256: None,
            locations: Vec::new(),
            cataloger: cataloger.to_owned(),
            dependencies: Vec::new(),
            platform: None,
            owned_by: None,
            root: false,
            yanked: false,
            published: None,
        }
    }
}
