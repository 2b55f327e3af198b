//! Conan's `conan.lock`: a list of references from Conan 2 on, a graph before. Source: Conan's documentation, "Lockfiles".

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::model::inventory::{Origin, Scope};

use super::pin::{Pin, Pins};
use super::quoted_lines::QuotedLines;

pub(super) fn is_file(name: &str) -> bool {
    name == "conan.lock"
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    graph_lock: Option<Graph>,
    #[serde(default)]
    requires: Option<Vec<Value>>,
    #[serde(default)]
    build_requires: Option<Vec<Value>>,
    #[serde(default)]
    python_requires: Option<Vec<Value>>,
    #[serde(default)]
    config_requires: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct Graph {
    nodes: BTreeMap<String, Node>,
}

#[derive(Deserialize)]
struct Node {
    #[serde(default, rename = "ref")]
    reference: Option<String>,
    /// Of the oldest files.
    #[serde(default)]
    pref: Option<String>,
    /// Of the project itself.
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    context: Option<String>,
}

pub(super) fn read(text: &str) -> Result<Pins, String> {
    let document: Document = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut references: Vec<(String, Scope)> = Vec::new();
    // Conan 2 reads the lists whatever else there is, Conan 1 the graph.
    let lists = [
        (document.requires, Scope::Runtime),
        (document.build_requires, Scope::Development),
        (document.python_requires, Scope::Development),
        (document.config_requires, Scope::Development),
    ];
    if document.graph_lock.is_none() && lists.iter().all(|(list, _)| list.is_none()) {
        return Err("it has neither `requires` nor `graph_lock`".to_owned());
    }
    for (list, scope) in lists {
        for entry in list.into_iter().flatten() {
            // With packages locked too, a reference is the first of two.
            let reference = entry.as_str().or_else(|| entry.get(0)?.as_str());
            references.push((reference.ok_or("a reference in it is no text")?.to_owned(), scope));
        }
    }
    references.extend(
        document
            .graph_lock
            .into_iter()
            .flat_map(|graph| graph.nodes.into_values().filter_map(of_node)),
    );
    let mut found = Pins::default();
    let lines = QuotedLines::new(text, references.iter().map(|(reference, _)| reference.as_str()));
    for (reference, scope) in &references {
        let line = lines.first(reference);
        match pin(reference) {
            Some((name, version, channel)) => found.pins.push(Pin {
                origin: channel.map_or(Origin::Registry, |channel| Origin::AlternateRegistry(channel.to_owned())),
                scope: *scope,
                ..Pin::new(name, version, line)
            }),
            None => {
                let at = line.map_or_else(String::new, |line| format!(" at line {line}"));
                found.troubles.push(format!("`{reference}`{at} names no package with a version"));
            }
        }
    }
    Ok(found)
}

/// The project itself and what has no reference is left out.
fn of_node(node: Node) -> Option<(String, Scope)> {
    let reference = node.pref.or(node.reference).filter(|_| node.path.is_none())?;
    let scope = match node.context.as_deref() {
        Some("build") => Scope::Development,
        _ => Scope::Runtime,
    };
    Some((reference, scope))
}

/// `name/version@user/channel#revision:package%time`: a user's package is not ConanCenter's.
fn pin(reference: &str) -> Option<(&str, &str, Option<&str>)> {
    let bare = reference.split(['#', '%', ':']).next()?;
    let (bare, channel) = match bare.split_once('@') {
        Some((bare, channel)) => (bare, Some(channel).filter(|channel| !matches!(*channel, "" | "_/_"))),
        None => (bare, None),
    };
    let (name, version) = bare.split_once('/')?;
    (!name.is_empty() && !version.is_empty() && !version.starts_with('[')).then_some((name, version, channel))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> (Vec<(String, String, Scope)>, usize) {
        let read = read(text).expect(text);
        (
            read.pins.into_iter().map(|pin| (pin.name, pin.version, pin.scope)).collect(),
            read.troubles.len(),
        )
    }

    #[test]
    fn references_of_both_formats_are_read() {
        let expected = vec![
            ("zlib".to_owned(), "1.2.13".to_owned(), Scope::Runtime),
            ("ninja".to_owned(), "1.11.1".to_owned(), Scope::Development),
        ];
        let second = "{\"version\": \"0.5\", \"requires\": [\n\"zlib/1.2.13#13c9%1667396813.733\"], \"build_requires\": [[\"ninja/1.11.1#a2f0\", {}]], \"python_requires\": []}";
        assert_eq!(seen(second), (expected.clone(), 0));
        let first = r#"{"version": "0.4", "graph_lock": {"nodes": {"0": {"ref": "app/1.0", "path": "/x/conanfile.py"}, "1": {"ref": "zlib/1.2.13"},
            "2": {"ref": "ninja/1.11.1", "context": "build"}, "3": {"options": ""}}}}"#;
        assert_eq!(seen(first), (expected, 0));
    }

    #[test]
    fn a_long_list_is_read_in_a_time_that_grows_with_its_length() {
        let references: Vec<String> = (0..60_000).map(|at| format!("\"package-{at}/1.0#abc\"")).collect();
        let begun = std::time::Instant::now();
        let read = read(&format!("{{\"requires\": [\n{}]}}", references.join(",\n"))).expect("JSON");
        assert_eq!((read.pins.len(), read.pins[59_999].line), (60_000, Some(60_001)));
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    }

    #[test]
    fn a_users_package_is_told_apart_and_what_pins_nothing_is_told() {
        let read = read(r#"{"requires": ["a/1@acme/stable", "b/1@_/_", "c/[>1]", "d"]}"#).expect("JSON");
        assert_eq!(read.pins[0].origin, Origin::AlternateRegistry("acme/stable".to_owned()));
        assert_eq!(read.pins[1].origin, Origin::Registry);
        assert_eq!(read.troubles.len(), 2);
        assert!(super::read("{}").is_err() && super::read("null").is_err());
    }

    #[test]
    fn every_list_counts_whatever_else_the_file_has() {
        for text in [
            r#"{"version": "0.5", "requires": ["evil/1.0.0"]}"#,
            r#"{"version": "0.5", "requires": ["evil/1.0.0"], "graph_lock": {"nodes": {}}}"#,
            r#"{"version": "0.5", "requires": [], "config_requires": ["evil/1.0.0"]}"#,
            r#"{"version": "0.5", "build_requires": ["evil/1.0.0"]}"#,
        ] {
            let read = read(text).expect(text);
            assert_eq!((read.pins.len(), read.troubles.len()), (1, 0), "{text}");
        }
        assert!(
            read(r#"{"version": "0.5", "requires": [], "graph_lock": {"nodes": {}}}"#)
                .expect("JSON")
                .pins
                .is_empty()
        );
    }
}
