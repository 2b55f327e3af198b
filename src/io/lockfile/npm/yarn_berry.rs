//! The lock file of yarn 2 and later: YAML, each entry with its `resolution`.

use std::borrow::Cow;
use std::collections::HashMap;

use super::address;
use super::lock::{Identity, Need, NpmLock, Package};
use super::needed_for::mark_optional;
use super::pattern::name_and_range;
use crate::io::lockfile::Trouble;
use crate::io::lockfile::yaml::{self, Entry};
use crate::model::inventory::{Origin, Scope};
use crate::model::purl;

pub(super) fn read(text: &str) -> NpmLock {
    let (document, troubles) = yaml::read(text);
    let mut lock = NpmLock {
        troubles: troubles.into_iter().map(Trouble::unread).collect(),
        ..NpmLock::default()
    };
    let entries: Vec<&Entry<'_>> = document.entries.iter().filter(|entry| entry.key != "__metadata").collect();
    let mut by_pattern = Patterns::new();
    for (at, entry) in entries.iter().enumerate() {
        for pattern in entry.key.split(", ") {
            by_pattern
                .entry(patched(pattern).map_or(pattern.into(), Cow::Owned))
                .or_default()
                .push(at);
        }
    }
    let folders = folders(&entries);
    for entry in entries {
        let package = package(entry, needs(entry, &by_pattern, &folders), &mut lock);
        if package.identity.is_none() {
            lock.unread(format!("the entry at line {} names no package", entry.line));
        }
        lock.packages.push(package);
    }
    mark_optional(&mut lock.packages);
    lock
}

/// What each pattern stands for: the package, and the same with changes.
type Patterns<'a> = HashMap<Cow<'a, str>, Vec<usize>>;

/// `a@npm:^1` of `a@patch:a@npm%3A%5E1#…`: whoever needs the one gets the other, without saying so where yarn itself brings the changes.
fn patched(pattern: &str) -> Option<String> {
    let (_, from) = name_and_range(pattern)?;
    let inner = from.strip_prefix("patch:")?.split('#').next()?;
    purl::decode(inner)
}

/// What a package asks for; those that yarn changes are listed as they were too.
fn needs(entry: &Entry<'_>, by_pattern: &Patterns<'_>, folders: &HashMap<&str, Vec<usize>>) -> Vec<Need> {
    let meta = entry.get("dependenciesMeta");
    let is_optional = |name: &str| meta.and_then(|meta| meta.get(name)?.text("optional")) == Some("true");
    let asked = entry.get("dependencies").map(|list| list.entries.as_slice()).unwrap_or_default();
    let mut needs = Vec::new();
    for asked in asked {
        let Some(range) = asked.value.as_deref() else { continue };
        let replaced = || folders.get(&*asked.key).map(Vec::as_slice);
        let found = resolve(&asked.key, range, by_pattern).or_else(replaced).unwrap_or_default();
        needs.extend(found.iter().map(|at| Need {
            name: asked.key.clone().into_owned(),
            range: Some(range.to_owned()),
            scope: if is_optional(&asked.key) { Scope::Optional } else { Scope::Runtime },
            gets: *at,
        }));
    }
    needs
}

/// Folders that `resolutions` put in the place of packages, by the names of these: whoever needs one still asks for what its manifest says.
fn folders<'e>(entries: &[&'e Entry<'_>]) -> HashMap<&'e str, Vec<usize>> {
    let mut folders: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, entry) in entries.iter().enumerate() {
        for (name, from) in entry.key.split(", ").filter_map(name_and_range) {
            if ["file:", "portal:", "link:"].iter().any(|protocol| from.starts_with(protocol)) {
                folders.entry(name).or_default().push(at);
            }
        }
    }
    folders
}

/// Ranges are written with their protocol (`npm:^1`) since version 8 of the format, and without it before.
fn resolve<'p>(name: &str, range: &str, by_pattern: &'p Patterns<'_>) -> Option<&'p [usize]> {
    let find = |pattern: String| by_pattern.get(pattern.as_str()).map(Vec::as_slice);
    // One's own patch is asked for by name.
    let pattern = format!("{name}@{range}");
    find(patched(&pattern).unwrap_or(pattern)).or_else(|| find(format!("{name}@npm:{range}")))
}

/// The package that `resolution` names: `a@npm:1.0.0`, `a@workspace:.`, `a@https://host/a.git#commit=…`, `a@patch:a@npm%3A1.0.0#…`.
fn package(entry: &Entry<'_>, needs: Vec<Need>, lock: &mut NpmLock) -> Package {
    let resolution = entry.text("resolution").or_else(|| entry.key.split(", ").next());
    let resolution = resolution.and_then(name_and_range);
    let version = entry.text("version").filter(|version| *version != "0.0.0-use.local");
    let from = resolution.map_or("", |(_, from)| from);
    let identity = resolution.map(|(name, from)| identity(name, from, version.unwrap_or_default()));
    Package {
        identity: identity.and_then(|identity| lock.or_unread(entry.line, identity)),
        origin: origin(from),
        scope: Scope::Runtime,
        license: None,
        folder: from.strip_prefix("workspace:").map(str::to_owned),
        is_given: false,
        needs,
        line: entry.line,
    }
}

/// The package that yarn installs: the one that the resolution names, whatever version stands beside it, or that its address serves.
fn identity(name: &str, from: &str, version: &str) -> Result<Identity, String> {
    let inner = patched(&format!("{name}@{from}"));
    let (name, from) = inner.as_deref().and_then(name_and_range).unwrap_or((name, from));
    let (locator, parameters) = from.split_once("::").unwrap_or((from, ""));
    // What is patched may be named by a range.
    let is_exact = |numbers: &str| inner.is_none() || semver::Version::parse(numbers).is_ok();
    let told = locator.strip_prefix("npm:");
    if let Some(numbers) = told.filter(|numbers| *numbers != version && is_exact(numbers)) {
        return Err(format!("`{name}` is {numbers} and {version} at once"));
    }
    let archive = parameters.split('&').find_map(|parameter| parameter.strip_prefix("__archiveUrl="));
    let archive = match archive {
        Some(archive) => Some(purl::decode(archive).ok_or_else(|| format!("the address of `{name}` cannot be read"))?),
        None => locator.starts_with("http").then(|| locator.to_owned()),
    };
    address::served(name, version, archive.as_deref())
}

fn origin(from: &str) -> Origin {
    let (protocol, rest) = from.split_once(':').unwrap_or(("npm", from));
    match protocol {
        // A patched package is the published one with changes of one's own: it is looked up like that one.
        "npm" | "patch" => Origin::Registry,
        "file" => address::origin(Some(from.split_once("::").map_or(from, |(locator, _)| locator))),
        "workspace" | "link" | "portal" => Origin::Local,
        _ if rest.contains("#commit=") => Origin::Git(from.replace("#commit=", "#")),
        _ => address::origin(Some(from)),
    }
}

#[cfg(test)]
mod tests {
    use super::{origin, patched, read};
    use crate::model::inventory::Origin;

    #[test]
    fn an_archive_in_the_tree_is_somebodys_release_and_a_folder_is_ones_own() {
        let archive = origin("file:./v/lodash-4.17.20.tgz#./v/lodash-4.17.20.tgz::hash=b44a9b&locator=r%40workspace%3A.");
        assert_eq!(archive, Origin::Url("file:./v/lodash-4.17.20.tgz".to_owned()));
        assert_eq!(origin("file:./v#./v::hash=b44a9b&locator=r%40workspace%3A."), Origin::Local);
    }

    #[test]
    fn the_resolution_says_what_yarn_installs() {
        let lock = |resolution: &str, version: &str| {
            read(&format!(
                "__metadata:\n  version: 8\n\n\"okpkg@npm:^1\":\n  version: {version}\n  resolution: \"{resolution}\"\n"
            ))
        };
        for (resolution, version) in [
            ("evilpkg@npm:1.0.0", "2.0.0"),
            (
                "okpkg@npm:1.0.0::__archiveUrl=https%3A%2F%2Fexample.org%2F.%2Fevilpkg-1.0.0.tgz",
                "1.0.0",
            ),
        ] {
            assert!(!lock(resolution, version).troubles.is_empty(), "{resolution}");
        }
        for (resolution, name) in [
            (
                "okpkg@npm:1.0.0::__archiveUrl=https%3A%2F%2Fexample.org%2Fevilpkg%2F-%2Fevilpkg-1.0.0.tgz",
                "evilpkg",
            ),
            ("okpkg@https://example.org/evilpkg/-/evilpkg-1.0.0.tgz", "evilpkg"),
            ("okpkg@npm:1.0.0", "okpkg"),
            ("okpkg@patch:okpkg@npm%3A~1.0.0#optional!builtin<compat/okpkg>", "okpkg"),
            ("okpkg@patch:evilpkg@npm%3A1.0.0#x", "evilpkg"),
        ] {
            let lock = lock(resolution, "1.0.0");
            assert!(lock.troubles.is_empty(), "{resolution} {:?}", lock.troubles);
            let found = lock.packages[0].identity.as_ref().expect("a package");
            assert_eq!((&*found.name, &*found.version), (name, "1.0.0"), "{resolution}");
        }
    }

    #[test]
    fn a_patch_stands_for_what_it_changes() {
        let builtin = "fsevents@patch:fsevents@npm%3A~2.3.2#optional!builtin<compat/fsevents>";
        assert_eq!(patched(builtin).as_deref(), Some("fsevents@npm:~2.3.2"));
        assert_eq!(
            patched("a@patch:a@npm%3A%5E1.0.0#~/.yarn/patches/a.patch").as_deref(),
            Some("a@npm:^1.0.0")
        );
        assert_eq!(patched("a@npm:^1").as_deref(), None);
        assert_eq!(patched("a@patch:%zz%").as_deref(), Some("%zz%"));
    }
}
