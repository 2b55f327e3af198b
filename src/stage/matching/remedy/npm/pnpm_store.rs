//! The packages that pnpm has installed: its lock file does not repeat what published packages ask for, their own `package.json` files say it.

use std::collections::HashMap;
use std::path::Path;

use super::dependency::{Dependency, purl};
use super::lock_folder::LockFolder;
use super::package_json::Manifest;
use crate::io::folder;
use crate::io::lockfile::npm::NpmLock;
use crate::model::excused::Excused as _;

/// Where pnpm puts packages.
const STORE: &str = "node_modules/.pnpm";

/// What the installed ones ask for, and get.
pub(super) fn dependencies(lock: &NpmLock, place: LockFolder<'_>) -> Vec<Dependency> {
    let installed = Installed::read(place);
    let mut all = Vec::new();
    for package in &lock.packages {
        let Some(is) = &package.identity else { continue };
        let Some(own) = installed.manifest(&is.name, &is.version, place) else {
            continue;
        };
        for (name, range) in own.requires() {
            let got = package.needs.iter().find(|need| need.name == name);
            let of = got.and_then(|need| lock.packages.get(need.gets)?.identity.clone());
            all.extend(of.map(|of| Dependency {
                of,
                by: purl(&is.name, &is.version),
                range: range.to_owned(),
                location: None,
            }));
        }
    }
    all
}

/// The packages in pnpm's folder: `@a+b@1.0.0_c@2.0.0` by `@a+b@1.0.0`.
struct Installed(HashMap<String, String>);

impl Installed {
    fn read(place: LockFolder<'_>) -> Self {
        let entries = folder::entries(&place.root.join(place.folder).join(STORE)).or_empty("without the store there is no hint");
        let names = entries
            .into_iter()
            .filter_map(|entry| entry.file_name().into_string().or_none("no text: not a package's folder"));
        Self(names.map(|name| (bare(&name).to_owned(), name)).collect())
    }

    fn manifest(&self, name: &str, version: &str, place: LockFolder<'_>) -> Option<Manifest> {
        let folder = self.0.get(&format!("{}@{version}", name.replace('/', "+")))?;
        let inside = Path::new(STORE).join(folder).join("node_modules").join(name);
        Manifest::read(place, &place.folder.join(inside))
    }
}

/// A folder's name without the peers behind the version.
fn bare(folder: &str) -> &str {
    let version = folder.get(1..).and_then(|rest| rest.find('@')).map_or(0, |at| at + 1);
    folder[version..].find(['_', '(']).map_or(folder, |at| &folder[..version + at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_known_without_their_peers() {
        for (folder, expected) in [
            ("mkdirp@0.5.1", "mkdirp@0.5.1"),
            ("@s+a@1.0.0_b@2.0.0", "@s+a@1.0.0"),
            ("a_b@1.0.0", "a_b@1.0.0"),
        ] {
            assert_eq!(bare(folder), expected);
        }
    }
}
