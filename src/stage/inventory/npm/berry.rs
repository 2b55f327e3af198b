//! The lock file of yarn 2 and later: YAML, each entry with its `resolution`.

use std::collections::HashMap;

use crate::io::notation::yaml::{self, Entry};
use crate::io::notation::yarn::name_and_range;
use crate::model::coverage::GapKind;
use crate::model::inventory::{Component, Origin};

use super::super::Sink;
use super::graph;
use super::yarn_lock::ID;

/// Reads a file.
pub(super) fn read(text: &str, path: &str, sink: &mut dyn Sink) {
    let (document, troubles) = yaml::read(text);
    for trouble in troubles {
        sink.gap(GapKind::PartialDatabase, trouble);
    }
    let entries: Vec<&Entry<'_>> = document.entries.iter().filter(|entry| entry.key != "__metadata").collect();
    let patterns = entries
        .iter()
        .enumerate()
        .flat_map(|(at, entry)| entry.key.split(", ").map(move |pattern| (pattern, at)));
    let by_pattern: HashMap<&str, usize> = patterns.collect();
    let components: Vec<Option<Component>> = entries.iter().map(|entry| component(entry, path)).collect();
    for (entry, _) in entries.iter().zip(&components).filter(|(_, component)| component.is_none()) {
        let detail = format!("the entry at line {} names no package", entry.line);
        sink.gap(GapKind::PartialDatabase, detail);
    }
    let edges: Vec<Vec<(usize, bool)>> = entries.iter().map(|entry| needs(entry, &by_pattern)).collect();
    graph::connected(&components, &edges).into_iter().for_each(|c| sink.component(c));
}

/// What a package needs, and whether it may be left out.
fn needs(entry: &Entry<'_>, by_pattern: &HashMap<&str, usize>) -> Vec<(usize, bool)> {
    let meta = entry.get("dependenciesMeta");
    let optional = |name: &str| meta.and_then(|meta| meta.get(name)?.text("optional")) == Some("true");
    let needs = entry.get("dependencies").map(|list| list.entries.as_slice()).unwrap_or_default();
    needs
        .iter()
        .filter_map(|need| Some((resolve(&need.key, need.value.as_deref()?, by_pattern)?, optional(&need.key))))
        .collect()
}

/// Ranges are written with their protocol (`npm:^1`) since version 8 of the format, and without it before.
fn resolve(name: &str, range: &str, by_pattern: &HashMap<&str, usize>) -> Option<usize> {
    let find = |pattern: String| by_pattern.get(pattern.as_str()).copied();
    find(format!("{name}@{range}")).or_else(|| find(format!("{name}@npm:{range}")))
}

/// The package that `resolution` names: `a@npm:1.0.0`, `a@workspace:.`, `a@https://host/a.git#commit=…`, `a@patch:a@npm%3A1.0.0#…`.
fn component(entry: &Entry<'_>, path: &str) -> Option<Component> {
    let resolution = entry.text("resolution").or_else(|| entry.key.split(", ").next())?;
    let (name, from) = name_and_range(resolution)?;
    let (protocol, rest) = from.split_once(':').unwrap_or(("npm", from));
    let origin = match protocol {
        // A patched package is the published one with changes of one's own: it is looked up like that one.
        "npm" | "patch" => Origin::Registry,
        "workspace" | "link" | "portal" | "file" => Origin::Local,
        _ if rest.contains("#commit=") => Origin::Git(from.replace("#commit=", "#")),
        _ => super::origin(Some(from)),
    };
    let version = entry
        .text("version")
        .filter(|version| *version != "0.0.0-use.local")
        .unwrap_or_default();
    let mut component = super::component(name, version, origin, ID);
    component.locations = vec![super::line(path, entry.line)];
    Some(component)
}
