//! `pnpm-lock.yaml`, versions 5, 6 and 9, of one document or of several (pnpm 11 and later pin themselves in one of their own).
//!
//! Version 5 writes keys as `/name/version_peers`. Version 9 keeps what a package is (`packages`) apart from what it needs (`snapshots`) and
//! says nothing of development: that follows from what the importers need.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::address;
use super::lock::{Need, NpmLock, Package, Project};
use super::needed_for::scopes;
use super::pattern::name_and_range;
use super::pnpm_document::{LISTS, entries, got, importers, key};
use super::pnpm_folders::{linked_projects, overridden, replaced};
use super::pnpm_key::{of_version_5, without_peers};
use super::stand_ins::stand_ins;
use crate::io::lockfile::Trouble;
use crate::io::lockfile::yaml::{self, Entry};
use crate::model::inventory::{Origin, Scope};

/// Reads `pnpm-lock.yaml`; what cannot be read is among [`NpmLock::troubles`].
#[must_use]
pub fn read(text: &str) -> NpmLock {
    let mut lock = NpmLock::default();
    for (document, troubles) in yaml::read_all(text) {
        lock.troubles.extend(troubles.into_iter().map(Trouble::unread));
        read_document(&document, &mut lock);
    }
    lock
}

fn read_document(document: &Entry<'_>, lock: &mut NpmLock) {
    lock.troubles.extend(unclear(document).into_iter().map(Trouble::unread));
    let version = document.text("lockfileVersion").unwrap_or_default();
    lock.troubles.extend(unknown_version(version).map(Trouble::unread));
    let described = entries(document, "packages");
    let snapshots = document.get("snapshots").map_or(described, |entry| entry.entries.as_slice());
    let descriptions: HashMap<&str, &Entry<'_>> = described.iter().map(|entry| (without_peers(key(entry)), entry)).collect();
    let installed: HashSet<&str> = snapshots.iter().map(|entry| without_peers(key(entry))).collect();
    let others = described.iter().filter(|entry| !installed.contains(without_peers(key(entry))));

    let first = lock.packages.len();
    let mut listed: Vec<&Entry<'_>> = Vec::new();
    let mut by_key = Keys::new();
    for entry in snapshots.iter().chain(others) {
        match package(entry, version.starts_with("5."), &descriptions) {
            Ok(package) => {
                by_key.insert(key(entry), lock.packages.len());
                lock.packages.push(package);
                listed.push(entry);
            }
            Err(trouble) => lock.unread(trouble),
        }
    }
    for (package, entry) in lock.packages[first..].iter_mut().zip(&listed) {
        package.needs = needs(entry, &by_key);
    }
    let missing = missing(document, &listed, &by_key);
    lock.troubles.extend(missing.into_iter().map(Trouble::unread));
    let projects = importers(document).into_iter().map(|(folder, importer)| Project {
        folder: folder.to_owned(),
        needs: asked(document, importer, &by_key),
    });
    let projects: Vec<Project> = projects.collect();
    mark(&mut lock.packages[first..], first, &projects);
    lock.projects.extend(projects);
    let given = overridden(document);
    for package in &mut lock.packages[first..] {
        package.is_given = package.identity.as_ref().is_some_and(|is| given.contains(is.name.as_str()));
    }
    let standing = stand_ins(lock);
    let is_foreign = |at: usize| lock.packages[at].origin != Origin::Local || standing.contains_key(&at);
    let foreign = listed
        .iter()
        .enumerate()
        .filter(|(at, _)| is_foreign(first + at))
        .map(|(_, entry)| *entry);
    let mut linked = replaced(foreign, &descriptions);
    linked.extend(linked_projects(document, &given));
    lock.troubles.extend(linked.into_iter().map(Trouble::unread));
}

/// The packages of a document by their keys without a slash in front, with the peers in brackets.
type Keys<'d> = HashMap<&'d str, usize>;

fn unknown_version(version: &str) -> Option<String> {
    if ["5.", "6.", "9."].iter().any(|known| version.starts_with(known)) {
        return None;
    }
    let said = if version.is_empty() {
        "none".to_owned()
    } else {
        format!("`{version}`")
    };
    Some(format!(
        "lock file version {said} is not known (5, 6 and 9 are): packages may be missing"
    ))
}

/// Marks packages, of which the first has an index of its own, with what the projects need them for.
fn mark(packages: &mut [Package], first: usize, projects: &[Project]) {
    let roots: Vec<(usize, Scope)> = projects
        .iter()
        .flat_map(|project| &project.needs)
        .map(|need| (need.gets - first, need.scope))
        .collect();
    let edges: Vec<Vec<(usize, bool)>> = packages
        .iter()
        .map(|package| {
            let needs = package.needs.iter();
            needs.map(|need| (need.gets - first, need.scope == Scope::Optional)).collect()
        })
        .collect();
    for (package, scope) in packages.iter_mut().zip(scopes(&roots, &edges)) {
        package.scope = scope;
    }
}

/// What js-yaml reads and the reader of lines does not: a list on one line, a key that is there twice.
fn unclear(document: &Entry<'_>) -> Vec<String> {
    let lists = [
        "packages",
        "snapshots",
        "importers",
        "dependencies",
        "devDependencies",
        "optionalDependencies",
    ];
    let mut seen = HashSet::new();
    let mut troubles = Vec::new();
    for entry in &document.entries {
        if !seen.insert(&entry.key) {
            troubles.push(format!("`{}` at line {} is there twice", entry.key, entry.line));
        }
        let inside = entry
            .entries
            .iter()
            .filter(|_| entry.key == "importers")
            .flat_map(|importer| &importer.entries);
        for list in std::iter::once(entry).chain(inside).filter(|list| lists.contains(&&*list.key)) {
            if list.value.as_deref().is_some_and(|value| value != "{}") {
                troubles.push(format!("`{}` at line {} is not one entry a line", list.key, list.line));
            }
        }
    }
    troubles
}

/// Packages that importers and other packages need and that the file does not have: pnpm calls it broken, and what it would install is not known.
fn missing(document: &Entry<'_>, listed: &[&Entry<'_>], by_key: &Keys<'_>) -> Vec<String> {
    let importers = importers(document);
    let of_projects = importers
        .iter()
        .flat_map(|(_, importer)| LISTS.iter().flat_map(|(list, _)| entries(importer, list)));
    let of_packages = listed.iter().flat_map(|entry| entries(entry, "dependencies"));
    let is_local = |version: &str| ["link:", "workspace:", "file:"].iter().any(|local| version.starts_with(local));
    of_projects
        .chain(of_packages)
        .filter_map(|need| {
            let version = got(need);
            let lacks = !is_local(version) && resolve(&need.key, version, by_key).is_none();
            lacks.then(|| format!("`{} {version}`, needed at line {}, is not among the packages", need.key, need.line))
        })
        .collect()
}

fn package<'d>(entry: &'d Entry<'_>, is_version_5: bool, descriptions: &HashMap<&str, &'d Entry<'_>>) -> Result<Package, String> {
    let key = key(entry);
    let bare = without_peers(key);
    let description = descriptions.get(bare).copied().unwrap_or(entry);
    let by_key = if is_version_5 { of_version_5(bare) } else { name_and_range(bare) };
    let name = description.text("name").or(by_key.map(|(name, _)| name));
    let version = description
        .text("version")
        .or(by_key.map(|(_, version)| version))
        .unwrap_or_default();
    let Some(name) = name else {
        return Err(format!("`{key}` at line {} names no package", entry.line));
    };
    // pnpm installs what the key of a published package says.
    let published = by_key.filter(|(_, version)| version.starts_with(|c: char| c.is_ascii_digit()));
    if published.is_some_and(|by_key| by_key != (name, version)) {
        return Err(format!("`{key}` at line {} says that it is {name} {version}", entry.line));
    }
    // A package from elsewhere has its address for a version.
    let version = if version.contains(':') { "" } else { version };
    let resolution = Resolution::of(description);
    Ok(Package {
        identity: Some(address::served(name, version, resolution.field("tarball"))?),
        origin: resolution.origin(),
        scope: Scope::Runtime,
        license: None,
        folder: None,
        is_given: false,
        needs: Vec::new(),
        line: description.line,
    })
}

/// Where a package is from: `{integrity: …, tarball: …}` on one line, or a field a line.
struct Resolution<'d> {
    entry: Option<&'d Entry<'d>>,
    in_braces: Vec<(Cow<'d, str>, Cow<'d, str>)>,
}

impl<'d> Resolution<'d> {
    fn of(description: &'d Entry<'_>) -> Self {
        let entry = description.get("resolution");
        let braces = entry.and_then(|entry| entry.value.as_deref());
        Self {
            entry,
            in_braces: braces.map(yaml::flow).unwrap_or_default(),
        }
    }

    fn field(&self, name: &str) -> Option<&str> {
        let on_one_line = self.in_braces.iter().find(|(key, _)| key == name).map(|(_, value)| &**value);
        on_one_line.or_else(|| self.entry?.text(name))
    }

    fn origin(&self) -> Origin {
        match (self.field("type"), self.field("repo"), self.field("tarball")) {
            (Some("directory"), _, _) => Origin::Local,
            (_, Some(repository), _) => Origin::Git(format!("{repository}#{}", self.field("commit").unwrap_or_default())),
            (_, _, tarball) => address::origin(tarball),
        }
    }
}

fn needs(entry: &Entry<'_>, by_key: &Keys<'_>) -> Vec<Need> {
    let lists = [("dependencies", Scope::Runtime), ("optionalDependencies", Scope::Optional)];
    let needs = lists
        .into_iter()
        .flat_map(|(list, scope)| entries(entry, list).iter().map(move |need| (need, scope)));
    needs
        .filter_map(|(need, scope)| {
            Some(Need {
                name: need.key.clone().into_owned(),
                range: None,
                scope,
                gets: resolve(&need.key, need.value.as_deref()?, by_key)?,
            })
        })
        .collect()
}

/// The package that `name: version` means; an alias has another package's key for a version.
fn resolve(name: &str, version: &str, by_key: &Keys<'_>) -> Option<usize> {
    let version = version.strip_prefix('/').unwrap_or(version);
    by_key
        .get(format!("{name}@{version}").as_str())
        .or_else(|| by_key.get(format!("{name}/{version}").as_str()))
        .or_else(|| by_key.get(version))
        .copied()
}

fn asked(document: &Entry<'_>, importer: &Entry<'_>, by_key: &Keys<'_>) -> Vec<Need> {
    let lists = LISTS.iter();
    let asked = lists.flat_map(|(list, scope)| entries(importer, list).iter().map(move |need| (need, *scope)));
    asked
        .filter_map(|(need, scope)| {
            let range = need.text("specifier");
            Some(Need {
                name: need.key.clone().into_owned(),
                range: range
                    .map(|range| in_catalog(document, &need.key, range).unwrap_or(range))
                    .map(str::to_owned),
                scope,
                gets: resolve(&need.key, got(need), by_key)?,
            })
        })
        .collect()
}

/// The range that `catalog:` or `catalog:name` stands for.
fn in_catalog<'d>(document: &'d Entry<'_>, name: &str, range: &str) -> Option<&'d str> {
    let catalog = match range.strip_prefix("catalog:")? {
        "" => "default",
        named => named,
    };
    document.get("catalogs")?.get(catalog)?.get(name)?.text("specifier")
}
