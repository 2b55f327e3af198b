//! Versions 2 and 3 of npm's lock file, which list packages by their places and repeat every `package.json`.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::address;
use super::lock::{Identity, Need, NpmLock, Package};
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

/// What is installed at each place.
pub(super) type Places<'a> = HashMap<&'a str, Place>;

pub(super) struct Place {
    /// The package there, by its index; of a link, the package that it leads to, if that is listed.
    pub(super) package: Option<usize>,
    /// The version as the entry writes it.
    pub(super) version: Option<String>,
    pub(super) is_link: bool,
}

pub(super) fn read<'p>(packages: &'p BTreeMap<Cow<'_, str>, &RawValue>, lines: &Lines<'_>, lock: &mut NpmLock) -> Places<'p> {
    let mut places = Places::with_capacity(packages.len());
    let mut links: Vec<(&str, String)> = Vec::new();
    let mut entries: Vec<(&str, Entry<'_>)> = Vec::with_capacity(packages.len());
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
        let place = Place {
            package,
            version: entry.version.as_deref().map(str::to_owned),
            is_link: entry.link,
        };
        places.insert(at, place);
        if entry.link {
            links.push((at, entry.resolved.unwrap_or_default().into_owned()));
            continue;
        }
        let package = package_at(at, &entry, line);
        if package.origin != Origin::Local && package.identity.as_ref().is_some_and(|is| is.version.is_empty()) {
            lock.unread(format!("`{at}` at line {line} names no version"));
        }
        lock.packages.push(package);
        entries.push((at, entry));
    }
    for (at, target) in links {
        let package = places.get(target.as_str()).and_then(|place| place.package);
        if let Some(link) = places.get_mut(at) {
            link.package = package;
        }
    }
    for (package, (at, entry)) in lock.packages.iter_mut().zip(&entries) {
        package.needs = needs(at, entry, &places);
    }
    places
}

/// A package of the tree has its folder for a place.
fn package_at(place: &str, entry: &Entry<'_>, line: u32) -> Package {
    let (own, by_place) = match place.rsplit_once("node_modules/") {
        Some((_, name)) => (false, name),
        None => (true, place.rsplit('/').next().unwrap_or(place)),
    };
    let name = entry.name.as_deref().unwrap_or(by_place);
    let version = entry.version.as_deref().unwrap_or_default();
    let identity = match own {
        true => Identity {
            name: name.to_owned(),
            version: version.to_owned(),
        },
        false => address::served(name, version, entry.resolved.as_deref()),
    };
    Package {
        identity: (!name.is_empty()).then_some(identity),
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
        if let Some(package) = places.get(candidate.as_str()).and_then(|place| place.package) {
            return Some(package);
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
