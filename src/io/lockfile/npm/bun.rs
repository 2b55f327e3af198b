//! Bun's text lock file, `bun.lock`: packages by their place, `chalk/supports-color` for the one that only `chalk` gets.
//!
//! Source: Bun's documentation of its lock file, and its writer.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::address;
use super::lock::{Identity, Need, NpmLock, Package, Project};
use super::needed_for::scopes;
use super::registry;
use crate::io::limits::Limits;
use crate::io::lockfile::Trouble;
use crate::io::lockfile::jsonc;
use crate::io::lockfile::lines::Lines;
use crate::model::inventory::{Origin, Scope};

/// The versions of the format that are known. The second holds what the first does, and Bun refuses more of it.
const KNOWN: std::ops::RangeInclusive<u32> = 0..=2;

type Places<'a> = HashMap<&'a str, usize>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    lockfile_version: u32,
    #[serde(default)]
    workspaces: BTreeMap<String, Asked>,
    #[serde(borrow, default)]
    packages: BTreeMap<Cow<'a, str>, &'a RawValue>,
}

/// What a workspace or a package asks for: names with ranges.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Asked {
    name: Option<String>,
    version: Option<String>,
    dependencies: BTreeMap<String, String>,
    dev_dependencies: BTreeMap<String, String>,
    optional_dependencies: BTreeMap<String, String>,
    peer_dependencies: BTreeMap<String, String>,
    optional_peers: Vec<String>,
}

/// Reads `bun.lock`; what cannot be read is among [`NpmLock::troubles`].
#[must_use]
pub fn read(text: &str) -> NpmLock {
    let mut lock = NpmLock::default();
    let json = jsonc::to_json(text);
    let document: Document<'_> = match serde_json::from_str(&json) {
        Ok(document) => document,
        Err(error) => {
            lock.unread(error.to_string());
            return lock;
        }
    };
    if !KNOWN.contains(&document.lockfile_version) {
        let detail = format!(
            "lock file version {} is not known: packages may be missing",
            document.lockfile_version
        );
        lock.unread(detail);
    }
    let lines = Lines::new(&json);
    let mut places = Places::with_capacity(document.packages.len());
    let mut asked: Vec<(&str, Asked, Option<&Asked>)> = Vec::new();
    for (place, raw) in &document.packages {
        let line = lines.of(raw.get());
        match entry(raw.get(), line, &mut lock) {
            Ok((mut package, asks)) => {
                let member = package.folder.as_ref().and_then(|folder| document.workspaces.get(folder));
                if let (Some(is), Some(version)) = (&mut package.identity, member.and_then(|member| member.version.clone())) {
                    is.version = version;
                }
                places.insert(place, lock.packages.len());
                lock.packages.push(package);
                asked.push((place, asks, member));
            }
            Err(problem) => lock.unread(format!("`{place}` at line {line}: {problem}")),
        }
    }
    let deepest = Limits::default().nesting;
    for (at, (place, asks, member)) in asked.iter().enumerate() {
        // What a place needs is looked for in each place above it.
        if place.matches('/').count() > 2 * deepest {
            let line = lock.packages[at].line;
            lock.troubles
                .push(Trouble::limit(format!("line {line} lies more than {deepest} packages deep")));
        } else {
            let mut found = needs(asks, place, &places);
            // The entry of a workspace says nothing of its needs since version 1; what its development needs is no need of who gets it.
            let of_member = member.map(|asks| needs(asks, place, &places)).unwrap_or_default();
            found.extend(of_member.into_iter().filter(|need| need.scope != Scope::Development));
            lock.packages[at].needs = found;
        }
    }
    let mut roots = Vec::new();
    for (folder, asks) in &document.workspaces {
        let needs = needs(asks, asks.name.as_deref().unwrap_or_default(), &places);
        roots.extend(needs.iter().map(|need| (need.gets, need.scope)));
        let folder = if folder.is_empty() { "." } else { folder }.to_owned();
        lock.projects.push(Project { folder, needs });
    }
    let edges: Vec<Vec<(usize, bool)>> = lock
        .packages
        .iter()
        .map(|package| {
            package
                .needs
                .iter()
                .map(|need| (need.gets, need.scope == Scope::Optional))
                .collect()
        })
        .collect();
    for (package, scope) in lock.packages.iter_mut().zip(scopes(&roots, &edges)) {
        package.scope = scope;
    }
    lock
}

/// `["name@version", "registry", {…}, "integrity"]`, and others without a registry for what is from elsewhere.
fn entry(raw: &str, line: u32, lock: &mut NpmLock) -> Result<(Package, Asked), String> {
    let parts: Vec<Value> = serde_json::from_str(raw).map_err(|error| error.to_string())?;
    let id = parts
        .first()
        .and_then(Value::as_str)
        .ok_or("it does not begin with a package's name")?;
    let from = id
        .get(1..)
        .and_then(|rest| rest.find('@'))
        .ok_or_else(|| format!("`{id}` names no version"))?
        + 1;
    let (name, version) = (&id[..from], &id[from + 1..]);
    let asks = match parts.iter().find(|part| part.is_object()) {
        Some(asks) => Asked::deserialize(asks).map_err(|error| error.to_string())?,
        None => Asked::default(),
    };
    let served_from = parts.get(1).and_then(Value::as_str).filter(|url| !url.is_empty());
    let is_version = version.starts_with(|first: char| first.is_ascii_digit());
    let (origin, identity) = if is_version {
        let origin = match served_from {
            Some(url) if !registry::is_own(url) => Origin::AlternateRegistry(registry::of_package(url).unwrap_or(url).to_owned()),
            _ => Origin::Registry,
        };
        (origin, lock.or_unread(line, address::served(name, version, served_from)))
    } else {
        let origin = match version.split_once(':') {
            // An archive that lies in the tree is somebody's release, wherever it was packed.
            Some(("file", path)) if address::is_archive(path) => Origin::Url(version.to_owned()),
            Some(("workspace" | "link" | "file" | "root", _)) => Origin::Local,
            Some(("http" | "https", _)) => Origin::Url(version.to_owned()),
            _ => Origin::Git(version.strip_prefix("git+").unwrap_or(version).to_owned()),
        };
        if origin != Origin::Local {
            lock.unread(format!("`{name}` at line {line} names no version"));
        }
        let identity = Identity {
            name: name.to_owned(),
            version: String::new(),
        };
        (origin, Some(identity))
    };
    let package = Package {
        identity,
        origin,
        scope: Scope::Runtime,
        license: None,
        folder: version.strip_prefix("workspace:").map(str::to_owned),
        is_given: false,
        needs: Vec::new(),
        line,
    };
    Ok((package, asks))
}

/// What a package asks for, as far as the file has a package for it. What development of a published package needs is not installed.
fn needs(asks: &Asked, place: &str, places: &Places<'_>) -> Vec<Need> {
    let lists = [
        (&asks.dev_dependencies, Scope::Development),
        (&asks.peer_dependencies, Scope::Runtime),
        (&asks.optional_dependencies, Scope::Optional),
        (&asks.dependencies, Scope::Runtime),
    ];
    let mut found: BTreeMap<&str, Need> = BTreeMap::new();
    for (list, scope) in lists {
        for (name, range) in list {
            let Some(gets) = visible(name, place, places) else { continue };
            let may_lack = std::ptr::eq(list, &asks.peer_dependencies) && asks.optional_peers.contains(name);
            let need = Need {
                name: name.clone(),
                range: Some(range.clone()),
                scope: if may_lack { Scope::Optional } else { scope },
                gets,
            };
            found.insert(name, need);
        }
    }
    found.into_values().collect()
}

/// The package that a name leads to from a place: the innermost one.
fn visible(name: &str, place: &str, places: &Places<'_>) -> Option<usize> {
    let mut above = Some(place).filter(|place| !place.is_empty());
    while let Some(at) = above {
        if let Some(found) = places.get(format!("{at}/{name}").as_str()) {
            return Some(*found);
        }
        above = at.rsplit_once('/').map(|(above, _)| above);
    }
    places.get(name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(lock: &NpmLock) -> Vec<(String, String, Scope)> {
        let named = |package: &Package| {
            package
                .identity
                .as_ref()
                .map(|is| (is.name.clone(), is.version.clone(), package.scope))
        };
        lock.packages.iter().filter_map(named).collect()
    }

    #[test]
    fn packages_are_read_with_what_they_are_for() {
        let text = "{\n  \"lockfileVersion\": 1,\n  \"workspaces\": {\n    \"\": {\n      \"name\": \"app\",\n      \"dependencies\": { \"supports-color\": \"^5\", },\n      \
                    \"devDependencies\": { \"chalk\": \"^4\", },\n    },\n  },\n  \"packages\": {\n    \
                    \"chalk\": [\"chalk@4.1.2\", \"\", { \"dependencies\": { \"supports-color\": \"^7\" } }, \"sha512-AA==\"],\n\n    \
                    \"supports-color\": [\"supports-color@5.5.0\", \"\", {}, \"sha512-AA==\"],\n\n    \
                    \"chalk/supports-color\": [\"@evil/alias@7.2.0\", \"\", {}, \"sha512-AA==\"],\n  }\n}\n";
        let lock = read(text);
        assert!(lock.troubles.is_empty(), "{:?}", lock.troubles);
        let expected = [
            ("chalk", "4.1.2", Scope::Development),
            ("@evil/alias", "7.2.0", Scope::Development),
            ("supports-color", "5.5.0", Scope::Runtime),
        ];
        assert_eq!(
            seen(&lock),
            expected.map(|(name, version, scope)| (name.to_owned(), version.to_owned(), scope))
        );
        assert_eq!(lock.packages[0].line, 11);
        assert_eq!(lock.packages[0].needs[0].gets, 1);
    }

    #[test]
    fn what_is_from_elsewhere_is_told_apart() {
        let text = r#"{"lockfileVersion": 0, "packages": {
            "a": ["a@github:acme/a#98e8ff1", {}, "acme-a-98e8ff1"],
            "b": ["b@workspace:packages/b"],
            "c": ["c@1.0.0", "https://npm.example.org/c/-/c-1.0.0.tgz", {}, "sha512-AA=="],
            "d": ["d@https://example.org/d.tgz", {}],
            "e": ["e@file:v/e-1.0.0.tgz", {}],
            "f": ["f@file:packages/f", {}]}}"#;
        let lock = read(text);
        let origins: Vec<&Origin> = lock.packages.iter().map(|package| &package.origin).collect();
        let expected = [
            Origin::Git("github:acme/a#98e8ff1".to_owned()),
            Origin::Local,
            Origin::AlternateRegistry("https://npm.example.org".to_owned()),
            Origin::Url("https://example.org/d.tgz".to_owned()),
            Origin::Url("file:v/e-1.0.0.tgz".to_owned()),
            Origin::Local,
        ];
        assert_eq!(origins, expected.iter().collect::<Vec<_>>());
        assert_eq!(lock.packages[1].folder.as_deref(), Some("packages/b"));
        assert_eq!(lock.troubles.len(), 3, "{:?}", lock.troubles);
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        for text in [
            "",
            "{}",
            r#"{"lockfileVersion": 9}"#,
            r#"{"lockfileVersion": 1, "packages": {"a": []}}"#,
            r#"{"lockfileVersion": 1, "packages": {"a": ["a"]}}"#,
            r#"{"lockfileVersion": 1, "packages": {"a": [1]}}"#,
        ] {
            assert_eq!(read(text).troubles.len(), 1, "{text}");
        }
    }
}
