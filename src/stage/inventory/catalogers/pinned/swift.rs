//! The Swift Package Manager's `Package.resolved`, versions 1 to 3. A package is named by the address of its repository.
//!
//! Source: its own writer; OSV's naming of the ecosystem SwiftURL.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::io::lockfile::lines::Lines;

use super::pin::{Pin, Pins};

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
            // Any package may get it for the one that it needs, and advisories name packages by the address of a repository.
            _ if is_local => found.troubles.push(format!(
                "`{}` at line {line} is a repository in a folder: of which published package it is a copy, if of any, is not told",
                entry.identity
            )),
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

/// `github.com/apple/swift-nio` of `https://github.com/apple/swift-nio.git` and `git@github.com:apple/swift-nio.git`. One repository has many addresses;
/// where it is not plain which one is meant there is none.
///
/// Source: git's "Git URLs"; the SSH-over-HTTPS hosts of GitHub, GitLab and Bitbucket.
fn repository(address: &str) -> Option<String> {
    let (scheme, rest) = address
        .split_once("://")
        .map_or((None, address), |(scheme, rest)| (Some(scheme), rest));
    let (authority, path) = match scheme {
        Some(_) => rest.split_once('/')?,
        // `user@host:path`
        None => rest
            .split_once('@')
            .filter(|(user, _)| !user.contains(['/', ':']))?
            .1
            .split_once(':')?,
    };
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match authority.split_once(':') {
        Some((host, "22" | "80" | "443" | "9418")) if scheme.is_some() => host,
        // Another port may be another server.
        Some(_) => return None,
        None => authority,
    };
    let host = host.to_ascii_lowercase();
    let host = host.trim_end_matches('.');
    let host = match host {
        "www.github.com" | "ssh.github.com" => "github.com",
        "www.gitlab.com" | "altssh.gitlab.com" => "gitlab.com",
        "www.bitbucket.org" | "altssh.bitbucket.org" => "bitbucket.org",
        host => host,
    };
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let path = parts.join("/").to_ascii_lowercase();
    let path = path.strip_suffix(".git").unwrap_or(&path);
    let is_plain = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'~' | b'+' | b'/'))
    };
    let steps = parts.iter().any(|part| matches!(*part, "." | ".."));
    let is_short = host == "github.com" && parts.len() != 2;
    (!host.is_empty() && !path.is_empty() && is_plain(host) && is_plain(path) && !steps && !is_short).then(|| format!("{host}/{path}"))
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

    #[test]
    fn one_repository_has_one_name_whatever_its_address_is() {
        for address in [
            "https://github.com/acme/evil",
            "https://GitHub.com:443/Acme/Evil.git/",
            "https://www.github.com/acme/evil",
            "https://github.com./acme//evil",
            "https://user:word@github.com/acme/evil",
            "ssh://git@github.com:22/acme/evil.git",
            "ssh://git@ssh.github.com:443/acme/evil.git",
            "git@github.com:/acme/evil.git",
        ] {
            assert_eq!(repository(address).as_deref(), Some("github.com/acme/evil"), "{address}");
        }
        assert_eq!(
            repository("https://git.example.org/a/b/c").as_deref(),
            Some("git.example.org/a/b/c")
        );
        for address in [
            "https://github.com/acme/evil?x",
            "https://github.com/acme/evil#x",
            "https://github.com/acme/%65vil",
            "https://github.com/acme/x/../evil",
            "https://github.com:8443/acme/evil",
            "https://github.com/evil",
            "https://github.com",
            "evil",
            "",
        ] {
            assert_eq!(repository(address), None, "{address}");
        }
    }
}
