//! `pnpm-lock.yaml`: it repeats what the tree asks for, and of published packages only what they got. Where those are installed their own
//! `package.json` says what they ask for.

use std::collections::HashMap;
use std::path::Path;

use super::package_json::Manifest;
use super::{Asked, Place, manifest, purl};
use crate::io::folder;
use crate::io::notation::yaml::{self, Entry};
use crate::model::excused::Excused as _;

/// Where pnpm puts packages.
const STORE: &str = "node_modules/.pnpm";

/// Everything that is known to be asked for.
pub(super) fn asked(text: &str, place: Place<'_>) -> Vec<Asked> {
    let (document, _) = yaml::read(text);
    let mut all = of_tree(&document, place);
    let packages = document.get("snapshots").or_else(|| document.get("packages"));
    let packages = packages.map(|entry| entry.entries.as_slice()).unwrap_or_default();
    let installed = Installed::read(place);
    for package in packages {
        let key = package.key.strip_prefix('/').unwrap_or(&package.key);
        let Some((name, version)) = identity(key) else { continue };
        let Some(own) = installed.manifest(name, version, place) else {
            continue;
        };
        for (asked, range) in own.requires() {
            let got = ["dependencies", "optionalDependencies"]
                .iter()
                .find_map(|list| package.get(list)?.text(asked));
            all.extend(got.and_then(|got| identity_of(asked, got)).map(|of| Asked {
                of,
                by: purl(name, version),
                range: range.to_owned(),
                location: None,
            }));
        }
    }
    all
}

/// What the packages of the tree ask for. A file of version 6 with one of them has its lists at the top.
fn of_tree(document: &Entry<'_>, place: Place<'_>) -> Vec<Asked> {
    let importers: Vec<(&str, &Entry<'_>)> = match document.get("importers") {
        Some(importers) => importers.entries.iter().map(|importer| (importer.key.as_ref(), importer)).collect(),
        None => vec![(".", document)],
    };
    let mut all = Vec::new();
    for (folder, importer) in importers {
        let folder: std::path::PathBuf = place
            .folder
            .join(folder)
            .components()
            .filter(|part| part.as_os_str() != ".")
            .collect();
        let by = Manifest::read(place, &folder).map(|manifest| manifest.purl()).unwrap_or_else(|| {
            let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or(".");
            purl(name, "")
        });
        for list in ["dependencies", "optionalDependencies", "devDependencies"] {
            for need in importer.get(list).map(|list| list.entries.as_slice()).unwrap_or_default() {
                let (Some(range), Some(got)) = (need.text("specifier"), need.text("version")) else {
                    continue;
                };
                all.extend(identity_of(&need.key, got).map(|of| Asked {
                    of,
                    by: by.clone(),
                    range: in_catalog(document, &need.key, range).unwrap_or(range).to_owned(),
                    location: Some(manifest(&folder)),
                }));
            }
        }
    }
    all
}

/// The range that `catalog:` or `catalog:name` stands for.
fn in_catalog<'a>(document: &'a Entry<'_>, name: &str, range: &str) -> Option<&'a str> {
    let catalog = match range.strip_prefix("catalog:")? {
        "" => "default",
        named => named,
    };
    document.get("catalogs")?.get(catalog)?.get(name)?.text("specifier")
}

/// Name and version of what `name: version` means; an alias has another package's key for a version.
fn identity_of(name: &str, got: &str) -> Option<(String, String)> {
    let got = without_peers(got.strip_prefix('/').unwrap_or(got));
    if got.starts_with(|c: char| c.is_ascii_digit()) && !got.contains('@') {
        return Some((name.to_owned(), got.to_owned()));
    }
    identity(got).map(|(name, version)| (name.to_owned(), version.to_owned()))
}

fn identity(key: &str) -> Option<(&str, &str)> {
    let key = without_peers(key);
    let at = key.get(1..)?.find('@')? + 1;
    Some((&key[..at], &key[at + 1..]))
}

/// `a@1.0.0` of `a@1.0.0(b@2.0.0)`.
fn without_peers(key: &str) -> &str {
    key.split_once('(').map_or(key, |(bare, _)| bare)
}

/// The packages in pnpm's folder: `@a+b@1.0.0_c@2.0.0` by `@a+b@1.0.0`.
struct Installed(HashMap<String, String>);

impl Installed {
    fn read(place: Place<'_>) -> Self {
        let entries = folder::entries(&place.root.join(place.folder).join(STORE)).or_empty("without the store there is no hint");
        let names = entries
            .into_iter()
            .filter_map(|entry| entry.file_name().into_string().or_none("no text: not a package's folder"));
        Self(names.map(|name| (bare(&name).to_owned(), name)).collect())
    }

    fn manifest(&self, name: &str, version: &str, place: Place<'_>) -> Option<Manifest> {
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

    fn asked_of(text: &str) -> Vec<String> {
        let place = Place {
            root: Path::new("/nonexistent"),
            folder: Path::new("web"),
            limit: 1 << 20,
        };
        let said = |one: Asked| {
            let place = one.location.map(|location| location.path).unwrap_or_default();
            format!(
                "{} gets {}@{} for `{}` ({place})",
                one.by.full_name(),
                one.of.0,
                one.of.1,
                one.range
            )
        };
        asked(text, place).into_iter().map(said).collect()
    }

    #[test]
    fn catalogs_aliases_and_peers_are_seen_through() {
        let text = "lockfileVersion: '9.0'\ncatalogs:\n  default:\n    a:\n      specifier: ^1.0.0\n      version: 1.2.0\nimporters:\n  packages/x:\n    dependencies:\n      a:\n        specifier: 'catalog:'\n        version: 1.2.0(b@2.0.0)\n      called:\n        specifier: npm:@s/real@^3\n        version: '@s/real@3.1.0'\n      near:\n        specifier: workspace:*\n        version: link:../near\n";
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
