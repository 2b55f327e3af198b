//! `package.json` of a source tree, beside a `yarn.lock`: yarn's lock file alone does not say what is needed to develop only.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::io::encoding;
use crate::io::lockfile::npm::{YARN_BY_HAND, scopes};
use crate::model::excused::Excused as _;
use crate::model::inventory::{Component, Origin, Scope};
use crate::model::purl::Purl;

use super::component::component;
use super::lock_files::YARN_LOCK;
use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};

/// Reads what a project says that it needs.
pub struct PackageManifest;

const NAME: &str = "package.json";

impl Cataloger for PackageManifest {
    fn id(&self) -> &'static str {
        "package-manifest"
    }

    fn version(&self) -> u32 {
        2
    }

    fn domain(&self) -> Domain {
        Domain::Source
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        if head.path.rsplit('/').next() == Some(NAME) {
            Want::Whole
        } else {
            Want::No
        }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        // Without it everything counts as shipped, so that nothing is missed; tests keep broken ones on purpose.
        let Ok(text) = encoding::decode(file.content) else { return };
        if let Ok(manifest) = serde_json::from_str::<Manifest<'_>>(&text) {
            sink.needs(manifest.needs());
        }
        if let Some(named) = serde_json::from_str::<Named<'_>>(&text).or_none("one without a name is no package's") {
            sink.manifest_of(&named.name, &named.version);
        }
    }
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    version: Cow<'a, str>,
}

type Names<'a> = BTreeMap<Cow<'a, str>, IgnoredAny>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    #[serde(borrow, default)]
    dependencies: Names<'a>,
    #[serde(borrow, default)]
    dev_dependencies: Names<'a>,
    #[serde(borrow, default)]
    optional_dependencies: Names<'a>,
}

impl Manifest<'_> {
    /// Each package with what it is needed for. What may be left out is often listed among the others too.
    fn needs(self) -> Vec<(String, Scope)> {
        let mut needs = BTreeMap::new();
        let lists = [
            (self.dev_dependencies, Scope::Development),
            (self.dependencies, Scope::Runtime),
            (self.optional_dependencies, Scope::Optional),
        ];
        for (names, scope) in lists {
            needs.extend(names.into_keys().map(|name| (name.into_owned(), scope)));
        }
        needs.into_iter().collect()
    }
}

/// Gives members of yarn's workspaces that published packages get for one that they need the version that their own manifests say: the lock file has
/// none. One whose manifest is not there (a lock file alone), or has no version, is taken for the tree's own.
pub(in crate::stage::inventory) fn version_members(components: &mut [Component], manifests: &[(&str, &str)]) {
    let mut renamed: HashMap<Purl, Purl> = HashMap::new();
    let is_open = |component: &&mut Component| {
        let is_yarns = [YARN_LOCK.id(), YARN_BY_HAND].contains(&component.cataloger.as_str());
        is_yarns && component.origin == Origin::Local && component.ecosystem.is_some() && component.version.is_empty()
    };
    for member in components.iter_mut().filter(is_open) {
        let said = manifests
            .iter()
            .filter(|(name, version)| *name == member.name && !version.is_empty());
        // Of several of one name the lowest: an advisory is mostly of older releases.
        let Some((name, version)) = said.min_by_key(|(_, version)| *version) else {
            member.ecosystem = None;
            member.root = true;
            continue;
        };
        let purl = component(name, version, Origin::Local, &member.cataloger).purl;
        renamed.insert(std::mem::replace(&mut member.purl, purl.clone()), purl);
        member.version = (*version).to_owned();
    }
    for needed in components.iter_mut().flat_map(|component| &mut component.dependencies) {
        if let Some(purl) = renamed.get(needed) {
            *needed = purl.clone();
        }
    }
}

/// Marks the packages of yarn's lock files with what they are needed for, by the manifests beside and below each lock file: those of its
/// workspaces are below. A name that a manifest needs stands for every version of it, so that no package is taken for less than it is;
/// without a manifest everything ships.
pub(in crate::stage::inventory) fn mark(components: &mut [Component], manifests: &[(&str, &[(String, Scope)])]) {
    let mut by_lock: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, component) in components
        .iter()
        .enumerate()
        .filter(|(_, c)| [YARN_LOCK.id(), YARN_BY_HAND].contains(&c.cataloger.as_str()))
    {
        if let Some(place) = component.locations.first() {
            by_lock.entry(folder(&place.path).to_owned()).or_default().push(at);
        }
    }
    let locks: Vec<String> = by_lock.keys().cloned().collect();
    for (lock, nodes) in by_lock {
        let below = manifests.iter().filter(|(path, _)| nearest(path, &locks) == Some(lock.as_str()));
        let needs: Vec<&(String, Scope)> = below.flat_map(|(_, needs)| needs.iter()).collect();
        mark_lock(components, &nodes, &needs);
    }
}

fn mark_lock(components: &mut [Component], nodes: &[usize], needs: &[&(String, Scope)]) {
    let locked: Vec<&Component> = nodes.iter().map(|at| &components[*at]).collect();
    let mut by_purl: HashMap<&Purl, Vec<usize>> = HashMap::new();
    for (node, package) in locked.iter().enumerate() {
        by_purl.entry(&package.purl).or_default().push(node);
    }
    // The lock file lists a workspace's needs without telling what for; its manifest is among the others.
    let is_workspace = |package: &Component| package.root && package.version.is_empty();
    let needs_of = |package: &&Component| -> Vec<(usize, bool)> {
        if is_workspace(package) {
            return Vec::new();
        }
        let needed = package.dependencies.iter().filter_map(|purl| by_purl.get(purl)).flatten();
        needed.map(|node| (*node, locked[*node].scope == Scope::Optional)).collect()
    };
    let edges: Vec<Vec<(usize, bool)>> = locked.iter().map(needs_of).collect();
    let mut roots: Vec<(usize, Scope)> = Vec::new();
    for (name, scope) in needs {
        let of_name = locked.iter().enumerate().filter(|(_, package)| package.name == *name);
        roots.extend(of_name.map(|(node, _)| (node, *scope)));
    }
    let scopes = scopes(&roots, &edges);
    for (at, scope) in nodes.iter().zip(scopes) {
        components[*at].scope = scope;
    }
}

/// The innermost folder with a lock file that a manifest lies in.
fn nearest<'l>(manifest: &str, locks: &'l [String]) -> Option<&'l str> {
    let holds = |lock: &&String| lock.is_empty() || folder(manifest) == lock.as_str() || manifest.starts_with(&format!("{lock}/"));
    locks.iter().filter(holds).max_by_key(|lock| lock.len()).map(String::as_str)
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::inventory::Location;
    use crate::stage::inventory::catalogers::npm::component::look_up;
    use crate::stage::inventory::recorder::Recorder;

    fn locked(name: &str, lock: &str, needs: &[&str]) -> Component {
        let mut component = component(name, "1.0.0", Origin::Registry, YARN_LOCK.id());
        component.locations = vec![Location::path(lock)];
        component.dependencies = needs.iter().map(|name| Purl::new("npm", name, "1.0.0")).collect();
        component
    }

    #[test]
    fn a_member_that_stands_in_for_a_published_package_has_the_version_of_its_manifest() {
        let member = || {
            let mut member = component("cookie-signature", "", Origin::Local, YARN_LOCK.id());
            look_up(&mut member);
            member
        };
        let mut express = locked("express", "yarn.lock", &[]);
        express.dependencies = vec![member().purl];
        let mut components = [member(), express];
        version_members(
            &mut components,
            &[("cookie-signature", "1.0.6"), ("cookie-signature", ""), ("other", "1")],
        );
        assert_eq!(components[0].purl.to_string(), "pkg:npm/cookie-signature@1.0.6");
        assert_eq!((components[0].version.as_str(), components[0].root), ("1.0.6", false));
        assert_eq!(components[1].dependencies, [components[0].purl.clone()]);
        // A lock file alone.
        let mut alone = [member()];
        version_members(&mut alone, &[]);
        assert!(alone[0].ecosystem.is_none() && alone[0].root);
    }

    #[test]
    fn what_only_development_needs_is_marked() {
        let mut components = [
            locked("app-dep", "web/yarn.lock", &["shared"]),
            locked("lint", "web/yarn.lock", &["shared", "glob"]),
            locked("shared", "web/yarn.lock", &[]),
            locked("glob", "web/yarn.lock", &[]),
            locked("maybe", "web/yarn.lock", &[]),
            locked("nobodys", "web/yarn.lock", &[]),
            locked("lint", "other/yarn.lock", &[]),
        ];
        let own = [("app-dep".to_owned(), Scope::Runtime), ("lint".to_owned(), Scope::Development)];
        let workspace = [("maybe".to_owned(), Scope::Optional)];
        mark(
            &mut components,
            &[("web/package.json", &own), ("web/packages/a/package.json", &workspace)],
        );
        let scopes: Vec<Scope> = components.iter().map(|c| c.scope).collect();
        use Scope::{Development, Optional, Runtime};
        assert_eq!(scopes, [Runtime, Development, Runtime, Development, Optional, Runtime, Runtime]);
    }

    #[test]
    fn a_manifest_belongs_to_the_innermost_lock_file() {
        let locks = ["".to_owned(), "a".to_owned(), "a/b".to_owned()];
        assert_eq!(nearest("a/b/package.json", &locks), Some("a/b"));
        assert_eq!(nearest("a/bc/package.json", &locks), Some("a"));
        assert_eq!(nearest("package.json", &locks), Some(""));
        assert_eq!(nearest("x/package.json", &locks[1..]), None);
    }

    #[test]
    fn the_lists_of_a_manifest_are_read() {
        let text = br#"{"name":"x","dependencies":{"a":"1","o":"1"},"devDependencies":{"b":"1","a":"1"},"optionalDependencies":{"o":"1"}}"#;
        let seen = Recorder::of(&PackageManifest, "package.json", text);
        let names: Vec<(&str, Scope)> = seen.needs.iter().map(|(name, scope)| (name.as_str(), *scope)).collect();
        assert_eq!(names, [("a", Scope::Runtime), ("b", Scope::Development), ("o", Scope::Optional)]);
    }
}
