//! Pipenv's `Pipfile.lock`. Source: Pipenv's documentation.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::inventory::{Origin, Scope};

use super::pin::{Pin, Pins};
use super::quoted_lines::QuotedLines;

pub(super) fn is_file(name: &str) -> bool {
    name == "Pipfile.lock"
}

#[derive(Deserialize)]
struct Document {
    #[serde(flatten)]
    categories: BTreeMap<String, serde_json::Value>,
}

pub(super) fn read(text: &str) -> Result<Pins, String> {
    let document: Document = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut found = Pins::default();
    let names = document
        .categories
        .values()
        .filter_map(serde_json::Value::as_object)
        .flat_map(serde_json::Map::keys);
    let lines = QuotedLines::new(text, names.map(String::as_str));
    for (category, packages) in document.categories.iter().filter(|(category, _)| *category != "_meta") {
        let packages = packages.as_object().ok_or_else(|| format!("`{category}` is not an object"))?;
        for (name, package) in packages {
            let field = |key: &str| package.get(key).and_then(serde_json::Value::as_str);
            let scope = if category == "default" {
                Scope::Runtime
            } else {
                Scope::Development
            };
            match (
                field("version").and_then(|version| version.strip_prefix("==")),
                field("git"),
                field("path"),
            ) {
                (Some(version), ..) => found.pins.push(Pin {
                    scope,
                    ..Pin::new(name, version, lines.key(name))
                }),
                // The file does not say who needs it: of any but the project itself it may be a published package that needs one of this name.
                (_, _, Some(path)) => found.pins.push(Pin {
                    scope,
                    origin: Origin::Local,
                    is_looked_up: !is_project(path),
                    ..Pin::new(name, "", None)
                }),
                _ => found
                    .troubles
                    .push(format!("the package `{name}` pins no version, so that it was not looked up")),
            }
        }
    }
    Ok(found)
}

/// The folder of the file.
pub(super) fn is_project(path: &str) -> bool {
    path.split('/').all(|part| matches!(part, "" | ".")) && !path.starts_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_may_stand_in_for_a_published_package_and_the_project_itself_does_not() {
        let text = r#"{"default": {"idna": {"path": "./v/idna"}, "app": {"editable": true, "path": "."}, "web": {"path": "./"}}}"#;
        let read = read(text).expect("JSON");
        let seen: Vec<_> = read.pins.iter().map(|pin| (pin.name.as_str(), pin.is_looked_up)).collect();
        assert_eq!(seen, [("app", false), ("idna", true), ("web", false)]);
        assert!(!is_project("/") && !is_project("../.") && is_project(""));
    }

    #[test]
    fn both_categories_are_read() {
        let text = r#"{"_meta": {"hash": {}}, "default": {"evil": {"version": "==1.0"}}, "develop": {"t": {"version": "==2"}, "g": {"git": "https://example.org/g", "ref": "abc"}}}"#;
        let read = read(text).expect("JSON");
        let seen: Vec<_> = read
            .pins
            .iter()
            .map(|pin| (pin.name.as_str(), pin.version.as_str(), pin.scope))
            .collect();
        assert_eq!(seen, [("evil", "1.0", Scope::Runtime), ("t", "2", Scope::Development)]);
        assert_eq!(read.troubles.len(), 1);
    }
}
