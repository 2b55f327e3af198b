//! Deno's `deno.lock`, versions 2 to 5. Packages of npm are read; those of JSR and modules by address are told: no advisory names them.
//!
//! It does not say what is for developing: Deno writes a `package.json`'s `devDependencies` among its `dependencies`, so that everything ships. A folder
//! takes the place of a package by `links` (`patch` in older releases) alone; members of a workspace and `file:` do not, and have no entry.
//!
//! Source: Deno's documentation of integrity checking, and its crate `deno_lockfile`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::io::lockfile::lines::Lines;
use crate::model::inventory::Origin;

use super::pin::{Pin, Pins};

pub(super) fn is_file(name: &str) -> bool {
    name == "deno.lock"
}

type Entries<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Document<'a> {
    #[serde(borrow)]
    version: Option<Cow<'a, str>>,
    #[serde(borrow)]
    npm: Entries<'a>,
    #[serde(borrow)]
    jsr: Entries<'a>,
    #[serde(borrow)]
    remote: Entries<'a>,
    /// Of version 3, which has `npm` and `jsr` in here.
    #[serde(borrow)]
    packages: Option<Packages<'a>>,
    #[serde(borrow)]
    workspace: Workspace<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Workspace<'a> {
    /// Folders in the place of packages, by their specifiers: `npm:name@1.0.0`.
    #[serde(borrow)]
    links: Entries<'a>,
    /// The same as older releases write it.
    #[serde(borrow)]
    patches: Entries<'a>,
}

impl Workspace<'_> {
    fn links(&self, name: &str, version: &str) -> bool {
        let specifier = format!("npm:{name}@{version}");
        [&self.links, &self.patches].iter().any(|links| links.contains_key(&*specifier))
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Packages<'a> {
    #[serde(borrow)]
    npm: Entries<'a>,
    #[serde(borrow)]
    jsr: Entries<'a>,
}

/// Of version 5: an address where the package is not from npm's own registry.
#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow, default)]
    tarball: Option<Cow<'a, str>>,
}

pub(super) fn read(text: &str) -> Result<Pins, String> {
    let document: Document<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let inner: Packages<'_>;
    let (npm, jsr) = match document.version.as_deref() {
        // Version 2 has its packages one level further in.
        Some("2") => match document.npm.get("packages") {
            Some(packages) => {
                let npm = serde_json::from_str(packages.get()).map_err(|error| error.to_string())?;
                inner = Packages { npm, jsr: Entries::new() };
                (&inner.npm, &inner.jsr)
            }
            None => (&document.npm, &document.jsr),
        },
        Some("3") => {
            inner = document.packages.unwrap_or_default();
            (&inner.npm, &inner.jsr)
        }
        Some("4" | "5") => (&document.npm, &document.jsr),
        Some(other) => return Err(format!("lock file version {other} is not known (2 to 5 are)")),
        None => return Err("it names no version of the format".to_owned()),
    };
    let lines = Lines::new(text);
    let mut found = Pins::default();
    for (key, raw) in npm {
        let line = lines.of(raw.get());
        let Some((name, version)) = package(key) else {
            found.troubles.push(format!("`{key}` at line {line} is no package with a version"));
            continue;
        };
        let entry: Entry<'_> = serde_json::from_str(raw.get()).map_err(|error| format!("line {line}: {error}"))?;
        let is_linked = document.workspace.links(name, version);
        found.pins.push(Pin {
            origin: match entry.tarball {
                _ if is_linked => Origin::Local,
                Some(url) => Origin::Url(url.into_owned()),
                None => Origin::Registry,
            },
            is_looked_up: is_linked,
            ..Pin::new(name, version, Some(line))
        });
    }
    for (entries, what) in [(jsr, "packages of JSR"), (&document.remote, "modules by address")] {
        if let Some((first, raw)) = entries.first_key_value() {
            found.troubles.push(format!(
                "{} {what} are pinned that no advisory database knows, such as `{first}` at line {}",
                entries.len(),
                lines.of(raw.get())
            ));
        }
    }
    Ok(found)
}

/// `@scope/name@1.0.0_peer@2.0.0`: what follows the version are the peers that it is installed with.
fn package(key: &str) -> Option<(&str, &str)> {
    let at = key.get(1..)?.find('@')? + 1;
    let (name, rest) = (&key[..at], &key[at + 1..]);
    let version = rest
        .split('_')
        .next()
        .filter(|version| version.starts_with(|first: char| first.is_ascii_digit()))?;
    Some((name, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> (Vec<(String, String, Option<u32>)>, usize) {
        let read = read(text).expect(text);
        let pins = read.pins.into_iter().map(|pin| (pin.name, pin.version, pin.line)).collect();
        (pins, read.troubles.len())
    }

    #[test]
    fn packages_of_npm_are_read_in_every_version_of_the_format() {
        let npm = "{\n\"@a/evil@1.0.0\": {\"integrity\": \"sha512-AA==\"},\n\"b_c@2.0.0-rc.1_react@18.0.0\": {}}";
        let expected = |first: u32| {
            vec![
                ("@a/evil".to_owned(), "1.0.0".to_owned(), Some(first)),
                ("b_c".to_owned(), "2.0.0-rc.1".to_owned(), Some(first + 1)),
            ]
        };
        for text in [
            format!("{{\"version\": \"2\", \"remote\": {{}}, \"npm\": {{\"specifiers\": {{}}, \"packages\": {npm}}}}}"),
            format!("{{\"version\": \"3\", \"packages\": {{\"specifiers\": {{}}, \"npm\": {npm}}}}}"),
            format!("{{\"version\": \"4\", \"specifiers\": {{}}, \"npm\": {npm}}}"),
            format!("{{\"version\": \"5\", \"npm\": {npm}, \"workspace\": {{}}}}"),
        ] {
            assert_eq!(seen(&text), (expected(2), 0), "{text}");
        }
    }

    #[test]
    fn a_folder_that_is_linked_in_the_place_of_a_package_is_looked_up_as_a_folder() {
        for key in ["links", "patches"] {
            let text = format!(
                r#"{{"version": "5", "npm": {{"cookie@1.0.6": {{}}, "cookie@1.0.7": {{}}}}, "workspace": {{"{key}": {{"npm:cookie@1.0.6": {{}}, "jsr:@a/b@1.0.0": {{}}}}}}}}"#
            );
            let read = read(&text).expect("JSON");
            let seen: Vec<_> = read.pins.iter().map(|pin| (pin.origin.clone(), pin.is_looked_up)).collect();
            assert_eq!(seen, [(Origin::Local, true), (Origin::Registry, false)], "{key}");
        }
    }

    #[test]
    fn what_no_advisory_names_and_what_cannot_be_read_is_told() {
        let text = r#"{"version": "4", "jsr": {"@std/a@1.0.0": {}}, "npm": {"x": {}}, "remote": {"https://example.org/a.ts": "ab"}}"#;
        assert_eq!(seen(text), (Vec::new(), 3));
        assert!(read("{\"version\": \"9\"}").is_err() && read("{}").is_err() && read("[").is_err());
    }
}
