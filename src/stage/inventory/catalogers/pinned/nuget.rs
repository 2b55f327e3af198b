//! NuGet's `packages.lock.json`. Source: NuGet's "Locking dependencies".

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::pin::{Pin, Pins};
use super::quoted_lines::QuotedLines;
use super::stand_ins::without_version;

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
    #[serde(default)]
    dependencies: BTreeMap<String, IgnoredAny>,
}

pub(super) fn read(text: &str) -> Result<Pins, String> {
    let document: Document = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut found = Pins::default();
    let names = document.dependencies.values().flat_map(BTreeMap::keys).map(String::as_str);
    let lines = QuotedLines::new(text, names);
    for packages in document.dependencies.values() {
        // A project goes before a package of its name, whoever needs that. Names are one in any case.
        let published = packages.values().filter(|package| package.kind != "Project");
        let needed: HashSet<String> = published
            .flat_map(|package| package.dependencies.keys())
            .map(|name| name.to_ascii_lowercase())
            .collect();
        for (name, package) in packages {
            match package.resolved.as_ref().filter(|version| !version.is_empty()) {
                Some(version) => found.pins.push(Pin::new(name, version, lines.first(name))),
                None if package.kind == "Project" => {
                    if needed.contains(&name.to_ascii_lowercase()) {
                        found.troubles.push(without_version(name));
                    }
                }
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

    #[test]
    fn a_project_that_published_packages_get_for_what_they_need_is_told() {
        let of = |needed: &str| {
            let text = format!(
                r#"{{"dependencies": {{"net8.0": {{"Serilog": {{"type": "Direct", "resolved": "1.0.0", "dependencies": {{"{needed}": "13.0.1"}}}}, "newtonsoft.json": {{"type": "Project"}}}}}}}}"#
            );
            read(&text).expect("JSON").troubles.len()
        };
        assert_eq!((of("Newtonsoft.Json"), of("Other")), (1, 0));
    }
}
