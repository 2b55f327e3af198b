//! `pnpm-lock.yaml`, versions 5, 6 and 9, of one document or of several (pnpm 11 and later pin themselves in one of their own).
//!
//! Version 5 writes keys as `/name/version_peers`. //! Version 9 keeps what a package is (`packages`) apart from what it needs (`snapshots`) and says nothing of development: that follows from
//! what the importers need.

use std::collections::{HashMap, HashSet};

use crate::io::encoding;
use crate::io::notation::yaml::{self, Entry};
use crate::model::coverage::GapKind;
use crate::model::inventory::{Component, Origin, Scope};

use super::graph;
use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};

/// Reads the lock files of pnpm.
pub struct PnpmLock;

const ID: &str = "pnpm-lock";

impl Cataloger for PnpmLock {
    fn id(&self) -> &'static str {
        ID
    }

    fn version(&self) -> u32 {
        3
    }

    fn domain(&self) -> Domain {
        Domain::Source
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        if head.path.rsplit('/').next() == Some("pnpm-lock.yaml") {
            Want::Whole
        } else {
            Want::No
        }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        match encoding::decode(file.content) {
            Ok(text) => {
                for (document, troubles) in yaml::read_all(&text) {
                    for trouble in troubles {
                        sink.gap(GapKind::PartialDatabase, trouble);
                    }
                    read(&document, file.head.path, sink);
                }
            }
            Err(problem) => sink.gap(GapKind::PartialDatabase, problem),
        }
    }
}

fn read(document: &Entry<'_>, path: &str, sink: &mut dyn Sink) {
    for trouble in unclear(document) {
        sink.gap(GapKind::PartialDatabase, trouble);
    }
    let version = document.text("lockfileVersion").unwrap_or_default();
    if !["5.", "6.", "9."].iter().any(|known| version.starts_with(known)) {
        let said = if version.is_empty() {
            "none".to_owned()
        } else {
            format!("`{version}`")
        };
        sink.gap(
            GapKind::PartialDatabase,
            format!("lock file version {said} is not known (5, 6 and 9 are): packages may be missing"),
        );
    }
    let described = document.get("packages").map(|entry| entry.entries.as_slice()).unwrap_or_default();
    let snapshots = document.get("snapshots").map_or(described, |entry| entry.entries.as_slice());
    let descriptions: HashMap<&str, &Entry<'_>> = described.iter().map(|entry| (without_peers(key(entry)), entry)).collect();
    let installed: HashSet<&str> = snapshots.iter().map(|entry| without_peers(key(entry))).collect();
    let others = described.iter().filter(|entry| !installed.contains(without_peers(key(entry))));
    let nodes: Vec<Node<'_>> = snapshots
        .iter()
        .chain(others)
        .filter_map(|entry| node(entry, version.starts_with("5."), &descriptions, path, sink))
        .collect();
    let by_key: HashMap<&str, usize> = nodes.iter().enumerate().map(|(at, node)| (node.key, at)).collect();
    let edges: Vec<Vec<(usize, bool)>> = nodes.iter().map(|node| needs(node.entry, &by_key)).collect();
    for missing in missing(document, &nodes, &by_key) {
        sink.gap(GapKind::PartialDatabase, missing);
    }
    let scopes = graph::scopes(&roots(document, &by_key), &edges);
    for ((node, needed), scope) in nodes.iter().zip(&edges).zip(scopes) {
        let mut component = node.component.clone();
        component.scope = scope;
        component.dependencies = needed.iter().map(|(to, _)| nodes[*to].component.purl.clone()).collect();
        component.dependencies.sort();
        component.dependencies.dedup();
        sink.component(component);
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
fn missing(document: &Entry<'_>, nodes: &[Node<'_>], by_key: &HashMap<&str, usize>) -> Vec<String> {
    let importers: Vec<&Entry<'_>> = importers(document);
    let lists = importers
        .iter()
        .flat_map(|importer| LISTS.iter().filter_map(|(list, _)| importer.get(list)));
    let of_packages = nodes.iter().filter_map(|node| node.entry.get("dependencies"));
    let needs = lists.chain(of_packages).flat_map(|list| &list.entries);
    let is_local = |version: &str| ["link:", "workspace:", "file:"].iter().any(|local| version.starts_with(local));
    needs
        .filter_map(|need| {
            let version = need.text("version").or(need.value.as_deref()).unwrap_or_default();
            let lacks = !is_local(version) && resolve(&need.key, version, by_key).is_none();
            lacks.then(|| format!("`{} {version}`, needed at line {}, is not among the packages", need.key, need.line))
        })
        .collect()
}

struct Node<'a> {
    /// Without the leading `/` of version 6, with the peers in brackets.
    key: &'a str,
    entry: &'a Entry<'a>,
    component: Component,
}

/// Version 6 starts its keys with a slash.
fn key<'a>(entry: &'a Entry<'_>) -> &'a str {
    entry.key.strip_prefix('/').unwrap_or(&entry.key)
}

fn node<'a>(
    entry: &'a Entry<'a>,
    is_version_5: bool,
    descriptions: &HashMap<&str, &'a Entry<'a>>,
    path: &str,
    sink: &mut dyn Sink,
) -> Option<Node<'a>> {
    let key = key(entry);
    let bare = without_peers(key);
    let description = descriptions.get(bare).copied().unwrap_or(entry);
    let origin = origin(description);
    let by_key = if is_version_5 { of_version_5(bare) } else { name_and_version(bare) };
    let name = description.text("name").or(by_key.map(|(name, _)| name));
    let version = description
        .text("version")
        .or(by_key.map(|(_, version)| version))
        .unwrap_or_default();
    let Some(name) = name else {
        sink.gap(GapKind::PartialDatabase, format!("`{key}` at line {} names no package", entry.line));
        return None;
    };
    // A package from elsewhere has its address for a version.
    let version = if version.contains(':') { "" } else { version };
    let tarball = field(description, "tarball");
    let (name, version) = super::installed(name, version, tarball.as_deref());
    let mut component = super::component(&name, &version, origin, ID);
    component.locations = vec![super::line(path, description.line)];
    Some(Node { key, entry, component })
}

/// `a@1.0.0` of `a@1.0.0(b@2.0.0)`.
fn without_peers(key: &str) -> &str {
    key.split_once('(').map_or(key, |(bare, _)| bare)
}

fn name_and_version(key: &str) -> Option<(&str, &str)> {
    // A scope has one in front.
    let at = key.char_indices().skip(1).find(|(_, c)| *c == '@')?.0;
    Some((&key[..at], &key[at + 1..]))
}

/// `acorn-jsx` and `5.3.2` of `acorn-jsx/5.3.2_acorn@8.7.0`. A host may stand in front.
fn of_version_5(key: &str) -> Option<(&str, &str)> {
    // The version is the last part that starts with a digit before the peers; an underscore may be part of the name.
    let (before, version) = key.match_indices('/').rev().find_map(|(at, _)| {
        let version = key[at + 1..].split('_').next()?;
        let peers_before = key[..at]
            .split('/')
            .any(|part| part.starts_with(|c: char| c.is_ascii_digit()) && part.contains('_'));
        (version.starts_with(|c: char| c.is_ascii_digit()) && !peers_before).then_some((&key[..at], version))
    })?;
    let scoped = before.rfind("/@").map_or(before.starts_with('@').then_some(0), |at| Some(at + 1));
    let start = scoped.or_else(|| before.rfind('/').map(|at| at + 1)).unwrap_or(0);
    Some((&before[start..], version)).filter(|(name, _)| !name.is_empty())
}

/// A field of a package's `resolution`.
fn field(description: &Entry<'_>, name: &str) -> Option<String> {
    let resolution = description.get("resolution")?;
    let in_braces = resolution.value.as_deref().map(yaml::flow).unwrap_or_default();
    let on_one_line = in_braces
        .into_iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned());
    on_one_line.or_else(|| resolution.text(name).map(str::to_owned))
}

fn origin(description: &Entry<'_>) -> Origin {
    let resolution = description.get("resolution");
    let in_braces = resolution
        .and_then(|resolution| resolution.value.as_deref())
        .map(yaml::flow)
        .unwrap_or_default();
    let field = |name: &str| {
        let on_one_line = in_braces.iter().find(|(key, _)| key == name).map(|(_, value)| &**value);
        on_one_line.or_else(|| resolution.and_then(|resolution| resolution.text(name)))
    };
    match (field("type"), field("repo"), field("tarball")) {
        (Some("directory"), _, _) => Origin::Local,
        (_, Some(repository), _) => Origin::Git(format!("{repository}#{}", field("commit").unwrap_or_default())),
        (_, _, tarball) => super::origin(tarball),
    }
}

fn needs(entry: &Entry<'_>, by_key: &HashMap<&str, usize>) -> Vec<(usize, bool)> {
    let list = |name: &'static str, optional: bool| {
        let entries = entry.get(name).map(|list| list.entries.as_slice()).unwrap_or_default();
        entries
            .iter()
            .filter_map(move |need| Some((resolve(&need.key, need.value.as_deref()?, by_key)?, optional)))
    };
    list("dependencies", false).chain(list("optionalDependencies", true)).collect()
}

/// The package that `name: version` means; an alias has another package's key for a version.
fn resolve(name: &str, version: &str, by_key: &HashMap<&str, usize>) -> Option<usize> {
    let version = version.strip_prefix('/').unwrap_or(version);
    by_key
        .get(format!("{name}@{version}").as_str())
        .or_else(|| by_key.get(format!("{name}/{version}").as_str()))
        .or_else(|| by_key.get(version))
        .copied()
}

const LISTS: [(&str, Scope); 3] = [
    ("dependencies", Scope::Runtime),
    ("optionalDependencies", Scope::Optional),
    ("devDependencies", Scope::Development),
];

fn importers<'d, 'a>(document: &'d Entry<'a>) -> Vec<&'d Entry<'a>> {
    document
        .get("importers")
        .map_or_else(|| vec![document], |entry| entry.entries.iter().collect())
}

/// What the importers need; a file of version 6 with one importer has its lists at the top.
fn roots(document: &Entry<'_>, by_key: &HashMap<&str, usize>) -> Vec<(usize, Scope)> {
    let mut roots = Vec::new();
    for importer in importers(document) {
        for (list, scope) in LISTS {
            for need in importer.get(list).map(|list| list.entries.as_slice()).unwrap_or_default() {
                let version = need.text("version").or(need.value.as_deref()).unwrap_or_default();
                roots.extend(resolve(&need.key, version, by_key).map(|at| (at, scope)));
            }
        }
    }
    roots
}

#[cfg(test)]
mod tests {
    use super::{PnpmLock, name_and_version, of_version_5};
    use crate::stage::inventory::recorder::Recorder;

    #[test]
    fn keys_of_version_5_name_a_package_and_its_version() {
        for (key, expected) in [
            ("acorn-jsx/5.3.2_acorn@8.7.0", Some(("acorn-jsx", "5.3.2"))),
            ("@babel/core/7.1.0", Some(("@babel/core", "7.1.0"))),
            ("@babel/preset/7.1.0_@babel+core@7.1.0", Some(("@babel/preset", "7.1.0"))),
            ("lodash_x/1.0.0", Some(("lodash_x", "1.0.0"))),
            ("npm.example.org/a/1.0.0", Some(("a", "1.0.0"))),
            ("npm.example.org/@a/b/1.0.0", Some(("@a/b", "1.0.0"))),
            ("a", None),
        ] {
            assert_eq!(of_version_5(key), expected, "{key}");
        }
    }

    #[test]
    fn a_file_of_version_5_is_read_with_its_peers() {
        let text = "lockfileVersion: 5.4\n\nspecifiers:\n  acorn-jsx: ^5\n\ndependencies:\n  acorn-jsx: 5.3.2_acorn@8.7.0\n\npackages:\n\n  \
                    /acorn-jsx/5.3.2_acorn@8.7.0:\n    resolution: {integrity: sha512-AA==}\n    dependencies:\n      acorn: 8.7.0\n\n  \
                    /acorn/8.7.0:\n    resolution: {integrity: sha512-BB==}\n";
        let seen = Recorder::of(&PnpmLock, "pnpm-lock.yaml", text.as_bytes());
        assert!(seen.gaps.is_empty(), "{:?}", seen.gaps);
        assert_eq!(seen.purls(), ["pkg:npm/acorn-jsx@5.3.2", "pkg:npm/acorn@8.7.0"]);
        assert_eq!(seen.named("acorn-jsx").dependencies[0].name, "acorn");
    }

    #[test]
    fn a_need_that_is_not_among_the_packages_is_a_gap() {
        let text = |key: &str| {
            format!(
                "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a:\n        specifier: 1\n        version: 1.0.0\npackages:\n  {key}:\n    resolution: {{integrity: x}}\nsnapshots:\n  {key}: {{}}\n"
            )
        };
        assert_eq!(Recorder::of(&PnpmLock, "pnpm-lock.yaml", text("b@1.0.0").as_bytes()).gaps.len(), 1);
        assert!(
            Recorder::of(&PnpmLock, "pnpm-lock.yaml", text("a@1.0.0").as_bytes())
                .gaps
                .is_empty()
        );
    }

    #[test]
    fn a_name_ends_at_the_first_at_sign_behind_its_scope_whatever_letters_it_has() {
        for (key, expected) in [
            ("a@1.0.0", Some(("a", "1.0.0"))),
            ("@scope/a@1.0.0", Some(("@scope/a", "1.0.0"))),
            ("é@1.0.0", Some(("é", "1.0.0"))),
            ("é", None),
            ("@", None),
            ("", None),
        ] {
            assert_eq!(name_and_version(key), expected, "{key}");
        }
    }
}
