//! Versions 2 and 3 of npm's lock file, which list packages by their places and repeat every `package.json`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::lock::{Identity, Need, NpmLock, Package};
use super::place::{Place, Places};
use super::{address, links};
use crate::io::limits::Limits;
use crate::io::lockfile::Trouble;
use crate::io::lockfile::lines::Lines;
use crate::model::excused::Excused as _;
use crate::model::inventory::{Origin, Scope};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    version: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    resolved: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    license: Option<&'a RawValue>,
    #[serde(default)]
    dev: bool,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    dev_optional: bool,
    #[serde(default)]
    link: bool,
    #[serde(borrow, default)]
    dependencies: Ranges<'a>,
    #[serde(borrow, default)]
    dev_dependencies: Ranges<'a>,
    #[serde(borrow, default)]
    optional_dependencies: Ranges<'a>,
    #[serde(borrow, default)]
    peer_dependencies: Ranges<'a>,
}

type Ranges<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

pub(super) fn read<'p>(packages: &'p BTreeMap<Cow<'_, str>, &RawValue>, lines: &Lines<'_>, lock: &mut NpmLock) -> Places<'p> {
    let mut places = Places::with_capacity(packages.len());
    let mut links: Vec<(&str, Option<String>, u32)> = Vec::new();
    let mut entries: Vec<(&str, Entry<'_>)> = Vec::with_capacity(packages.len());
    let mut odd: Vec<(&str, u32)> = Vec::new();
    for (at, raw) in packages {
        let line = lines.of(raw.get());
        let entry: Entry<'_> = match serde_json::from_str(raw.get()) {
            Ok(entry) => entry,
            Err(error) => {
                lock.unread(format!("`{at}` at line {line}: {error}"));
                continue;
            }
        };
        let package = (!entry.link).then_some(entries.len());
        let is_a_place = is_a_place(at);
        if !is_a_place {
            odd.push((at, line));
        }
        let place = Place {
            package,
            version: entry.version.as_deref().map(str::to_owned),
            is_link: entry.link,
        };
        places.insert(at, place);
        if entry.link {
            links.push((at, entry.resolved.map(Cow::into_owned), line));
            continue;
        }
        let package = package_at(at, &entry, line, lock);
        if is_a_place && package.origin != Origin::Local && package.identity.as_ref().is_some_and(|is| is.version.is_empty()) {
            lock.unread(format!("`{at}` at line {line} names no version"));
        }
        lock.packages.push(package);
        entries.push((at, entry));
    }
    for (at, line) in odd {
        let what = match links.iter().any(|(_, target, _)| target.as_deref() == Some(at)) {
            true => "is where npm looks for a folder of `overrides`: from the package that needs it, and it is not there",
            false => "is no place that every npm takes for the same",
        };
        lock.unread(format!("`{}` at line {line} {what}", at.escape_debug()));
    }
    links::follow(&links, &mut places, lock);
    let deepest = Limits::default().nesting;
    let mut too_deep = Vec::new();
    for (package, (at, entry)) in lock.packages.iter_mut().zip(&entries) {
        // What a place needs is looked for in each folder above it.
        if at.matches("node_modules").count() > deepest {
            too_deep.push(format!("line {} lies more than {deepest} folders deep", package.line));
        } else {
            package.needs = needs(at, entry, &places);
        }
    }
    lock.troubles.extend(too_deep.into_iter().map(Trouble::limit));
    places
}

/// True for a place that is one folder, whatever system npm runs on: `packages/a`, `node_modules/@babel/core`.
fn is_a_place(place: &str) -> bool {
    let is_odd = |c: char| c == '\\' || c.is_control();
    if place.is_empty() {
        return true;
    }
    match place.rsplit_once("node_modules/") {
        Some((above, name)) => {
            let parts: Vec<&str> = name.split('/').collect();
            let is_name = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(char::is_whitespace);
            let is_package = match parts.as_slice() {
                [name] => is_name(name),
                [scope, name] => scope.starts_with('@') && is_name(scope) && is_name(name),
                _ => false,
            };
            is_package && !above.contains(is_odd) && !name.contains(is_odd) && above.split('/').all(|part| part != ".")
        }
        None => !place.contains(is_odd) && place.split('/').all(|part| !matches!(part, "" | ".")),
    }
}

/// A package of the tree has its folder for a place.
fn package_at(place: &str, entry: &Entry<'_>, line: u32, lock: &mut NpmLock) -> Package {
    let (own, by_place) = match place.rsplit_once("node_modules/") {
        Some((_, name)) => (false, name),
        None => (true, place.rsplit('/').next().unwrap_or(place)),
    };
    let name = entry.name.as_deref().unwrap_or(by_place);
    let version = entry.version.as_deref().unwrap_or_default();
    let identity = match own {
        true => Some(Identity {
            name: name.to_owned(),
            version: version.to_owned(),
        }),
        false => lock.or_unread(line, address::served(name, version, entry.resolved.as_deref())),
    };
    Package {
        identity: identity.filter(|_| !name.is_empty()),
        origin: if own {
            Origin::Local
        } else {
            address::origin(entry.resolved.as_deref())
        },
        scope: match (entry.dev, entry.optional || entry.dev_optional) {
            (true, _) => Scope::Development,
            (false, true) => Scope::Optional,
            (false, false) => Scope::Runtime,
        },
        license: entry
            .license
            .and_then(|raw| serde_json::from_str(raw.get()).or_none("a license of another shape is none that is known")),
        folder: own.then(|| place.to_owned()),
        is_given: false,
        needs: Vec::new(),
        line,
    }
}

/// What a package asks for. Of what was installed from elsewhere, what it needs for its own development was not.
fn needs(place: &str, entry: &Entry<'_>, places: &Places<'_>) -> Vec<Need> {
    let own = !place.contains("node_modules/");
    let lists = [
        (&entry.dependencies, Scope::Runtime),
        (&entry.optional_dependencies, Scope::Optional),
        (&entry.peer_dependencies, Scope::Runtime),
    ];
    let development = own.then_some((&entry.dev_dependencies, Scope::Development));
    let mut needs = Vec::new();
    for (ranges, scope) in lists.into_iter().chain(development) {
        needs.extend(ranges.iter().filter_map(|(name, range)| {
            Some(Need {
                name: name.as_ref().to_owned(),
                range: serde_json::from_str(range.get()).or_none("a range that is no text refuses nothing that can be told"),
                scope,
                gets: visible(name, place, places)?,
            })
        }));
    }
    needs
}

/// The package of a name that Node.js finds from a place: in the `node_modules` folder inside of it, then in that of each folder above.
fn visible(name: &str, from: &str, places: &Places<'_>) -> Option<usize> {
    let mut folder = from;
    loop {
        let candidate = if folder.is_empty() {
            format!("node_modules/{name}")
        } else {
            format!("{folder}/node_modules/{name}")
        };
        // What lies there is found, also where it is a link of which nobody knows where it leads to.
        if let Some(place) = places.get(candidate.as_str()) {
            return place.package;
        }
        folder = match above(folder)? {
            // Never looked in: Node.js leaves out `node_modules/node_modules`.
            "node_modules" => "",
            inside => inside.strip_suffix("/node_modules").unwrap_or(inside),
        };
    }
}

fn above(folder: &str) -> Option<&str> {
    (!folder.is_empty()).then(|| folder.rsplit_once('/').map_or("", |(up, _)| up))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_one_folder_for_everybody() {
        for place in [
            "",
            "packages/a b",
            "../shared",
            "node_modules/a",
            "node_modules/@a/b",
            "a/node_modules/b.js",
        ] {
            assert!(is_a_place(place), "{place}");
        }
        for place in [
            "node_modules/./a",
            "node_modules\\a",
            "node_modules/ a",
            "node_modules/a/",
            "node_modules/a/../b",
            "node_modules/a/b",
            "./node_modules/a",
            "a//b",
            "a\nb",
        ] {
            assert!(!is_a_place(place), "{place}");
        }
    }

    #[test]
    fn a_place_that_is_nested_without_end_is_told_and_not_followed() {
        let place = format!("node_modules/{}b", "a/node_modules/".repeat(5_000));
        let needs: Vec<String> = (0..300).map(|n| format!("\"x{n}\": \"1\"")).collect();
        let text = format!(
            "{{\"lockfileVersion\": 3, \"packages\": {{\"{place}\": {{\"version\": \"1.0.0\", \"dependencies\": {{{}}}}}}}}}",
            needs.join(", ")
        );
        let lock = super::super::read_package_lock(&text);
        assert_eq!(lock.packages.len(), 1);
        assert_eq!(lock.troubles.len(), 1, "{:?}", lock.troubles);
    }
}
