//! Local copies that stand in for published crates: by `[patch]` and `[replace]`, or because a manifest needs the crate from elsewhere. `Cargo.lock`
//! lists such a copy as it lists the workspace's own, without a source.
//!
//! Source: the Cargo book, "Overriding dependencies" and "Configuration" (`patch`).

use std::collections::{HashMap, HashSet};

use crate::io::cargo_replaced::{from_elsewhere, replaced};
use crate::io::encoding;
use crate::model::coverage::{Gap, GapKind};
use crate::model::inventory::{Component, Ecosystem, Origin};
use crate::model::purl::Purl;

use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};
use crate::stage::inventory::image::facts::{FileFacts, LayerFacts};

/// How a gap of a manifest that is no TOML begins.
const UNREAD: &str = "which crates it replaces cannot be told";

/// Reads which crates a workspace replaces.
pub(in crate::stage::inventory) struct CargoPatch;

impl Cataloger for CargoPatch {
    fn id(&self) -> &'static str {
        "cargo-patch"
    }

    fn version(&self) -> u32 {
        5
    }

    fn domain(&self) -> Domain {
        Domain::Source
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        if root_of(head.path).is_some() { Want::Whole } else { Want::No }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        let Ok(text) = encoding::decode(file.content) else { return };
        match text.parse::<toml::Table>() {
            Ok(manifest) => {
                let mut names = replaced(&manifest);
                if is_manifest(file.head.path) {
                    names.extend(from_elsewhere(&manifest));
                    let package = |key: &str| manifest.get("package").and_then(|package| package.get(key)?.as_str());
                    if let Some(name) = package("name") {
                        sink.manifest_of(name, package("version").unwrap_or_default());
                    }
                }
                sink.stands_in(names);
            }
            // Tests keep broken manifests on purpose; one that speaks of replacements is in question.
            Err(error) if text.contains("[patch") || text.contains("[replace") => {
                sink.gap(GapKind::PartialDatabase, format!("{UNREAD}: {}", error.message()));
            }
            Err(_) => {}
        }
    }
}

fn is_manifest(path: &str) -> bool {
    path.rsplit('/').next() == Some("Cargo.toml")
}

/// The folder that a manifest lies in, or a configuration speaks of.
fn root_of(path: &str) -> Option<&str> {
    let folder = |name: &str| match path.strip_suffix(name)? {
        "" => Some(""),
        folder => folder.strip_suffix('/'),
    };
    folder("Cargo.toml")
        .or_else(|| folder(".cargo/config.toml"))
        .or_else(|| folder(".cargo/config"))
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// True for a folder and all that is below it.
fn is_within(folder: &str, above: &str) -> bool {
    above.is_empty() || folder == above || folder.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
}

/// Takes back that a manifest cannot be read where no lock file lies beside it: cargo takes replacements from a workspace's own manifest alone.
pub(in crate::stage::inventory) fn drop_of_no_workspace(facts: &LayerFacts, gaps: &mut Vec<Gap>) {
    let is_root = |path: &str| {
        let lock = path.strip_suffix("Cargo.toml").map(|folder| format!("{folder}Cargo.lock"));
        lock.is_none_or(|lock| facts.paths.at(lock.as_bytes()).no_folder())
    };
    gaps.retain(|gap| !gap.detail.starts_with(UNREAD) || is_root(&gap.subject));
}

/// Looks local crates that stand in for published ones up like those. A configuration speaks of every lock file at or below its folder; a manifest
/// of the one beside it, and of each that lists its package, wherever it lies (cargo passes over a stray lock file in a member's folder); one without a
/// package, a workspace's, of what the packages below it speak of. A local package whose manifest is not in the tree (it lies outside of it, or behind
/// a link) does not say where what it needs lies: all local packages that it needs are looked up. Of a lock file without its workspace's manifest
/// nobody can tell, and what is local is the workspace's own.
pub(in crate::stage::inventory) fn mark(components: &mut [Component], facts: &LayerFacts) {
    let is_local = |component: &Component| component.origin == Origin::Local && component.purl.kind == "cargo";
    let manifests: Vec<Manifest<'_>> = facts
        .files
        .iter()
        .filter(|file| is_manifest(&file.path))
        .map(Manifest::of)
        .collect();
    let roots: HashSet<&str> = manifests.iter().map(|manifest| manifest.folder).collect();
    // Every local package of a lock file, by the folder of that file; and what is needed by one that has no manifest here.
    let mut locked: HashMap<&str, Vec<&Component>> = HashMap::new();
    let mut needed_by_unseen: HashSet<(&str, &Purl)> = HashSet::new();
    for component in components.iter().filter(|component| is_local(component)) {
        let is_unseen = !manifests.iter().any(|manifest| manifest.is_of(component));
        for lock in component.locations.iter().map(|place| folder_of(&place.path)) {
            locked.entry(lock).or_default().push(component);
            if is_unseen && roots.contains(lock) {
                needed_by_unseen.extend(component.dependencies.iter().map(|needed| (lock, needed)));
            }
        }
    }
    let mut spoken_of: HashSet<(&str, &str)> = HashSet::new();
    for (lock, packages) in &locked {
        let lists = |manifest: &Manifest<'_>| packages.iter().any(|package| manifest.is_of(package));
        let speaks = |manifest: &&Manifest<'_>| {
            manifest.folder == *lock
                || match manifest.package {
                    Some(_) => lists(manifest),
                    None => manifests
                        .iter()
                        .any(|below| is_within(below.folder, manifest.folder) && lists(below)),
                }
        };
        let of_manifests = manifests.iter().filter(speaks).flat_map(|manifest| manifest.stands_in);
        let configurations = facts.files.iter().filter(|file| !is_manifest(&file.path));
        let above = configurations.filter(|file| root_of(&file.path).is_some_and(|root| is_within(lock, root)));
        let names = of_manifests.chain(above.flat_map(|file| &file.stands_in));
        spoken_of.extend(names.map(|name| (*lock, name.as_str())));
    }
    let stands_in = |component: &Component| {
        let mut locks = component.locations.iter().map(|place| folder_of(&place.path));
        is_local(component)
            && locks.any(|lock| needed_by_unseen.contains(&(lock, &component.purl)) || spoken_of.contains(&(lock, component.name.as_str())))
    };
    let mut found: Vec<bool> = components.iter().map(stands_in).collect();
    add_what_they_need(components, &mut found);
    for (component, _) in components.iter_mut().zip(found).filter(|(_, stands_in)| *stands_in) {
        component.root = false;
        component.ecosystem = Some(Ecosystem::new(Ecosystem::CRATES));
    }
}

/// Adds the local crates that one needs which stands in for a published crate, by the same lock file: as that does, it needs published ones.
fn add_what_they_need(components: &[Component], found: &mut [bool]) {
    let mut local: HashMap<(&Purl, &str), Vec<usize>> = HashMap::new();
    for (at, component) in components.iter().enumerate() {
        let is_local = component.origin == Origin::Local && component.purl.kind == "cargo";
        for place in component.locations.iter().filter(|_| is_local) {
            local.entry((&component.purl, place.path.as_str())).or_default().push(at);
        }
    }
    let is_one = |(at, component): &(usize, &Component)| found[*at] || component.origin == Origin::Local && component.ecosystem.is_some();
    let mut open: Vec<usize> = components.iter().enumerate().filter(is_one).map(|(at, _)| at).collect();
    while let Some(component) = open.pop().map(|at| &components[at]) {
        let pairs = component.locations.iter().flat_map(|place| {
            let needed = component.dependencies.iter();
            needed.map(|needed| (needed, place.path.as_str()))
        });
        for at in pairs.filter_map(|pair| local.get(&pair)).flatten() {
            if !std::mem::replace(&mut found[*at], true) {
                open.push(*at);
            }
        }
    }
}

/// A manifest of the tree.
struct Manifest<'f> {
    folder: &'f str,
    /// Its package's name and version; an inherited version is empty.
    package: Option<(&'f str, &'f str)>,
    stands_in: &'f [String],
}

impl<'f> Manifest<'f> {
    fn of(file: &'f FileFacts) -> Self {
        Self {
            folder: folder_of(&file.path),
            package: file.manifest_of.as_ref().map(|(name, version)| (name.as_str(), version.as_str())),
            stands_in: &file.stands_in,
        }
    }

    fn is_of(&self, component: &Component) -> bool {
        let is_its = |(name, version): (&str, &str)| name == component.name && (version.is_empty() || version == component.version);
        self.package.is_some_and(is_its)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::inventory::Location;

    #[test]
    fn folders_are_told_by_whole_names() {
        assert!(is_within("a/b", "a") && is_within("a", "a") && is_within("a", "") && !is_within("ab", "a") && !is_within("a", "a/b"));
    }

    #[test]
    fn what_a_stand_in_needs_stands_in_by_the_same_lock_file() {
        let component = |name: &str, lock: &str, needs: &[&str]| {
            let purl = |name: &str| Purl::new("cargo", name, "1.0.0");
            let mut component = Component::new(purl(name), None, "cargo-lock");
            component.origin = Origin::Local;
            component.locations = vec![Location::path(lock)];
            component.dependencies = needs.iter().map(|name| purl(name)).collect();
            component
        };
        let components = [
            component("svc", "Cargo.lock", &["fork"]),
            component("fork", "Cargo.lock", &["part"]),
            component("part", "Cargo.lock", &["deep"]),
            component("deep", "Cargo.lock", &["fork"]),
            component("part", "other/Cargo.lock", &[]),
        ];
        let found = |first: [bool; 5]| {
            let mut found = first;
            add_what_they_need(&components, &mut found);
            found
        };
        assert_eq!(found([false, true, false, false, false]), [false, true, true, true, false]);
        assert_eq!(found([false; 5]), [false; 5], "the control");
    }

    #[test]
    fn a_manifest_and_a_configuration_speak_of_the_lock_file_beside() {
        assert_eq!(root_of("svc/Cargo.toml"), Some("svc"));
        assert_eq!(root_of(".cargo/config.toml"), Some(""));
        assert_eq!(root_of("my-Cargo.toml"), None);
    }
}
