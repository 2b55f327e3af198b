//! Which installed packages a package needs.
//!
//! Source: deb-control(5), "Depends", "Provides".

use std::collections::HashMap;

use super::package::{Package, is_name};
use crate::model::purl::Purl;

/// Which package answers to a name: its own, or one that it provides.
pub(super) fn providers(packages: &[Package]) -> HashMap<&str, &Purl> {
    let mut providers = HashMap::with_capacity(packages.len() * 2);
    for package in packages {
        for name in package.provides.split(',').map(bare_name).filter(|name| !name.is_empty()) {
            providers.entry(name).or_insert(&package.component.purl);
        }
    }
    providers.extend(packages.iter().map(|p| (p.component.name.as_str(), &p.component.purl)));
    providers
}

/// Each of `a, b (>= 1) | c` that is in the database, by the first alternative that is.
pub(super) fn dependencies(package: &Package, providers: &HashMap<&str, &Purl>) -> Vec<Purl> {
    let mut found: Vec<Purl> = package
        .depends
        .iter()
        .flat_map(|field| field.split(','))
        .filter_map(|group| group.split('|').find_map(|alternative| providers.get(bare_name(alternative))))
        .filter(|purl| **purl != &package.component.purl)
        .map(|purl| (*purl).clone())
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Every name that a package may need, each as a package without a version.
pub(super) fn names(package: &Package) -> Vec<Purl> {
    let alternatives = package.depends.iter().flat_map(|field| field.split([',', '|'])).map(bare_name);
    let mut found: Vec<Purl> = alternatives
        .filter(|name| is_name(name))
        .map(|name| Purl::new("deb", name, ""))
        .collect();
    found.sort();
    found.dedup();
    found
}

/// `libc6` of ` libc6:any (>= 2.36)`.
fn bare_name(relation: &str) -> &str {
    let relation = relation.trim();
    let end = relation.find([' ', '(', ':', '[']).unwrap_or(relation.len());
    &relation[..end]
}
