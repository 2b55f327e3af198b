//! Lock files of Python in TOML: `poetry.lock`, `pdm.lock`, `pylock.toml`; and what they share with `uv.lock`.
//!
//! Source: Poetry's own writer; PEP 751.

use std::collections::HashSet;

use jiff::Timestamp;
use toml::{Table, Value};

use crate::model::excused::Excused as _;
use crate::model::inventory::{Origin, Scope};

use super::pin::{Pin, Pins};
use super::pipfile::is_project;
use super::quoted_lines::QuotedLines;

/// `pylock.toml` and `pylock.NAME.toml`.
pub(super) fn is_pylock(name: &str) -> bool {
    name == "pylock.toml"
        || name
            .strip_prefix("pylock.")
            .and_then(|rest| rest.strip_suffix(".toml"))
            .is_some_and(|name| !name.contains(['.', '/']))
}

/// Poetry says in `source` what is not from its index, and in `groups` (`category` before version 2) what for; PDM has fields of its own.
pub(super) fn read_poetry(text: &str) -> Result<Pins, String> {
    packages(&parsed(text)?, text, "package", |_, package| {
        let source = package.get("source").and_then(Value::as_table);
        let of_source = |key: &str| source.and_then(|source| source.get(key)).and_then(Value::as_str);
        let own = |key: &str| package.get(key).and_then(Value::as_str).map(str::to_owned);
        let url = of_source("url").unwrap_or_default().to_owned();
        let origin = match of_source("type") {
            Some("git") => Origin::Git(url),
            Some("url" | "file") => Origin::Url(url),
            Some("directory") => Origin::Local,
            _ => match (own("git"), own("url"), own("path")) {
                (Some(git), ..) => Origin::Git(git),
                (_, Some(url), _) => Origin::Url(url),
                (.., Some(path)) if is_archive(&path) => Origin::Url(path),
                (.., Some(_)) => Origin::Local,
                _ => Origin::Registry,
            },
        };
        let groups = package.get("groups").and_then(Value::as_array);
        let ships = |groups: &Vec<Value>| groups.iter().any(|group| matches!(group.as_str(), Some("main" | "default")));
        let development = own("category").as_deref() == Some("dev") || groups.is_some_and(|groups| !ships(groups));
        (origin, if development { Scope::Development } else { Scope::Runtime })
    })
}

/// What is installed as it is, rather than built from a folder of one's own.
fn is_archive(path: &str) -> bool {
    [".whl", ".tar.gz", ".zip", ".tar.bz2", ".tgz"]
        .iter()
        .any(|ending| path.to_ascii_lowercase().ends_with(ending))
}

/// PEP 751 names `vcs`, `directory` and `archive` for what is not from an index.
pub(super) fn read_pylock(text: &str) -> Result<Pins, String> {
    let document = parsed(text)?;
    let mut found = packages(&document, text, "packages", |_, package| {
        let url = |key: &str| {
            Some(
                package
                    .get(key)?
                    .as_table()?
                    .get("url")
                    .or_else(|| package.get(key)?.as_table()?.get("path"))
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned(),
            )
        };
        let origin = match (url("vcs"), url("archive"), package.contains_key("directory")) {
            (Some(vcs), ..) => Origin::Git(vcs),
            (_, Some(archive), _) => Origin::Url(archive),
            (.., true) => Origin::Local,
            _ => Origin::Registry,
        };
        (origin, Scope::Runtime)
    })?;
    // Few tools write down who needs what: then nobody can tell which folder is given to a published package.
    let listed = document.get("packages").and_then(Value::as_array).into_iter().flatten();
    let folder = |package: &Value| {
        Some((
            package.get("name")?.as_str()?.to_owned(),
            package.get("directory")?.get("path")?.as_str()?.to_owned(),
        ))
    };
    let (mut tells, mut folders) = (false, HashSet::new());
    for package in listed {
        tells |= package.get("dependencies").is_some();
        folders.extend(folder(package).filter(|(_, path)| !is_project(path)).map(|(name, _)| name));
    }
    for pin in found.pins.iter_mut().filter(|_| !tells) {
        pin.is_looked_up = pin.origin == Origin::Local && folders.contains(&pin.name);
    }
    Ok(found)
}

/// When a release was uploaded, as `uv.lock` and `pylock.toml` tell of its files: with the newest of them, for files can be added to an old release.
/// None where one of them has no time.
fn uploaded(package: &Table) -> Option<Timestamp> {
    let wheels = package.get("wheels").and_then(Value::as_array).into_iter().flatten();
    let files = wheels.chain(package.get("sdist"));
    let time = |file: &Value| {
        let written = match file.get("upload-time")? {
            Value::String(text) => text.clone(),
            Value::Datetime(time) => time.to_string(),
            _ => return None,
        };
        written.parse().or_none("a time that cannot be read is not known")
    };
    let times: Option<Vec<Timestamp>> = files.map(time).collect();
    times?.into_iter().max()
}

/// What a package needs, by name: a table of ranges (Poetry), requirements as texts (PDM, Gleam) or tables (uv, `pylock.toml`), those of its extras too.
fn needs(package: &Table) -> Vec<String> {
    let of_extras = package.get("optional-dependencies").and_then(Value::as_table);
    let lists = ["dependencies", "requirements"].iter().filter_map(|key| package.get(*key));
    let mut names = Vec::new();
    for list in lists.chain(of_extras.into_iter().flat_map(Table::values)) {
        match list {
            Value::Table(ranges) => names.extend(ranges.keys().cloned()),
            Value::Array(listed) => names.extend(listed.iter().filter_map(|needed| match needed {
                Value::String(requirement) => Some(name_of(requirement).to_owned()),
                Value::Table(needed) => needed.get("name").and_then(Value::as_str).map(str::to_owned),
                _ => None,
            })),
            _ => {}
        }
    }
    names
}

/// The name that a requirement begins with: `idna<4,>=2.5`, `requests[socks]; python_version > "3"`.
fn name_of(requirement: &str) -> &str {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let end = requirement.find(|c| !is_of_name(c)).unwrap_or(requirement.len());
    &requirement[..end]
}

pub(super) fn parsed(text: &str) -> Result<Table, String> {
    text.parse().map_err(|error: toml::de::Error| error.to_string())
}

/// Reads a list of tables, each with a name and a version; `about` tells where the one at a place is from and what for.
pub(super) fn packages(document: &Table, text: &str, list: &str, about: impl Fn(usize, &Table) -> (Origin, Scope)) -> Result<Pins, String> {
    let mut found = Pins::default();
    let listed = match document.get(list) {
        None => return Ok(found),
        Some(listed) => listed.as_array().ok_or_else(|| format!("`{list}` is not a list of tables"))?,
    };
    let names = listed.iter().filter_map(|package| package.get("name")?.as_str());
    let mut lines = QuotedLines::new(text, names);
    for (at, package) in listed.iter().enumerate() {
        let field = |key: &str| package.get(key).and_then(Value::as_str).filter(|value| !value.is_empty());
        let (Some(name), Some(table)) = (field("name"), package.as_table()) else {
            found.troubles.push(format!("{list}[{at}] names no package"));
            continue;
        };
        let line = lines.next(name);
        let (origin, scope) = about(at, table);
        let version = field("version").unwrap_or_default();
        if version.is_empty() && origin != Origin::Local {
            found
                .troubles
                .push(format!("the package `{name}` has no version, so that it was not looked up"));
            continue;
        }
        found.pins.push(Pin {
            origin,
            scope,
            published: uploaded(table),
            needs: needs(table),
            ..Pin::new(name, version, line)
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_as_young_as_its_newest_file_and_of_no_known_age_where_one_has_no_time() {
        let published = |files: &str| {
            let read = read_pylock(&format!("[[packages]]\nname = \"a\"\nversion = \"1\"\n{files}")).expect(files);
            read.pins[0].published.map(|time| time.to_string())
        };
        let sdist = "sdist = { url = \"a\", upload-time = 2024-09-06T20:03:36.821Z }\n";
        let wheel = "wheels = [\n    { url = \"b\", upload-time = \"2026-11-20T08:00:00Z\" },\n    { url = \"c\" },\n]\n";
        let dated = wheel.replace("    { url = \"c\" },\n", "");
        assert_eq!(published(sdist).as_deref(), Some("2024-09-06T20:03:36.821Z"));
        assert_eq!(published(&format!("{sdist}{dated}")).as_deref(), Some("2026-11-20T08:00:00Z"));
        let odd = dated.replace("2026-11-20T08:00:00Z", "soon");
        for unknown in [String::new(), format!("{sdist}{wheel}"), format!("{sdist}{odd}")] {
            assert_eq!(published(&unknown), None, "{unknown}");
        }
    }

    #[test]
    fn poetry_and_pdm_tell_development_and_sources() {
        let text = "[[package]]\nname = \"a\"\nversion = \"1\"\ngroups = [\"dev\"]\n\n[[package]]\nname = \"b\"\nversion = \"2\"\ngroups = [\"main\", \"dev\"]\n\n\
                    [package.source]\ntype = \"git\"\nurl = \"https://example.org/b\"\n";
        let read = read_poetry(text).expect("TOML");
        let seen: Vec<_> = read
            .pins
            .iter()
            .map(|pin| (pin.name.as_str(), pin.scope, pin.origin.clone()))
            .collect();
        let git = Origin::Git("https://example.org/b".to_owned());
        assert_eq!(seen, [("a", Scope::Development, Origin::Registry), ("b", Scope::Runtime, git)]);
    }

    #[test]
    fn a_release_that_lies_in_the_tree_is_no_package_of_the_services_own() {
        let named = "[[package]]\nname = \"evil\"\nversion = \"1.0\"\n";
        let origin =
            |read: fn(&str) -> Result<Pins, String>, source: &str| read(&format!("{named}{source}")).expect(source).pins[0].origin.clone();
        let wheel = Origin::Url("v/evil-1.0-py3-none-any.whl".to_owned());
        let poetry = |kind: &str, url: &str| origin(read_poetry, &format!("[package.source]\ntype = \"{kind}\"\nurl = \"{url}\""));
        assert_eq!(poetry("file", "v/evil-1.0-py3-none-any.whl"), wheel);
        assert_eq!(poetry("directory", "v/evil"), Origin::Local);
        assert_eq!(origin(read_poetry, "path = \"v/evil-1.0-py3-none-any.whl\""), wheel);
        assert_eq!(origin(read_poetry, "path = \"v/evil\""), Origin::Local);
    }

    #[test]
    fn pylock_names_what_is_from_elsewhere() {
        assert!(is_pylock("pylock.dev.toml") && !is_pylock("pylock.a.b.toml") && !is_pylock("xpylock.toml"));
        let text = "lock-version = \"1.0\"\n[[packages]]\nname = \"a\"\nversion = \"1\"\n[[packages]]\nname = \"here\"\ndirectory = { path = \".\" }\n";
        let read = read_pylock(text).expect("TOML");
        assert_eq!(read.pins.len(), 2);
        assert_eq!(read.pins[1].origin, Origin::Local);
    }
}
