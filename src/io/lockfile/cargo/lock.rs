//! What a `Cargo.lock` says.
//!
//! Source: cargo's `Cargo.lock` formats. Version 1 keeps checksums in `[metadata]` and, before that, the root package in `[root]`;
//! from version 2 on dependencies name a version or a source only where the name alone is ambiguous.

use std::borrow::Cow;
use std::collections::HashMap;

use super::text::{self, Locked};
use crate::io::lockfile::Trouble;
use crate::model::inventory::Origin;

/// A lock file of format 1 to 4.
#[derive(Debug, Default)]
pub struct CargoLock<'a> {
    /// Its packages, in the order of the file.
    pub packages: Vec<Package<'a>>,
    /// What could not be read.
    pub troubles: Vec<Trouble>,
}

/// One `[[package]]` table.
#[derive(Debug)]
pub struct Package<'a> {
    /// Never empty.
    pub name: Cow<'a, str>,
    /// Never empty.
    pub version: Cow<'a, str>,
    /// Where it is from.
    pub origin: Origin,
    /// Digest of the published archive, in hexadecimal; `None` where the file has none that is a SHA-256.
    pub sha256: Option<Cow<'a, str>>,
    /// The packages that it needs, by their indexes in [`CargoLock::packages`].
    pub dependencies: Vec<usize>,
    /// Line of its name, from 1.
    pub line: u32,
}

/// Reads a file, as much of it as can be.
#[must_use]
pub fn read(text: &str) -> CargoLock<'_> {
    let text::Text {
        packages: locked,
        metadata,
        troubles,
    } = text::read(text);
    let mut by_name: ByName<'_> = HashMap::with_capacity(locked.len());
    for (at, package) in locked.iter().enumerate() {
        let versions = by_name.entry(&package.name).or_insert_with(|| (at, HashMap::new()));
        versions.1.entry(&package.version).or_default().push(at);
    }
    let needs = |package: &Locked<'_>| -> Vec<usize> {
        let named = package.dependencies.iter();
        named.filter_map(|text| dependency(text, &by_name, &locked)).collect()
    };
    let dependencies: Vec<Vec<usize>> = locked.iter().map(needs).collect();
    let packages = locked.into_iter().zip(dependencies).map(|(package, dependencies)| {
        let apart = package.source.as_deref().and_then(|source| {
            let key = format!("checksum {} {} ({source})", package.name, package.version);
            metadata.get(key.as_str()).cloned()
        });
        Package {
            origin: origin(package.source.as_deref()),
            sha256: package.checksum.or(apart).filter(|sum| is_sha256(sum)),
            name: package.name,
            version: package.version,
            dependencies,
            line: package.line,
        }
    });
    CargoLock {
        packages: packages.collect(),
        troubles: troubles.into_iter().map(Trouble::unread).collect(),
    }
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The package that `name`, `name version` or `name version (source)` means.
fn dependency(text: &str, by_name: &ByName<'_>, packages: &[Locked<'_>]) -> Option<usize> {
    let mut words = text.splitn(3, ' ');
    let (first, versions) = by_name.get(words.next()?)?;
    let Some(version) = words.next() else { return Some(*first) };
    let source = words.next().map(|source| source.trim_start_matches('(').trim_end_matches(')'));
    let fits = |package: &Locked<'_>| source.is_none_or(|source| package.source.as_deref().is_some_and(|full| same_source(full, source)));
    versions.get(version)?.iter().copied().find(|at| fits(&packages[*at]))
}

/// The packages of each name: the first of them, and all by their versions.
type ByName<'p> = HashMap<&'p str, (usize, HashMap<&'p str, Vec<usize>>)>;

/// A dependency names a git source without the commit.
fn same_source(full: &str, named: &str) -> bool {
    full == named || full.split_once('#').is_some_and(|(address, _)| address == named)
}

/// Where a package is from, by the `source` that cargo writes; none is a local folder.
fn origin(source: Option<&str>) -> Origin {
    let Some(source) = source else {
        return Origin::Local;
    };
    match source.split_once('+') {
        Some(("registry", "https://github.com/rust-lang/crates.io-index")) | Some(("sparse", "https://index.crates.io/")) => {
            Origin::Registry
        }
        Some(("registry", url)) => Origin::AlternateRegistry(url.to_owned()),
        Some(("sparse", _)) => Origin::AlternateRegistry(source.to_owned()),
        Some(("git", url)) => Origin::Git(url.to_owned()),
        Some(("path", _)) => Origin::Local,
        _ => Origin::Url(source.to_owned()),
    }
}
