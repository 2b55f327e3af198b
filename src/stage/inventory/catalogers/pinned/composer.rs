//! Composer's `composer.lock`, and `vendor/composer/installed.json` of what it installed. Source: Composer's documentation.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use crate::model::inventory::{Origin, Scope};

use super::pin::{Pin, Pins};
use super::quoted_lines::QuotedLines;
use super::stand_ins;

pub(super) fn is_file(name: &str) -> bool {
    name == "composer.lock"
}

/// What an image or a tree has installed.
pub(super) fn is_installed(path: &str) -> bool {
    path == "vendor/composer/installed.json" || path.ends_with("/vendor/composer/installed.json")
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
    #[serde(default)]
    dist: Option<Dist>,
    #[serde(default)]
    require: Value,
    /// Packages that it is taken for, each with a version.
    #[serde(default)]
    replace: Value,
    /// The same, beside which those themselves may be there.
    #[serde(default)]
    provide: Value,
}

/// The names of an object, each with its text. PHP writes an empty one as a list.
fn named(object: &Value) -> impl Iterator<Item = (&String, &str)> {
    let entries = object.as_object().into_iter().flatten();
    entries.map(|(name, text)| (name, text.as_str().unwrap_or_default()))
}

#[derive(Deserialize)]
struct Dist {
    #[serde(default, rename = "type")]
    kind: String,
}

/// A list up to Composer 1, an object from Composer 2 on.
#[derive(Deserialize)]
#[serde(untagged)]
enum Installed {
    Packages(Vec<Package>),
    Document {
        packages: Vec<Package>,
        #[serde(default, rename = "dev-package-names")]
        development: BTreeSet<String>,
    },
}

pub(super) fn read(text: &str) -> Result<Pins, String> {
    let document: Document = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if document.packages.is_none() && document.development.is_none() {
        return Err("it has neither `packages` nor `packages-dev`".to_owned());
    }
    let mut found = Pins::default();
    let lists = [(document.packages, Scope::Runtime), (document.development, Scope::Development)];
    let all = || {
        lists
            .iter()
            .flat_map(|(packages, scope)| packages.iter().flatten().map(|package| (package, *scope)))
    };
    let mut lines = QuotedLines::new(text, all().map(|(package, _)| package.name.as_str()));
    let mut replaced = Vec::new();
    for (package, scope) in all() {
        let own = pin(package, scope, lines.next(&package.name));
        replaced.extend(stood_in_for(package, &own));
        found.pins.push(own);
    }
    add_needed(replaced, &mut found);
    Ok(found)
}

pub(super) fn read_installed(text: &str) -> Result<Pins, String> {
    let installed: Installed = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let (packages, development) = match installed {
        Installed::Packages(packages) => (packages, BTreeSet::new()),
        Installed::Document { packages, development } => (packages, development),
    };
    let mut found = Pins::default();
    let mut lines = QuotedLines::new(text, packages.iter().map(|package| package.name.as_str()));
    let mut replaced = Vec::new();
    for package in &packages {
        let scope = if development.contains(&package.name) {
            Scope::Development
        } else {
            Scope::Runtime
        };
        let own = pin(package, scope, lines.next(&package.name));
        replaced.extend(stood_in_for(package, &own));
        found.pins.push(own);
    }
    add_needed(replaced, &mut found);
    Ok(found)
}

/// The packages that a folder of the tree is taken for beside its own.
fn stood_in_for(package: &Package, own: &Pin) -> Vec<Pin> {
    let digits = |version: &str| version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    // What many packages provide and none is (`psr/log-implementation`) has no release.
    let provided = named(&package.provide).filter(|(name, _)| !name.ends_with("-implementation"));
    let replaced = named(&package.replace).chain(provided).filter(|_| own.origin == Origin::Local);
    let pins = replaced.map(|(name, version)| {
        let version = match version {
            "self.version" => own.version.as_str(),
            version if digits(version) => version,
            // A range of them.
            _ => "",
        };
        Pin {
            origin: Origin::Local,
            scope: own.scope,
            needs: own.needs.clone(),
            ..Pin::new(name, version, own.line)
        }
    });
    pins.collect()
}

/// Those that a published package needs, or one that stands in for such. Composer knows no case in names.
fn add_needed(mut replaced: Vec<Pin>, found: &mut Pins) {
    let needed = stand_ins::needed(found.pins.iter().chain(&replaced), str::to_lowercase);
    replaced.retain(|pin| needed.contains(&pin.name.to_lowercase()));
    found.pins.append(&mut replaced);
}

fn pin(package: &Package, scope: Scope, line: Option<u32>) -> Pin {
    let is_local = package.dist.as_ref().is_some_and(|dist| dist.kind == "path");
    let version = package.version.strip_prefix('v').unwrap_or(&package.version);
    Pin {
        origin: if is_local { Origin::Local } else { Origin::Registry },
        scope,
        needs: named(&package.require).map(|(name, _)| name.clone()).collect(),
        ..Pin::new(&*package.name, version, line)
    }
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

    #[test]
    fn what_is_installed_is_read_in_both_forms() {
        let second = "{\"packages\": [\n{\"name\": \"acme/evil\", \"version\": \"v1.0.0\", \"dist\": {\"type\": \"zip\"}},\n{\"name\": \"acme/t\", \"version\": \"2\"}], \"dev\": true, \"dev-package-names\": [\"acme/t\"]}";
        let development = Pin {
            scope: Scope::Development,
            ..Pin::new("acme/t", "2", Some(3))
        };
        assert_eq!(
            read_installed(second).expect("JSON").pins,
            [Pin::new("acme/evil", "1.0.0", Some(2)), development]
        );
        let first = "[{\"name\": \"acme/own\", \"version\": \"dev-main\", \"dist\": {\"type\": \"path\"}}]";
        let own = Pin {
            origin: Origin::Local,
            ..Pin::new("acme/own", "dev-main", Some(1))
        };
        assert_eq!(read_installed(first).expect("JSON").pins, [own]);
        assert!(read_installed("{}").is_err() && read("{}").is_err());
        assert!(is_installed("app/vendor/composer/installed.json") && !is_installed("composer/installed.json"));
    }
}
