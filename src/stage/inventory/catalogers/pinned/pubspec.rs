//! Pub's `pubspec.lock`. Source: dart.dev, "Pub".

use crate::io::lockfile::yaml;
use crate::model::inventory::{Origin, Scope};

use super::format::{Pin, Pins};

pub(super) fn is_file(name: &str) -> bool {
    name == "pubspec.lock"
}

pub(super) fn read(text: &str) -> Result<Pins, String> {
    let (document, troubles) = yaml::read(text);
    let mut found = Pins {
        pins: Vec::new(),
        troubles,
    };
    let packages = document
        .get("packages")
        .map(|packages| packages.entries.as_slice())
        .unwrap_or_default();
    for package in packages {
        let origin = match package.text("source") {
            Some("hosted") => Origin::Registry,
            Some("path") => Origin::Local,
            // Flutter's own packages have its version.
            Some("sdk") => continue,
            Some("git") => Origin::Git(
                package
                    .get("description")
                    .and_then(|d| d.text("url"))
                    .unwrap_or_default()
                    .to_owned(),
            ),
            _ => {
                found.troubles.push(format!(
                    "the package `{}` at line {} is from nowhere that is known",
                    package.key, package.line
                ));
                continue;
            }
        };
        let scope = match package.text("dependency") {
            Some("direct dev") => Scope::Development,
            _ => Scope::Runtime,
        };
        let version = package.text("version").unwrap_or_default();
        found.pins.push(Pin {
            origin,
            scope,
            ..Pin::new(package.key.clone(), version, Some(package.line))
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosted_packages_are_read() {
        let text = "packages:\n  evil:\n    dependency: \"direct main\"\n    description:\n      name: evil\n      url: \"https://example.org\"\n    source: hosted\n    version: \"1.0.0\"\n  flutter:\n    dependency: transitive\n    description: flutter\n    source: sdk\n    version: \"0.0.0\"\nsdks:\n  dart: \">=3.0.0\"\n";
        let read = read(text).expect("YAML");
        assert!(read.troubles.is_empty(), "{:?}", read.troubles);
        assert_eq!(read.pins, [Pin::new("evil", "1.0.0", Some(2))]);
    }
}
