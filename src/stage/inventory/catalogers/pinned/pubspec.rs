//! Pub's `pubspec.lock`. Source: dart.dev, "Pub".

use crate::io::lockfile::yaml;
use crate::model::inventory::{Origin, Scope};

use super::pin::{Pin, Pins};

pub(super) fn is_file(name: &str) -> bool {
    name == "pubspec.lock"
}

/// The packages that come with Flutter and Dart.
///
/// Source: the folders `packages` and `bin/cache/pkg` of Flutter, `pkg/_macros` of Dart.
const OF_SDKS: [&str; 14] = [
    "_macros",
    "flutter",
    "flutter_driver",
    "flutter_goldens",
    "flutter_goldens_client",
    "flutter_gpu",
    "flutter_localizations",
    "flutter_test",
    "flutter_tools",
    "flutter_web_plugins",
    "fuchsia_remote_debug_protocol",
    "integration_test",
    "sky_engine",
    "snippets",
];

pub(super) fn read(text: &str) -> Result<Pins, String> {
    let (document, troubles) = yaml::read(text);
    let mut found = Pins {
        troubles,
        ..Pins::default()
    };
    let packages = document
        .get("packages")
        .map(|packages| packages.entries.as_slice())
        .unwrap_or_default();
    for package in packages {
        let origin = match package.text("source") {
            Some("hosted") => Origin::Registry,
            Some("path") => Origin::Local,
            // They have the version of the program that brings them.
            Some("sdk") if OF_SDKS.contains(&&*package.key) => continue,
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
            // Only an override gives a published package a folder for what it needs: a name has one source otherwise. Pub writes `direct main` and
            // `direct dev` of what is overridden as well, if the project itself needs it.
            is_looked_up: origin == Origin::Local && package.text("dependency") != Some("transitive"),
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

    #[test]
    fn a_folder_that_may_override_what_others_need_is_looked_up() {
        let of = |dependency: &str| {
            let text = format!(
                "packages:\n  http:\n    dependency: \"{dependency}\"\n    description:\n      path: \"v/http\"\n      relative: true\n    source: path\n    version: \"0.13.0\"\n"
            );
            read(&text).expect("YAML").pins.remove(0)
        };
        for perhaps in ["direct overridden", "direct main", "direct dev"] {
            assert!(of(perhaps).is_looked_up, "{perhaps}");
        }
        assert!(!of("transitive").is_looked_up, "what a folder of the project needs");
        assert_eq!(of("direct main").origin, Origin::Local);
    }

    #[test]
    fn a_package_that_no_sdk_has_is_not_passed_over_as_if_one_had_it() {
        let of = |name: &str| read(&format!("packages:\n  {name}:\n    source: sdk\n    version: \"0.0.0\"\n")).expect("YAML");
        assert_eq!((of("evil").pins.len(), of("evil").troubles.len()), (0, 1));
        assert_eq!((of("flutter_test").pins.len(), of("flutter_test").troubles.len()), (0, 0));
    }
}
