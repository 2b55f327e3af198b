//! Version 1 of npm's lock file, in which a package holds the packages that are installed inside of it.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::address;
use super::lock::{Need, NpmLock, Package};
use super::place::Places;
use crate::io::limits::Limits;
use crate::io::lockfile::Trouble;
use crate::io::lockfile::lines::Lines;
use crate::model::coverage::STANDS_IN;
use crate::model::excused::Excused as _;
use crate::model::inventory::{Origin, Scope};

type Entries<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow, default)]
    version: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    resolved: Option<Cow<'a, str>>,
    #[serde(default)]
    dev: bool,
    #[serde(default)]
    optional: bool,
    /// Names and ranges; `true` in the oldest files.
    #[serde(borrow, default)]
    requires: Option<&'a RawValue>,
    #[serde(borrow, default)]
    dependencies: Option<Entries<'a>>,
}

struct Node<'a> {
    /// Where it is installed: `node_modules/a/node_modules/b`.
    place: String,
    /// Its index among the packages of the lock file.
    package: Option<usize>,
    /// False for what the list of places has too.
    is_other: bool,
    is_local: bool,
    /// False where the file does not say what it needs.
    is_told: bool,
    requires: BTreeMap<String, &'a RawValue>,
    /// Index of the node that it is installed inside of.
    parent: Option<usize>,
    depth: usize,
    /// Indexes of the nodes that are installed inside of it.
    inside: HashMap<String, usize>,
}

/// Adds the packages that the list of places lacks, or has in another version; gives those at the top by their names.
/// `are_told` where the file tells who needs whom.
pub(super) fn read(
    (dependencies, are_told): (&Entries<'_>, bool),
    places: &Places<'_>,
    lines: &Lines<'_>,
    lock: &mut NpmLock,
) -> HashMap<String, usize> {
    let mut nodes: Vec<Node<'_>> = Vec::new();
    let mut top: HashMap<String, usize> = HashMap::new();
    let mut open: Vec<(Option<usize>, Cow<'_, str>, &RawValue)> =
        dependencies.iter().map(|(name, raw)| (None, name.clone(), *raw)).collect();
    while let Some((parent, name, raw)) = open.pop() {
        let line = lines.of(raw.get());
        let depth = parent.map_or(0, |parent| nodes[parent].depth + 1);
        let deepest = Limits::default().nesting;
        if depth > deepest {
            let detail = format!("`{name}` at line {line} is nested more than {deepest} deep");
            lock.troubles.push(Trouble::limit(detail));
            continue;
        }
        let entry: Entry<'_> = match serde_json::from_str(raw.get()) {
            Ok(entry) => entry,
            Err(error) => {
                lock.unread(format!("`{name}` at line {line}: {error}"));
                continue;
            }
        };
        let this = nodes.len();
        let siblings = parent.map_or(&mut top, |parent| &mut nodes[parent].inside);
        siblings.insert(name.clone().into_owned(), this);
        let place = match parent {
            Some(parent) => format!("{}/node_modules/{name}", nodes[parent].place),
            None => format!("node_modules/{name}"),
        };
        let package = package(&name, &entry, line, lock);
        let is_other = is_other(&place, &package, places);
        let known = places.get(place.as_str()).and_then(|place| place.package);
        let requires: Option<BTreeMap<String, &RawValue>> = match entry.requires {
            Some(raw) => serde_json::from_str(raw.get()).or_none("`true` in old files: who needs whom is not told"),
            None => Some(BTreeMap::new()),
        };
        nodes.push(Node {
            place,
            package: if is_other { Some(lock.packages.len()) } else { known },
            is_other,
            is_local: package.origin == Origin::Local,
            is_told: are_told && requires.is_some(),
            requires: requires.unwrap_or_default(),
            parent,
            depth,
            inside: HashMap::new(),
        });
        if is_other {
            lock.packages.push(package);
        }
        let inside = entry.dependencies.into_iter().flatten();
        open.extend(inside.map(|(name, raw)| (Some(this), name, raw)));
    }
    for (at, node) in nodes.iter().enumerate().filter(|(_, node)| node.is_other) {
        let needs = needs(at, &nodes, &top);
        if let Some(package) = node.package.and_then(|package| lock.packages.get_mut(package)) {
            package.needs = needs;
        }
    }
    if nodes.iter().any(|node| !node.is_local && !node.is_told) {
        nodes
            .iter()
            .filter(|node| node.is_local && node.is_other)
            .for_each(|node| may_stand_in(node, lock));
    }
    let top = top.into_iter();
    top.filter_map(|(name, node)| Some((name, nodes[node].package?))).collect()
}

/// A folder beside published packages of which the file does not say what they need: it may be that one of them gets it.
fn may_stand_in(node: &Node<'_>, lock: &mut NpmLock) {
    let Some(package) = node.package.and_then(|at| lock.packages.get_mut(at)) else {
        return;
    };
    package.is_given = package.identity.as_ref().is_some_and(|is| !is.version.is_empty());
    if !package.is_given {
        let line = package.line;
        lock.unread(format!(
            "`{}` at line {line} is a folder of which no version is told, and so is not who needs whom: it may be one that {STANDS_IN}",
            node.place.escape_debug()
        ));
    }
}

fn is_other(place: &str, package: &Package, places: &Places<'_>) -> bool {
    let Some(known) = places.get(place) else { return true };
    let version = package.identity.as_ref().map_or("", |is| is.version.as_str());
    let differs = |known: &str| !known.is_empty() && !version.is_empty() && known != version;
    !known.is_link && known.version.as_deref().is_some_and(differs)
}

fn needs(from: usize, nodes: &[Node<'_>], top: &HashMap<String, usize>) -> Vec<Need> {
    let requires = nodes[from].requires.iter();
    let needs = requires.filter_map(|(name, range)| {
        Some(Need {
            name: name.clone(),
            range: serde_json::from_str(range.get()).or_none("a range that is no text refuses nothing that can be told"),
            scope: Scope::Runtime,
            gets: nodes[visible(name, from, nodes, top)?].package?,
        })
    });
    needs.collect()
}

/// The node of a name that Node.js finds from inside of another.
fn visible(name: &str, from: usize, nodes: &[Node<'_>], top: &HashMap<String, usize>) -> Option<usize> {
    let mut at = Some(from);
    while let Some(node) = at.and_then(|at| nodes.get(at)) {
        if let Some(found) = node.inside.get(name) {
            return Some(*found);
        }
        at = node.parent;
    }
    top.get(name).copied()
}

fn package(name: &str, entry: &Entry<'_>, line: u32, lock: &mut NpmLock) -> Package {
    let version = entry.version.as_deref().unwrap_or_default();
    // An alias has the version `npm:name@1.0.0`, a package from elsewhere its address, one of the tree its folder.
    let (name, version) = version
        .strip_prefix("npm:")
        .and_then(|real| real.rsplit_once('@'))
        .unwrap_or((name, version));
    let (version, from) = if version.contains(':') {
        ("", Some(version))
    } else {
        (version, entry.resolved.as_deref())
    };
    Package {
        identity: lock.or_unread(line, address::served(name, version, from)),
        origin: address::origin(from),
        scope: match (entry.dev, entry.optional) {
            (true, _) => Scope::Development,
            (false, true) => Scope::Optional,
            (false, false) => Scope::Runtime,
        },
        license: None,
        folder: entry
            .version
            .as_deref()
            .and_then(|version| version.strip_prefix("file:"))
            .map(str::to_owned),
        is_given: false,
        needs: Vec::new(),
        line,
    }
}
