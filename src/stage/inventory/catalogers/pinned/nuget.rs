//! NuGet's `packages.lock.json`. Source: NuGet's "Locking dependencies".

use std::collections::BTreeMap;

use serde::Deserialize;

use super::format::{Pin, Pins};
use super::quoted_lines::QuotedLines;

pub(super) fn is_file(name: &str) -> bool {
    name == "packages.lock.json"
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    dependencies: BTreeMap<String, BTreeMap<String, Package>>,
}

#[derive(Deserialize)]
struct Package {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    resolved: Option<String>,
}

pub(super) fn read(text: &str) -> Result<Pins, String> {
    let document: Document = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut found = Pins::default();
    let names = document.dependencies.values().flat_map(BTreeMap::keys).map(String::as_str);
    let lines = QuotedLines::new(text, names);
    for packages in document.dependencies.values() {
        for (name, package) in packages {
            match package.resolved.as_ref().filter(|version| !version.is_empty()) {
                Some(version) => found.pins.push(Pin::new(name, version, lines.first(name))),
                None if package.kind == "Project" => {}
                None => found
                    .troubles
                    .push(format!("the package `{name}` pins no version, so that it was not looked up")),
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_all_frameworks_are_read() {
        let text = r#"{"version": 1, "dependencies": {"net8.0": {"Evil": {"type": "Direct", "requested": "[1.0, )", "resolved": "1.0.0"}, "own": {"type": "Project"}, "odd": {"type": "Transitive"}}}}"#;
        let read = read(text).expect("JSON");
        assert_eq!(read.pins, [Pin::new("Evil", "1.0.0", Some(1))]);
        assert_eq!(read.troubles.len(), 1);
    }
}
