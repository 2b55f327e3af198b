//! `package-lock.json` and `npm-shrinkwrap.json`, versions 1 to 3.
//!
//! Source: npm's package-lock.json(5). Versions 2 and 3 list packages by their place (`node_modules/a/node_modules/b`), version 1 nests them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::io::encoding;
use crate::model::coverage::GapKind;
use crate::model::excused::Excused as _;
use crate::model::inventory::{Component, Origin, Scope};
use crate::model::purl::Purl;

use super::lines::Lines;
use super::nested;
use super::nested::ID;
use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};

/// Reads the lock files of npm.
pub struct PackageLock;

impl Cataloger for PackageLock {
    fn id(&self) -> &'static str {
        ID
    }

    fn version(&self) -> u32 {
        2
    }

    fn domain(&self) -> Domain {
        Domain::Source
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        match head.path.rsplit('/').next() {
            Some("package-lock.json" | "npm-shrinkwrap.json") => Want::Whole,
            _ => Want::No,
        }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        if let Err(problem) = read(file, sink) {
            sink.gap(GapKind::PartialDatabase, problem);
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(default)]
    lockfile_version: Option<u32>,
    #[serde(borrow, default)]
    packages: Option<BTreeMap<Cow<'a, str>, &'a RawValue>>,
    #[serde(borrow, default)]
    dependencies: Option<BTreeMap<Cow<'a, str>, &'a RawValue>>,
}

/// A package of versions 2 and 3.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Package<'a> {
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
    dependencies: BTreeMap<Cow<'a, str>, &'a RawValue>,
    #[serde(borrow, default)]
    dev_dependencies: BTreeMap<Cow<'a, str>, &'a RawValue>,
    #[serde(borrow, default)]
    optional_dependencies: BTreeMap<Cow<'a, str>, &'a RawValue>,
    #[serde(borrow, default)]
    peer_dependencies: BTreeMap<Cow<'a, str>, &'a RawValue>,
}

fn read(file: &LayerFile<'_>, sink: &mut dyn Sink) -> Result<(), String> {
    let text = encoding::decode(file.content)?;
    let document: Document<'_> = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let lines = Lines::new(&text);
    match (document.packages, document.dependencies) {
        (Some(packages), Some(dependencies)) => {
            // npm 6 installs what version 2 repeats under `dependencies`, later ones what stands under `packages`.
            nested::read_others(&dependencies, &packages, &lines, file.head.path, sink);
            placed(&packages, &lines, file.head.path, sink);
        }
        (Some(packages), None) => placed(&packages, &lines, file.head.path, sink),
        (None, Some(dependencies)) => nested::read(&dependencies, &lines, file.head.path, sink),
        (None, None) if document.lockfile_version.is_none() => {
            return Err("it has no `lockfileVersion`, `packages` or `dependencies`".to_owned());
        }
        (None, None) => {}
    }
    match document.lockfile_version {
        Some(version) if version > 3 => Err(format!(
            "lock file version {version} is not known (1 to 3 are): packages may be missing"
        )),
        _ => Ok(()),
    }
}

fn placed(packages: &BTreeMap<Cow<'_, str>, &RawValue>, lines: &Lines<'_>, path: &str, sink: &mut dyn Sink) {
    let mut found: HashMap<&str, (Component, Package<'_>)> = HashMap::with_capacity(packages.len());
    let mut links: HashMap<&str, String> = HashMap::new();
    for (place, raw) in packages {
        let package: Package<'_> = match serde_json::from_str(raw.get()) {
            Ok(package) => package,
            Err(error) => {
                sink.gap(
                    GapKind::PartialDatabase,
                    format!("`{place}` at line {}: {error}", lines.of(raw.get())),
                );
                continue;
            }
        };
        if package.link {
            links.insert(place, package.resolved.unwrap_or_default().into_owned());
            continue;
        }
        let Some(component) = placed_component(place, &package, lines.of(raw.get()), path) else {
            continue;
        };
        if component.version.is_empty() && component.origin != Origin::Local {
            sink.gap(
                GapKind::PartialDatabase,
                format!("`{place}` at line {} names no version", lines.of(raw.get())),
            );
        }
        found.insert(place, (component, package));
    }
    let needs: Vec<(&str, Vec<Purl>)> = found
        .iter()
        .map(|(place, (_, package))| (*place, needs(place, package, &found, &links)))
        .collect();
    for (place, needs) in needs {
        if let Some((component, _)) = found.get_mut(place) {
            component.dependencies = needs;
        }
    }
    let mut places: Vec<&str> = found.keys().copied().collect();
    places.sort_unstable();
    for place in places {
        if let Some((component, _)) = found.remove(place) {
            sink.component(component);
        }
    }
}

/// The package at a place; none for a top without a name.
fn placed_component(place: &str, package: &Package<'_>, line: u32, path: &str) -> Option<Component> {
    let (own, by_place) = match place.rsplit_once("node_modules/") {
        Some((_, name)) => (false, name),
        None => (true, place.rsplit('/').next().unwrap_or(place)),
    };
    let name = package.name.as_deref().unwrap_or(by_place);
    if name.is_empty() {
        return None;
    }
    let origin = if own {
        Origin::Local
    } else {
        super::origin(package.resolved.as_deref())
    };
    let version = package.version.as_deref().unwrap_or_default();
    let (name, version) = match own {
        true => (Cow::Borrowed(name), Cow::Borrowed(version)),
        false => super::installed(name, version, package.resolved.as_deref()),
    };
    let mut component = super::component(&name, &version, origin, ID);
    component.scope = match (package.dev, package.optional || package.dev_optional) {
        (true, _) => Scope::Development,
        (false, true) => Scope::Optional,
        (false, false) => Scope::Runtime,
    };
    component.licenses = package
        .license
        .and_then(|raw| serde_json::from_str(raw.get()).or_none("a license of another shape is none that is known"))
        .into_iter()
        .collect();
    component.locations = vec![super::line(path, line)];
    Some(component)
}

/// What a package needs, found as Node.js finds it: beside the package's own parts, then beside each folder above.
fn needs(place: &str, package: &Package<'_>, found: &HashMap<&str, (Component, Package<'_>)>, links: &HashMap<&str, String>) -> Vec<Purl> {
    let development = place.is_empty().then_some(&package.dev_dependencies);
    let lists = [&package.dependencies, &package.optional_dependencies, &package.peer_dependencies];
    let mut needs: Vec<Purl> = lists
        .into_iter()
        .chain(development)
        .flat_map(BTreeMap::keys)
        .filter_map(|name| {
            let mut folder = Some(place);
            while let Some(at) = folder {
                let candidate = if at.is_empty() {
                    format!("node_modules/{name}")
                } else {
                    format!("{at}/node_modules/{name}")
                };
                let target = links.get(candidate.as_str()).unwrap_or(&candidate);
                if let Some((component, _)) = found.get(target.as_str()) {
                    return Some(component.purl.clone());
                }
                folder = above(at);
            }
            None
        })
        .collect();
    needs.sort();
    needs.dedup();
    needs
}

/// The folder whose `node_modules` is looked in next.
fn above(place: &str) -> Option<&str> {
    if place.is_empty() {
        return None;
    }
    Some(match place.rfind("/node_modules/") {
        Some(at) => &place[..at],
        None => "",
    })
}
