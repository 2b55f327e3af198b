//! The lock file of yarn 2 and later: YAML, each entry with its `resolution`.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::io::notation::yaml::{self, Entry};
use crate::io::notation::yarn::name_and_range;
use crate::model::coverage::GapKind;
use crate::model::inventory::{Component, Origin};
use crate::model::purl;

use super::graph;
use crate::stage::inventory::cataloger::Sink;

pub(super) const ID: &str = "yarn-lock";

/// Reads a file.
pub(super) fn read(text: &str, path: &str, sink: &mut dyn Sink) {
    let (document, troubles) = yaml::read(text);
    for trouble in troubles {
        sink.gap(GapKind::PartialDatabase, trouble);
    }
    let entries: Vec<&Entry<'_>> = document.entries.iter().filter(|entry| entry.key != "__metadata").collect();
    let mut by_pattern = Patterns::new();
    for (at, entry) in entries.iter().enumerate() {
        for pattern in entry.key.split(", ") {
            by_pattern
                .entry(patched(pattern).map_or(pattern.into(), Cow::Owned))
                .or_default()
                .push(at);
        }
    }
    let components: Vec<Option<Component>> = entries.iter().map(|entry| component(entry, path)).collect();
    for (entry, _) in entries.iter().zip(&components).filter(|(_, component)| component.is_none()) {
        let detail = format!("the entry at line {} names no package", entry.line);
        sink.gap(GapKind::PartialDatabase, detail);
    }
    let edges: Vec<Vec<(usize, bool)>> = entries.iter().map(|entry| needs(entry, &by_pattern)).collect();
    graph::connected(&components, &edges).into_iter().for_each(|c| sink.component(c));
}

/// What each pattern stands for: the package, and the same with changes.
type Patterns<'a> = HashMap<Cow<'a, str>, Vec<usize>>;

/// `a@npm:^1` of `a@patch:a@npm%3A%5E1#…`: whoever needs the one gets the other, without saying so where yarn itself brings the changes.
fn patched(pattern: &str) -> Option<String> {
    let (_, from) = name_and_range(pattern)?;
    let inner = from.strip_prefix("patch:")?.split('#').next()?;
    purl::decode(inner)
}

/// What a package needs, and whether it may be left out.
fn needs(entry: &Entry<'_>, by_pattern: &Patterns<'_>) -> Vec<(usize, bool)> {
    let meta = entry.get("dependenciesMeta");
    let optional = |name: &str| meta.and_then(|meta| meta.get(name)?.text("optional")) == Some("true");
    let needs = entry.get("dependencies").map(|list| list.entries.as_slice()).unwrap_or_default();
    let found = needs.iter().filter_map(|need| {
        let may_be_left_out = optional(&need.key);
        let found = resolve(&need.key, need.value.as_deref()?, by_pattern)?;
        Some(found.iter().map(move |at| (*at, may_be_left_out)))
    });
    found.flatten().collect()
}

/// Ranges are written with their protocol (`npm:^1`) since version 8 of the format, and without it before.
fn resolve<'p>(name: &str, range: &str, by_pattern: &'p Patterns<'_>) -> Option<&'p [usize]> {
    let find = |pattern: String| by_pattern.get(pattern.as_str()).map(Vec::as_slice);
    // One's own patch is asked for by name.
    let pattern = format!("{name}@{range}");
    find(patched(&pattern).unwrap_or(pattern)).or_else(|| find(format!("{name}@npm:{range}")))
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

#[cfg(test)]
mod tests {
    use super::patched;

    #[test]
    fn a_patch_stands_for_what_it_changes() {
        let builtin = "fsevents@patch:fsevents@npm%3A~2.3.2#optional!builtin<compat/fsevents>";
        assert_eq!(patched(builtin).as_deref(), Some("fsevents@npm:~2.3.2"));
        assert_eq!(
            patched("a@patch:a@npm%3A%5E1.0.0#~/.yarn/patches/a.patch").as_deref(),
            Some("a@npm:^1.0.0")
        );
        assert_eq!(patched("a@npm:^1").as_deref(), None);
        assert_eq!(patched("a@patch:%zz%").as_deref(), Some("%zz%"));
    }
}
