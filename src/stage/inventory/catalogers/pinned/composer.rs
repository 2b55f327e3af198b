//! Composer's `composer.lock`. Source: Composer's documentation.

use serde::Deserialize;

use crate::model::inventory::Scope;

use super::format::{LineFinder, Pin, Pins};

pub(super) fn is_file(name: &str) -> bool {
    name == "composer.lock"
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    packages: Option<Vec<Package>>,
    #[serde(default, rename = "packages-dev")]
    development: Option<Vec<Package>>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
}

pub(super) fn read(text: &str) -> Result<Pins, String> {
    let document: Document = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut found = Pins::default();
    let mut lines = LineFinder::new(text);
    for (packages, scope) in [(document.packages, Scope::Runtime), (document.development, Scope::Development)] {
        for package in packages.into_iter().flatten() {
            let line = lines.next(&format!("\"{}\"", package.name));
            let version = package.version.strip_prefix('v').unwrap_or(&package.version);
            found.pins.push(Pin {
                scope,
                ..Pin::new(&*package.name, version, line)
            });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_lists_are_read() {
        let text = "{\"packages\": [\n{\"name\": \"acme/evil\", \"version\": \"v1.0.0\"}],\n\"packages-dev\": [{\"name\": \"acme/t\", \"version\": \"2\"}]}";
        let read = read(text).expect("JSON");
        let development = Pin {
            scope: Scope::Development,
            ..Pin::new("acme/t", "2", Some(3))
        };
        assert_eq!(read.pins, [Pin::new("acme/evil", "1.0.0", Some(2)), development]);
    }
}
