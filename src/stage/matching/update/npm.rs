//! What npm packages require of each other, as `package-lock.json` repeats it from every `package.json`.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use semver::Version;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::io::files;
use crate::model::inventory::{Component, Location};
use crate::model::purl::Purl;
use crate::model::version::npm_range::NpmRange;

use super::{Required, Sources, unknown};

/// The lock files that were asked for so far; none for one that does not repeat requirements.
#[derive(Debug, Default)]
pub(super) struct Locks {
    files: HashMap<PathBuf, Option<Lock>>,
}

/// The places of a lock file.
#[derive(Debug)]
struct Lock {
    places: BTreeMap<String, Place>,
}

/// One package at its place, or one of the tree itself.
#[derive(Debug, Default)]
struct Place {
    name: Option<String>,
    version: String,
    /// Ranges by the name that they are asked under.
    requires: BTreeMap<String, String>,
}

/// The requirements of every package that needs an npm package.
pub(super) fn required(
    component: &Component,
    wanted: &str,
    parents: &[&Component],
    sources: &Sources<'_>,
    locks: &mut Locks,
) -> Vec<Required> {
    let Ok(wanted) = wanted.parse::<Version>() else { return Vec::new() };
    let mut found = Vec::new();
    for location in &component.locations {
        let Some(root) = sources.root else { break };
        let path = root.join(location.path.trim_start_matches('/'));
        let limit = sources.effects.limits.wanted_file;
        let lock = locks.files.entry(path.clone()).or_insert_with(|| Lock::read(&path, limit));
        if let Some(lock) = lock {
            found.extend(lock.required(component, &wanted, &location.path));
        }
    }
    // Whoever needs it by the graph and is in no lock file that says how.
    let known: Vec<Purl> = found.iter().map(|one| one.by.clone()).collect();
    let silent = parents.iter().filter(|parent| !known.contains(&parent.purl));
    let silent: Vec<Required> = silent.map(|parent| unknown(&parent.purl)).collect();
    found.into_iter().chain(silent).collect()
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    packages: BTreeMap<Cow<'a, str>, &'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Entry {
    name: Option<String>,
    version: Option<String>,
    resolved: Option<String>,
    link: bool,
    dependencies: BTreeMap<String, String>,
    dev_dependencies: BTreeMap<String, String>,
    optional_dependencies: BTreeMap<String, String>,
}

impl Lock {
    /// Reads versions 2 and 3, which list packages by their places.
    fn read(path: &std::path::Path, limit: u64) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        if !name.ends_with("package-lock.json") && !name.ends_with("npm-shrinkwrap.json") {
            return None;
        }
        let text = files::read_text(path, limit).ok()?;
        let document: Document<'_> = serde_json::from_str(&text).ok()?;
        let mut places = BTreeMap::new();
        for (place, raw) in document.packages {
            let entry: Entry = serde_json::from_str(raw.get()).unwrap_or_default();
            let is_ours = !place.contains("node_modules/");
            let mut requires = entry.dependencies;
            requires.extend(entry.optional_dependencies);
            if is_ours {
                requires.extend(entry.dev_dependencies);
            }
            let linked = entry.link.then_some(entry.resolved).flatten();
            let place_of = Place {
                name: entry.name.or(linked),
                version: entry.version.unwrap_or_default(),
                requires,
            };
            places.insert(place.into_owned(), place_of);
        }
        Some(Self { places })
    }

    fn required(&self, component: &Component, wanted: &Version, lock: &str) -> Vec<Required> {
        let is_it = |place: &str| {
            self.places.get(place).is_some_and(|found| {
                let name = found.name.as_deref().unwrap_or_else(|| name_of(place));
                name == component.name && found.version == component.version
            })
        };
        let mut all = Vec::new();
        for (place, package) in &self.places {
            for (asked, range) in &package.requires {
                if !self.resolved(place, asked).is_some_and(|at| is_it(&at)) {
                    continue;
                }
                all.push(Required {
                    by: self.purl(place, package),
                    text: range.clone(),
                    location: (!place.contains("node_modules/")).then(|| manifest(lock, place)),
                    allows: NpmRange::parse(range).map(|range| range.allows(wanted)),
                    allowed_from: None,
                });
            }
        }
        all
    }

    /// The place that a name leads to from another place: the nearest `node_modules` on the way up.
    fn resolved(&self, from: &str, asked: &str) -> Option<String> {
        let mut folder = from;
        loop {
            let candidate = if folder.is_empty() {
                format!("node_modules/{asked}")
            } else {
                format!("{folder}/node_modules/{asked}")
            };
            if self.places.contains_key(&candidate) {
                return Some(candidate);
            }
            if folder.is_empty() {
                return None;
            }
            folder = folder.rsplit_once('/').map_or("", |(up, _)| up);
            folder = folder.strip_suffix("/node_modules").unwrap_or(folder);
            if folder == "node_modules" {
                folder = "";
            }
        }
    }

    fn purl(&self, place: &str, package: &Place) -> Purl {
        let name = package.name.as_deref().unwrap_or_else(|| name_of(place));
        match name.rsplit_once('/') {
            Some((scope, name)) => Purl::new("npm", name, &package.version).with_namespace(scope),
            None => Purl::new("npm", name, &package.version),
        }
    }
}

/// The name in a place: `@babel/core` of `node_modules/x/node_modules/@babel/core`.
fn name_of(place: &str) -> &str {
    place.rsplit_once("node_modules/").map_or(place, |(_, name)| name)
}

/// The `package.json` of a package of the tree.
fn manifest(lock: &str, place: &str) -> Location {
    let folder = std::path::Path::new(lock).parent().unwrap_or(std::path::Path::new(""));
    Location::path(folder.join(place).join("package.json").display().to_string())
}
