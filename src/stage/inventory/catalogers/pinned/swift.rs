//! The Swift Package Manager's `Package.resolved`, versions 1 to 3. A package is named by the address of its repository.
//!
//! Source: its own writer; OSV's naming of the ecosystem SwiftURL.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::io::lockfile::lines::Lines;
use crate::model::inventory::Origin;

use super::format::{Pin, Pins};

pub(super) fn is_file(name: &str) -> bool {
    name == "Package.resolved"
}

#[derive(Deserialize)]
struct Document<'a> {
    version: u32,
    #[serde(borrow, default)]
    pins: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    object: Option<Object<'a>>,
}

#[derive(Deserialize)]
struct Object<'a> {
    #[serde(borrow)]
    pins: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(alias = "package")]
    identity: String,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default, alias = "repositoryURL")]
    location: String,
    state: State,
}

#[derive(Deserialize)]
struct State {
    #[serde(default)]
    version: Option<String>,
}

pub(super) fn read(text: &str) -> Result<Pins, String> {
    let document: Document<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let entries = match (document.version, document.object, document.pins) {
        (1, Some(object), None) => object.pins,
        (2 | 3, None, Some(pins)) => pins,
        (1..=3, ..) => return Err("it has no list of pins".to_owned()),
        (other, ..) => return Err(format!("version {other} of the format is not known (1 to 3 are)")),
    };
    let lines = Lines::new(text);
    let mut found = Pins::default();
    for raw in entries {
        let line = lines.of(raw.get());
        let entry: Entry = serde_json::from_str(raw.get()).map_err(|error| format!("the pin at line {line}: {error}"))?;
        let version = entry.state.version.filter(|version| !version.is_empty());
        let is_local = entry.kind.as_deref() == Some("localSourceControl") || entry.location.starts_with(['/', '.']);
        match (repository(&entry.location), version) {
            _ if is_local => found.pins.push(Pin {
                origin: Origin::Local,
                ..Pin::new(entry.identity, "", Some(line))
            }),
            (Some(name), Some(version)) => found.pins.push(Pin::new(name, version, Some(line))),
            (None, _) => found.troubles.push(format!(
                "`{}` at line {line} is not from a repository by its address, and advisories name packages by that",
                entry.identity
            )),
            (_, None) => found.troubles.push(format!(
                "`{}` at line {line} is pinned to a branch or a commit, so that its version is not known",
                entry.identity
            )),
        }
    }
    Ok(found)
}

/// `github.com/apple/swift-nio` of `https://github.com/apple/swift-nio.git` and `git@github.com:apple/swift-nio.git`.
fn repository(address: &str) -> Option<String> {
    let path = match address.split_once("://") {
        Some((_, rest)) => rest
            .split_once('@')
            .filter(|(user, _)| !user.contains('/'))
            .map_or(rest, |(_, rest)| rest)
            .to_owned(),
        None => address.split_once('@')?.1.replacen(':', "/", 1),
    };
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path).to_ascii_lowercase();
    path.contains('/').then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> (Vec<(String, String)>, usize) {
        let read = read(text).expect(text);
        (
            read.pins.into_iter().map(|pin| (pin.name, pin.version)).collect(),
            read.troubles.len(),
        )
    }

    #[test]
    fn packages_are_named_by_their_repositories_in_every_version_of_the_format() {
        let expected = (vec![("github.com/acme/evil".to_owned(), "1.0.0".to_owned())], 1);
        let first = r#"{"object": {"pins": [{"package": "Evil", "repositoryURL": "https://github.com/Acme/Evil.git", "state": {"branch": null, "revision": "ab", "version": "1.0.0"}},
            {"package": "B", "repositoryURL": "https://github.com/acme/b", "state": {"branch": "main", "revision": "ab", "version": null}}]}, "version": 1}"#;
        let second = r#"{"pins": [{"identity": "evil", "kind": "remoteSourceControl", "location": "git@github.com:acme/evil.git", "state": {"revision": "ab", "version": "1.0.0"}},
            {"identity": "mona.list", "kind": "registry", "location": "", "state": {"version": "1.0.0"}}], "version": 2}"#;
        assert_eq!(seen(first), expected);
        assert_eq!(seen(second), expected);
    }

    #[test]
    fn what_is_no_such_file_is_refused() {
        for text in [
            "",
            "{}",
            r#"{"version": 4, "pins": []}"#,
            r#"{"version": 1, "pins": []}"#,
            r#"{"version": 2, "pins": [{}]}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert_eq!(seen(r#"{"version": 3, "pins": []}"#), (Vec::new(), 0));
    }
}
