//! The text of a lock file. Cargo writes one fixed form of TOML, which is read line by line in a tenth of the time of a TOML parser;
//! whatever departs from it is given to the parser.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;
use toml::Spanned;

/// The newest format that is known.
const NEWEST: i64 = 4;

/// What a lock file holds.
#[derive(Debug, Default)]
pub(super) struct Text<'a> {
    pub(super) packages: Vec<Locked<'a>>,
    pub(super) metadata: HashMap<Cow<'a, str>, Cow<'a, str>>,
    /// What could not be read, each with its line.
    pub(super) troubles: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct Locked<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) version: Cow<'a, str>,
    pub(super) source: Option<Cow<'a, str>>,
    pub(super) checksum: Option<Cow<'a, str>>,
    pub(super) dependencies: Vec<Cow<'a, str>>,
    /// Line of the name, from 1.
    pub(super) line: u32,
}

/// Reads a lock file, as much of it as can be.
pub(super) fn read(text: &str) -> Text<'_> {
    let mut lines = Lines::default();
    let usual = text.lines().enumerate().all(|(at, line)| lines.take(at as u32 + 1, line)) && !lines.in_array;
    let mut lockfile = if usual {
        lines.lockfile
    } else {
        parsed(text).unwrap_or_else(|trouble| by_line(text, trouble))
    };
    lockfile.packages.retain(|package| {
        let whole = !package.name.is_empty() && !package.version.is_empty();
        if !whole {
            let trouble = format!("the package at line {} has no name or no version", package.line);
            lockfile.troubles.push(trouble);
        }
        whole
    });
    lockfile
}

/// A text that is no TOML: what is in the usual form is kept.
fn by_line(text: &str, trouble: String) -> Text<'_> {
    let mut lines = Lines::default();
    for (at, line) in text.lines().enumerate() {
        lines.take(at as u32 + 1, line);
    }
    lines.lockfile.troubles.push(trouble);
    lines.lockfile
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Section {
    #[default]
    Top,
    Package,
    Metadata,
    /// `[[patch.unused]]`: replacements that nothing uses, so that they are not in the build.
    Unused,
}

#[derive(Default)]
struct Lines<'a> {
    lockfile: Text<'a>,
    section: Section,
    in_array: bool,
}

impl<'a> Lines<'a> {
    /// Takes the next line; false when it is not of the usual form.
    fn take(&mut self, number: u32, line: &'a str) -> bool {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return true;
        }
        if self.in_array {
            return self.take_item(line);
        }
        if line.starts_with('[') {
            return self.take_header(number, line);
        }
        self.take_pair(number, line)
    }

    fn take_item(&mut self, line: &'a str) -> bool {
        if line == "]" {
            self.in_array = false;
            return true;
        }
        match plain(line.strip_suffix(',').unwrap_or(line)) {
            Some(item) => {
                if let (Section::Package, Some(package)) = (self.section, self.lockfile.packages.last_mut()) {
                    package.dependencies.push(item.into());
                }
                true
            }
            None => {
                self.in_array = false;
                false
            }
        }
    }

    fn take_header(&mut self, number: u32, line: &str) -> bool {
        self.section = match line {
            "[[package]]" | "[root]" => {
                self.lockfile.packages.push(Locked {
                    line: number,
                    ..Locked::default()
                });
                Section::Package
            }
            "[metadata]" => Section::Metadata,
            "[[patch.unused]]" => Section::Unused,
            _ => return false,
        };
        true
    }

    fn take_pair(&mut self, number: u32, line: &'a str) -> bool {
        let Some((key, value)) = line.split_once(" = ") else {
            return false;
        };
        if value == "[" && key == "dependencies" {
            self.in_array = true;
            return true;
        }
        match self.section {
            Section::Top => key == "version" && value.parse().is_ok_and(|format: i64| self.take_format(format)),
            Section::Unused => plain(value).is_some(),
            Section::Metadata => {
                let (Some(key), Some(value)) = (plain(key), plain(value)) else {
                    return false;
                };
                self.lockfile.metadata.insert(key.into(), value.into());
                true
            }
            Section::Package => self.take_field(number, key, value),
        }
    }

    fn take_format(&mut self, format: i64) -> bool {
        self.lockfile.troubles.extend(unknown_format(format));
        true
    }

    fn take_field(&mut self, number: u32, key: &str, value: &'a str) -> bool {
        let (Some(package), Some(value)) = (self.lockfile.packages.last_mut(), plain(value)) else {
            return false;
        };
        match key {
            "name" => {
                package.name = value.into();
                package.line = number;
            }
            "version" => package.version = value.into(),
            "source" => package.source = Some(value.into()),
            "checksum" => package.checksum = Some(value.into()),
            // `[replace]`, which cargo has deprecated: the package stays listed, with what replaces it beside it.
            "replace" => {}
            _ => return false,
        }
        true
    }
}

/// The inside of a basic string without escapes.
fn plain(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains(['"', '\\'])).then_some(inner)
}

fn unknown_format(format: i64) -> Option<String> {
    (!(1..=NEWEST).contains(&format)).then(|| format!("format {format} is not known (1 to {NEWEST} are): packages may be missing"))
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(default)]
    version: Option<i64>,
    #[serde(default, borrow)]
    package: Vec<Entry<'a>>,
    #[serde(default, borrow)]
    root: Option<Entry<'a>>,
    #[serde(default, borrow)]
    metadata: HashMap<Cow<'a, str>, Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    name: Spanned<Cow<'a, str>>,
    #[serde(borrow)]
    version: Cow<'a, str>,
    #[serde(default, borrow)]
    source: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    checksum: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    dependencies: Vec<Cow<'a, str>>,
}

fn parsed(text: &str) -> Result<Text<'_>, String> {
    let line_at = |offset: usize| 1 + text.as_bytes()[..offset.min(text.len())].iter().filter(|b| **b == b'\n').count() as u32;
    let document: Document<'_> = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_at(span.start));
        format!("line {line}: {}", error.message().lines().next().unwrap_or("invalid TOML"))
    })?;
    let entries = document.root.into_iter().chain(document.package);
    Ok(Text {
        packages: entries
            .map(|entry| Locked {
                line: line_at(entry.name.span().start),
                name: entry.name.into_inner(),
                version: entry.version,
                source: entry.source,
                checksum: entry.checksum,
                dependencies: entry.dependencies,
            })
            .collect(),
        metadata: document.metadata,
        troubles: document.version.and_then(unknown_format).into_iter().collect(),
    })
}
