//! `yarn.lock`: the format of yarn 1, and the YAML of later ones ([`super::yarn_berry`]).
//!
//! Neither says what is needed for development only: [`super::manifest`] does. What other packages need only as something that may be left out
//! is marked as such, which holds where the manifests do not need it themselves.

use std::collections::HashMap;

use crate::io::encoding;
use crate::io::notation::yarn::{self, Locked, name_and_range};
use crate::model::coverage::GapKind;
use crate::model::inventory::Component;

use super::yarn_berry::ID;
use super::{graph, yarn_berry};
use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};

/// Reads the lock files of yarn.
pub struct YarnLock;

impl Cataloger for YarnLock {
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
        if head.path.rsplit('/').next() == Some("yarn.lock") {
            Want::Whole
        } else {
            Want::No
        }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        match encoding::decode(file.content) {
            Ok(text) if text.lines().any(|line| line.starts_with("__metadata:")) => yarn_berry::read(&text, file.head.path, sink),
            Ok(text) => read(&text, file.head.path, sink),
            Err(problem) => sink.gap(GapKind::PartialDatabase, problem),
        }
    }
}

fn read(text: &str, path: &str, sink: &mut dyn Sink) {
    let (entries, odd) = yarn::read(text);
    for line in odd {
        sink.gap(GapKind::PartialDatabase, format!("line {line} is not of a form that is known"));
    }
    emit(&entries, path, sink);
}

fn emit(entries: &[Locked<'_>], path: &str, sink: &mut dyn Sink) {
    let by_pattern: HashMap<&str, usize> = entries
        .iter()
        .enumerate()
        .flat_map(|(at, entry)| entry.patterns.iter().map(move |p| (*p, at)))
        .collect();
    let edges: Vec<Vec<(usize, bool)>> = entries
        .iter()
        .map(|entry| {
            let needs = entry.needs.iter();
            needs
                .filter_map(|(name, range, optional)| Some((*by_pattern.get(format!("{name}@{range}").as_str())?, *optional)))
                .collect()
        })
        .collect();
    let components: Vec<Option<Component>> = entries.iter().map(|entry| component(entry, path)).collect();
    for (entry, _) in entries.iter().zip(&components).filter(|(_, component)| component.is_none()) {
        let detail = format!("the entry at line {} names no package or no version", entry.line);
        sink.gap(GapKind::PartialDatabase, detail);
    }
    graph::connected(&components, &edges).into_iter().for_each(|c| sink.component(c));
}

fn component(entry: &Locked<'_>, path: &str) -> Option<Component> {
    let pattern = entry.patterns.first()?;
    let (name, range) = name_and_range(pattern)?;
    let name = range
        .strip_prefix("npm:")
        .map_or(name, |real| name_and_range(real).map_or(real, |(name, _)| name));
    if entry.version.is_empty() {
        return None;
    }
    // A package from a folder is listed without an address.
    let address = entry
        .resolved
        .or(Some(range).filter(|range| range.starts_with("file:") || range.starts_with("link:")));
    let (name, version) = super::installed(name, entry.version, entry.resolved);
    let mut component = super::component(&name, &version, super::origin(address), ID);
    component.locations = vec![super::line(path, entry.line)];
    Some(component)
}
