//! What a lock file says that its packages ask for.

use std::collections::BTreeSet;

use super::dependency::{Dependency, purl};
use super::lock_folder::{LockFolder, manifest};
use super::package_json::{self, Manifest};
use super::pnpm_store;
use crate::io::lockfile::npm::{Identity, Manifests, Need, NpmLock, read_bun, read_package_lock, read_pnpm, read_yarn};
use crate::model::inventory::Location;
use crate::model::purl::Purl;

/// Everything that is known to be asked for; nothing for a file of another kind.
pub(super) fn dependencies(name: &str, text: &str, place: LockFolder<'_>) -> Vec<Dependency> {
    match name {
        "bun.lock" => of_lock(&read_bun(text), place),
        "yarn.lock" => of_lock(&read_yarn(text), place),
        "pnpm-lock.yaml" => {
            let lock = read_pnpm(text);
            let mut all = of_lock(&lock, place);
            all.extend(pnpm_store::dependencies(&lock, place));
            all
        }
        _ if name.ends_with("package-lock.json") || name.ends_with("npm-shrinkwrap.json") => of_lock(&read_package_lock(text), place),
        _ => Vec::new(),
    }
}

fn of_lock(lock: &NpmLock, place: LockFolder<'_>) -> Vec<Dependency> {
    let mut all = match lock.manifests {
        Manifests::Repeated => Vec::new(),
        _ => package_json::dependencies(place, |name, range| lock.gets(name, range)?.identity.clone()),
    };
    let read: BTreeSet<Location> = all.iter().filter_map(|one| one.location.clone()).collect();
    for package in &lock.packages {
        let location = package.folder.as_deref().map(|folder| manifest(&place.inside(folder)));
        // Its own manifest was read before.
        if location.as_ref().is_some_and(|location| read.contains(location)) {
            continue;
        }
        let by = match &package.identity {
            Some(Identity { name, version }) => purl(name, version),
            None => purl(".", ""),
        };
        all.extend(package.needs.iter().filter_map(|need| one(lock, need, &by, location.as_ref())));
    }
    for project in &lock.projects {
        let folder = place.inside(&project.folder);
        let by = Manifest::read(place, &folder).map(|manifest| manifest.purl()).unwrap_or_else(|| {
            let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or(".");
            purl(name, "")
        });
        let location = manifest(&folder);
        all.extend(project.needs.iter().filter_map(|need| one(lock, need, &by, Some(&location))));
    }
    all
}

fn one(lock: &NpmLock, need: &Need, by: &Purl, location: Option<&Location>) -> Option<Dependency> {
    Some(Dependency {
        of: lock.packages.get(need.gets)?.identity.clone()?,
        by: by.clone(),
        range: need.range.clone()?,
        location: location.cloned(),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn asked_of(text: &str) -> Vec<String> {
        let place = LockFolder {
            root: Path::new("/nonexistent"),
            folder: Path::new("web"),
            limit: 1 << 20,
        };
        let said = |one: Dependency| {
            let place = one.location.map(|location| location.path).unwrap_or_default();
            format!(
                "{} gets {}@{} for `{}` ({place})",
                one.by.full_name(),
                one.of.name,
                one.of.version,
                one.range
            )
        };
        dependencies("pnpm-lock.yaml", text, place).into_iter().map(said).collect()
    }

    #[test]
    fn catalogs_aliases_and_peers_are_seen_through() {
        let text = "lockfileVersion: '9.0'\ncatalogs:\n  default:\n    a:\n      specifier: ^1.0.0\n      version: 1.2.0\nimporters:\n  packages/x:\n    dependencies:\n      a:\n        specifier: 'catalog:'\n        version: 1.2.0(b@2.0.0)\n      called:\n        specifier: npm:@s/real@^3\n        version: '@s/real@3.1.0'\n      near:\n        specifier: workspace:*\n        version: link:../near\npackages:\n  a@1.2.0:\n    resolution: {integrity: x}\n  '@s/real@3.1.0':\n    resolution: {integrity: y}\nsnapshots:\n  a@1.2.0(b@2.0.0): {}\n  '@s/real@3.1.0': {}\n";
        assert_eq!(
            asked_of(text),
            [
                "x gets a@1.2.0 for `^1.0.0` (web/packages/x/package.json)",
                "x gets @s/real@3.1.0 for `npm:@s/real@^3` (web/packages/x/package.json)",
            ]
        );
    }

    #[test]
    fn version_6_has_the_lists_of_a_single_package_at_its_top() {
        let text = "lockfileVersion: '6.0'\ndependencies:\n  a:\n    specifier: 1.2.0\n    version: 1.2.0\npackages:\n  /a@1.2.0:\n    dev: false\n";
        assert_eq!(asked_of(text), ["web gets a@1.2.0 for `1.2.0` (web/package.json)"]);
    }
}
