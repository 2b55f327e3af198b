//! Gradle's `gradle.lockfile`: `group:artifact:version=configuration,…`. Source: Gradle's "Locking dependency versions".

use crate::model::inventory::Scope;

use super::line_ends;
use super::pin::{Pin, Pins};

/// One file for all configurations; before Gradle 7, or where it is asked for, one for each in `gradle/dependency-locks`.
pub(super) fn is_file(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    matches!(name, "gradle.lockfile" | "buildscript-gradle.lockfile" | "settings-gradle.lockfile")
        || name.ends_with(".lockfile") && folder.ends_with("gradle/dependency-locks")
}

pub(super) fn read(text: &str) -> Result<Pins, String> {
    let mut found = Pins::default();
    for (at, line) in line_ends::of_java(text).map(str::trim).enumerate() {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        if line.is_empty() || line.starts_with('#') || line.starts_with("empty=") {
            continue;
        }
        let (coordinates, configurations) = line.split_once('=').unwrap_or((line, ""));
        let parts: Vec<&str> = coordinates.split(':').collect();
        let [group, artifact, version] = *parts else {
            found.troubles.push(format!("line {number} names no group, artifact and version"));
            continue;
        };
        let for_tests = !configurations.is_empty() && configurations.split(',').all(|name| name.to_ascii_lowercase().contains("test"));
        let scope = if for_tests { Scope::Development } else { Scope::Runtime };
        found.pins.push(Pin {
            scope,
            ..Pin::new(format!("{group}:{artifact}"), version, Some(number))
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_read_with_what_they_are_for() {
        let text = "# This is a Gradle generated file\norg.acme:a:1.0=runtimeClasspath,testRuntimeClasspath\njunit:junit:4.13=testRuntimeClasspath\nodd\nempty=annotationProcessor\n";
        let read = read(text).expect("text");
        let seen: Vec<_> = read
            .pins
            .iter()
            .map(|pin| (pin.name.as_str(), pin.version.as_str(), pin.scope, pin.line))
            .collect();
        let expected = [
            ("org.acme:a", "1.0", Scope::Runtime, Some(2)),
            ("junit:junit", "4.13", Scope::Development, Some(3)),
        ];
        assert_eq!((&*seen, read.troubles.len()), (&expected[..], 1));
    }

    #[test]
    fn a_lone_carriage_return_ends_a_comment() {
        let read = read("# x\rorg.acme:evil:1.0=compileClasspath\n").expect("text");
        assert_eq!(read.pins, [Pin::new("org.acme:evil", "1.0", Some(2))]);
    }
}
