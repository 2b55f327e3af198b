//! Version 1 of npm's lock file, in which a package holds the packages that are installed inside of it.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::io::limits::Limits;
use crate::model::coverage::GapKind;
use crate::model::excused::Excused as _;
use crate::model::inventory::{Component, Scope};

use super::lines::Lines;
use crate::stage::inventory::cataloger::Sink;

pub(super) const ID: &str = "package-lock";

type Packages<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

#[derive(Deserialize)]
struct Package<'a> {
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
    dependencies: Option<Packages<'a>>,
}

struct Node {
    /// Where it is installed: `node_modules/a/node_modules/b`.
    place: String,
    component: Component,
    requires: Vec<String>,
    /// Index of the package that it is installed inside of.
    parent: Option<usize>,
    depth: usize,
    /// Indexes of the packages that are installed inside of it.
    inside: HashMap<String, usize>,
}

/// Reads the packages of a file.
pub(super) fn read(dependencies: &Packages<'_>, lines: &Lines<'_>, path: &str, sink: &mut dyn Sink) {
    read_where(&|_, _| true, dependencies, lines, path, sink);
}

/// Reads those packages of a file of version 2 that its `packages` lacks, or has in another version.
pub(super) fn read_others(dependencies: &Packages<'_>, packages: &Packages<'_>, lines: &Lines<'_>, path: &str, sink: &mut dyn Sink) {
    let is_other = |place: &str, component: &Component| {
        let Some(raw) = packages.get(place) else { return true };
        let Ok(placed) = serde_json::from_str::<Placed<'_>>(raw.get()) else {
            return true;
        };
        let differs = |version: &str| !component.version.is_empty() && !version.is_empty() && version != component.version;
        !placed.link && placed.version.as_deref().is_some_and(differs)
    };
    read_where(&is_other, dependencies, lines, path, sink);
}

/// What of a package of `packages` is compared.
#[derive(Deserialize)]
struct Placed<'a> {
    #[serde(borrow, default)]
    version: Option<Cow<'a, str>>,
    #[serde(default)]
    link: bool,
}

fn read_where(
    is_wanted: &dyn Fn(&str, &Component) -> bool,
    dependencies: &Packages<'_>,
    lines: &Lines<'_>,
    path: &str,
    sink: &mut dyn Sink,
) {
    let mut nodes: Vec<Node> = Vec::new();
    let mut top: HashMap<String, usize> = HashMap::new();
    let mut open: Vec<(Option<usize>, Cow<'_, str>, &RawValue)> =
        dependencies.iter().map(|(name, raw)| (None, name.clone(), *raw)).collect();
    while let Some((parent, name, raw)) = open.pop() {
        let line = lines.of(raw.get());
        let depth = parent.map_or(0, |parent| nodes[parent].depth + 1);
        if depth > Limits::default().nesting {
            sink.gap(
                GapKind::LimitReached,
                format!("`{name}` at line {line} is nested more than {} deep", Limits::default().nesting),
            );
            continue;
        }
        let package: Package<'_> = match serde_json::from_str(raw.get()) {
            Ok(package) => package,
            Err(error) => {
                sink.gap(GapKind::PartialDatabase, format!("`{name}` at line {line}: {error}"));
                continue;
            }
        };
        let this = nodes.len();
        let siblings = parent.map_or(&mut top, |parent| &mut nodes[parent].inside);
        siblings.insert(name.clone().into_owned(), this);
        let requires = package.requires.and_then(|raw| {
            serde_json::from_str::<BTreeMap<String, IgnoredAny>>(raw.get()).or_none("`true` in old files: who needs whom is not told")
        });
        let place = match parent {
            Some(parent) => format!("{}/node_modules/{name}", nodes[parent].place),
            None => format!("node_modules/{name}"),
        };
        nodes.push(Node {
            place,
            component: component(&name, &package, line, path),
            requires: requires.unwrap_or_default().into_keys().collect(),
            parent,
            depth,
            inside: HashMap::new(),
        });
        open.extend(
            package
                .dependencies
                .into_iter()
                .flatten()
                .map(|(name, raw)| (Some(this), name, raw)),
        );
    }
    for at in 0..nodes.len() {
        if !is_wanted(&nodes[at].place, &nodes[at].component) {
            continue;
        }
        let needs = nodes[at].requires.iter().filter_map(|name| visible(name, at, &nodes, &top));
        let mut component = nodes[at].component.clone();
        component.dependencies = needs.map(|needed| nodes[needed].component.purl.clone()).collect();
        component.dependencies.sort();
        component.dependencies.dedup();
        sink.component(component);
    }
}

/// The package of a name that Node.js finds from inside of another.
fn visible(name: &str, from: usize, nodes: &[Node], top: &HashMap<String, usize>) -> Option<usize> {
    let mut at = Some(from);
    while let Some(node) = at.and_then(|at| nodes.get(at)) {
        if let Some(found) = node.inside.get(name) {
            return Some(*found);
        }
        at = node.parent;
    }
    top.get(name).copied()
}

fn component(name: &str, package: &Package<'_>, line: u32, path: &str) -> Component {
    let version = package.version.as_deref().unwrap_or_default();
    // An alias has the version `npm:name@1.0.0`, a package from elsewhere its address.
    let (name, version) = version
        .strip_prefix("npm:")
        .and_then(|real| real.rsplit_once('@'))
        .unwrap_or((name, version));
    let (version, from) = if version.contains(':') {
        ("", Some(version))
    } else {
        (version, package.resolved.as_deref())
    };
    let (name, version) = super::installed(name, version, from);
    let mut component = super::component(&name, &version, super::origin(from), ID);
    component.scope = match (package.dev, package.optional) {
        (true, _) => Scope::Development,
        (false, true) => Scope::Optional,
        (false, false) => Scope::Runtime,
    };
    component.locations = vec![super::line(path, line)];
    component
}
