//! `pnpm-lock.yaml`, versions 6 and 9.
//!
//! Version 9 keeps what a package is (`packages`) apart from what it needs (`snapshots`) and says nothing of development: that follows from
//! what the importers need.

use std::collections::HashMap;

use crate::io::notation::yaml::{self, Entry};
use crate::model::coverage::GapKind;
use crate::model::inventory::{Component, Origin, Scope};

use super::super::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};
use super::graph;

/// Reads the lock files of pnpm.
pub struct PnpmLock;

const ID: &str = "pnpm-lock";

impl Cataloger for PnpmLock {
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
        if head.path.rsplit('/').next() == Some("pnpm-lock.yaml") {
            Want::Whole
        } else {
            Want::No
        }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        match std::str::from_utf8(file.content) {
            Ok(text) => read(text, file.head.path, sink),
            Err(error) => sink.gap(GapKind::PartialDatabase, format!("not UTF-8 from byte {} on", error.valid_up_to())),
        }
    }
}

fn read(text: &str, path: &str, sink: &mut dyn Sink) {
    let (document, troubles) = yaml::read(text);
    for trouble in troubles {
        sink.gap(GapKind::PartialDatabase, trouble);
    }
    let version = document.text("lockfileVersion").unwrap_or_default();
    if !(version.starts_with("6.") || version.starts_with("9.")) {
        let said = if version.is_empty() {
            "none".to_owned()
        } else {
            format!("`{version}`")
        };
        sink.gap(
            GapKind::PartialDatabase,
            format!("lock file version {said} is not known (6 and 9 are): packages may be missing"),
        );
    }
    let described = document.get("packages").map(|entry| entry.entries.as_slice()).unwrap_or_default();
    let snapshots = document.get("snapshots").map_or(described, |entry| entry.entries.as_slice());
    let descriptions: HashMap<&str, &Entry<'_>> = described.iter().map(|entry| (without_peers(key(entry)), entry)).collect();
    let nodes: Vec<Node<'_>> = snapshots
        .iter()
        .filter_map(|entry| node(entry, &descriptions, path, sink))
        .collect();
    let by_key: HashMap<&str, usize> = nodes.iter().enumerate().map(|(at, node)| (node.key, at)).collect();
    let edges: Vec<Vec<(usize, bool)>> = nodes.iter().map(|node| needs(node.entry, &by_key)).collect();
    let scopes = graph::scopes(&roots(&document, &by_key), &edges);
    for ((node, needed), scope) in nodes.iter().zip(&edges).zip(scopes) {
        let mut component = node.component.clone();
        component.scope = scope;
        component.dependencies = needed.iter().map(|(to, _)| nodes[*to].component.purl.clone()).collect();
        component.dependencies.sort();
        component.dependencies.dedup();
        sink.component(component);
    }
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

fn node<'a>(entry: &'a Entry<'a>, descriptions: &HashMap<&str, &'a Entry<'a>>, path: &str, sink: &mut dyn Sink) -> Option<Node<'a>> {
    let key = key(entry);
    let bare = without_peers(key);
    let description = descriptions.get(bare).copied().unwrap_or(entry);
    let origin = origin(description);
    let by_key = name_and_version(bare);
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
    let mut component = super::component(name, version, origin, ID);
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
        .or_else(|| by_key.get(version))
        .copied()
}

/// What the importers need; a file of version 6 with one importer has its lists at the top.
fn roots(document: &Entry<'_>, by_key: &HashMap<&str, usize>) -> Vec<(usize, Scope)> {
    let importers: Vec<&Entry<'_>> = document
        .get("importers")
        .map_or_else(|| vec![document], |entry| entry.entries.iter().collect());
    let lists = [
        ("dependencies", Scope::Runtime),
        ("optionalDependencies", Scope::Optional),
        ("devDependencies", Scope::Development),
    ];
    let mut roots = Vec::new();
    for importer in importers {
        for (list, scope) in lists {
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
    use super::name_and_version;

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
