//! What a .NET program is built from: `*.deps.json` beside the program, and `project.assets.json` of a restored project.
//!
//! Source: .NET's "Runtime configuration files"; NuGet's `project.assets.json`. Both list `libraries` by `name/version`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::io::lockfile::lines::Lines;
use crate::model::inventory::Origin;

use super::pin::{Pin, Pins};

pub(super) fn is_file(name: &str) -> bool {
    name.ends_with(".deps.json") || name == "project.assets.json"
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    libraries: BTreeMap<Cow<'a, str>, &'a RawValue>,
    /// What each library needs, by framework and by the library's key.
    #[serde(borrow, default)]
    targets: BTreeMap<Cow<'a, str>, BTreeMap<Cow<'a, str>, Target<'a>>>,
}

#[derive(Deserialize)]
struct Target<'a> {
    #[serde(borrow, default)]
    dependencies: BTreeMap<Cow<'a, str>, IgnoredAny>,
}

#[derive(Deserialize)]
struct Library {
    #[serde(rename = "type")]
    kind: String,
}

pub(super) fn read(text: &str) -> Result<Pins, String> {
    let document: Document<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let lines = Lines::new(text);
    let mut found = Pins::default();
    for (key, raw) in &document.libraries {
        let line = lines.of(raw.get());
        let library: Library = serde_json::from_str(raw.get()).map_err(|error| format!("`{key}` at line {line}: {error}"))?;
        let Some((name, version)) = key
            .split_once('/')
            .filter(|(name, version)| !name.is_empty() && !version.is_empty())
        else {
            found.troubles.push(format!("`{key}` at line {line} is no package with a version"));
            continue;
        };
        let origin = match library.kind.to_ascii_lowercase().as_str() {
            // The program's own projects, and assemblies that its author has beside them.
            "project" | "msbuildproject" | "reference" | "referenceassembly" => Origin::Local,
            _ => Origin::Registry,
        };
        // What brings the runtime into a self-contained program is the package of that name.
        let name = name.strip_prefix("runtimepack.").unwrap_or(name);
        let targets = document.targets.values().filter_map(|libraries| libraries.get(key));
        let needs = targets
            .flat_map(|target| target.dependencies.keys())
            .map(|name| name.clone().into_owned());
        found.pins.push(Pin {
            origin,
            needs: needs.collect(),
            ..Pin::new(name, version, Some(line))
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_and_the_runtime_are_read_and_own_projects_told_apart() {
        let text = "{\"targets\": {}, \"libraries\": {\n\"App/1.0.0\": {\"type\": \"project\"},\n\"Evil/1.0.0\": {\"type\": \"package\", \"path\": \"evil/1.0.0\"},\n\
                    \"runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1\": {\"type\": \"runtimepack\"},\n\"odd\": {\"type\": \"package\"}}}";
        let read = read(text).expect("JSON");
        let own = Pin {
            origin: Origin::Local,
            ..Pin::new("App", "1.0.0", Some(2))
        };
        let runtime = Pin::new("Microsoft.NETCore.App.Runtime.linux-x64", "8.0.1", Some(4));
        assert_eq!(read.pins, [own, Pin::new("Evil", "1.0.0", Some(3)), runtime]);
        assert_eq!(read.troubles, ["`odd` at line 5 is no package with a version"]);
        assert!(super::read("{}").is_err());
    }
}
