//! The lock file of yarn 1. It does not say what is needed for development only: the manifests of the tree do.

use std::collections::HashMap;

use super::address;
use super::lock::{Identity, Manifests, Need, NpmLock, Package};
use super::needed_for::mark_optional;
use super::pattern::{is_published, name_and_range};
use crate::model::inventory::Scope;

/// One entry: `"a@^1", a@1.2:` and the indented lines under it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Locked<'a> {
    /// What is asked for by its users: `a@^1`.
    patterns: Vec<&'a str>,
    /// Empty where none stands there.
    version: &'a str,
    /// Where it was fetched from.
    resolved: Option<&'a str>,
    /// Name, range, and whether it may be left out.
    needs: Vec<(&'a str, &'a str, bool)>,
    /// From 1.
    line: u32,
}

impl Locked<'_> {
    /// True where somebody asks for it by a range of releases: of a folder only `resolutions` make that, whoever asks, the project too.
    fn is_asked_for_as_published(&self) -> bool {
        let mut ranges = self.patterns.iter().filter_map(|pattern| name_and_range(pattern));
        ranges.any(|(_, range)| is_published(range))
    }

    /// True for what yarn writes of every folder that it links to, whatever version that has, also where another range asks for it (`resolutions`).
    fn is_of_a_link(&self) -> bool {
        self.resolved.is_none() && self.version == "0.0.0"
    }
}

pub(super) fn read(text: &str) -> NpmLock {
    let mut lock = NpmLock::default();
    let (entries, odd) = entries(text);
    for line in odd {
        lock.unread(format!("line {line} is not of a form that is known"));
    }
    let patterns = entries
        .iter()
        .enumerate()
        .flat_map(|(at, entry)| entry.patterns.iter().map(move |pattern| ((*pattern).to_owned(), at)));
    let by_pattern: HashMap<String, usize> = patterns.collect();
    let folders = folders(&entries);
    for entry in &entries {
        let package = package(entry, (&by_pattern, &folders), &mut lock);
        if package.identity.is_none() {
            lock.unread(format!("the entry at line {} names no package or no version", entry.line));
        }
        lock.packages.push(package);
    }
    mark_optional(&mut lock.packages);
    lock.manifests = Manifests::ByPattern(by_pattern);
    lock
}

/// Entries of folders by their names: one that another folder needs is asked for by a path into yarn's cache, which is in no pattern.
fn folders<'e>(entries: &[Locked<'e>]) -> HashMap<&'e str, Vec<usize>> {
    let mut folders: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, entry) in entries.iter().enumerate() {
        for (name, range) in entry.patterns.iter().filter_map(|pattern| name_and_range(pattern)) {
            if !is_published(range) {
                folders.entry(name).or_default().push(at);
            }
        }
    }
    folders
}

fn package(
    entry: &Locked<'_>,
    (by_pattern, folders): (&HashMap<String, usize>, &HashMap<&str, Vec<usize>>),
    lock: &mut NpmLock,
) -> Package {
    let pattern = entry.patterns.first().and_then(|pattern| name_and_range(pattern));
    let needs = entry.needs.iter().flat_map(|(name, range, optional)| {
        let exact = by_pattern.get(&format!("{name}@{range}"));
        let of_folders = folders.get(name).filter(|_| exact.is_none() && !is_published(range));
        exact.into_iter().chain(of_folders.into_iter().flatten()).map(|gets| Need {
            name: (*name).to_owned(),
            range: Some((*range).to_owned()),
            scope: if *optional { Scope::Optional } else { Scope::Runtime },
            gets: *gets,
        })
    });
    // A package from a folder is listed without an address.
    let folder = pattern
        .map(|(_, range)| range)
        .filter(|range| range.starts_with("file:") || range.starts_with("link:"));
    Package {
        identity: pattern
            .and_then(|(name, range)| identity(entry, name, range))
            .and_then(|identity| lock.or_unread(entry.line, identity)),
        origin: address::origin(entry.resolved.or(folder).or(entry.is_of_a_link().then_some("link:"))),
        scope: Scope::Runtime,
        license: None,
        folder: None,
        is_given: entry.is_asked_for_as_published(),
        needs: needs.collect(),
        line: entry.line,
    }
}

/// The package that a pattern asks for: `x` of `a@npm:x@^1`.
fn asked<'a>(name: &'a str, range: &'a str) -> &'a str {
    let real = range.strip_prefix("npm:");
    real.map_or(name, |real| name_and_range(real).map_or(real, |(name, _)| name))
}

fn identity(entry: &Locked<'_>, name: &str, range: &str) -> Option<Result<Identity, String>> {
    let name = asked(name, range);
    let names = entry.patterns.iter().filter_map(|pattern| name_and_range(pattern));
    if let Some((other, _)) = names
        .map(|(name, range)| (asked(name, range), range))
        .find(|(other, _)| *other != name)
    {
        return Some(Err(format!("one entry for `{name}` and for `{other}`")));
    }
    let version = if entry.is_of_a_link() { "" } else { entry.version };
    (!entry.version.is_empty()).then(|| address::served(name, version, entry.resolved))
}

/// The entries, and the lines that are of no form that is known.
fn entries(text: &str) -> (Vec<Locked<'_>>, Vec<u32>) {
    let mut entries: Vec<Locked<'_>> = Vec::new();
    let mut odd = Vec::new();
    // Whether the lines are needs, and then whether these may be left out.
    let mut in_needs = None;
    for (at, raw) in text.lines().enumerate() {
        let number = at as u32 + 1;
        let content = raw.trim();
        if !is_clear(raw) {
            odd.push(number);
        }
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let understood = match (raw.len() - raw.trim_start().len(), entries.last_mut()) {
            (0, _) => content.strip_suffix(':').map(|patterns| {
                entries.push(Locked {
                    patterns: patterns.split(", ").map(unquoted).collect(),
                    line: number,
                    ..Locked::default()
                });
                in_needs = None;
            }),
            (2, Some(entry)) => {
                in_needs = match content.strip_suffix(':').map(unquoted) {
                    Some("dependencies") => Some(false),
                    Some("optionalDependencies") => Some(true),
                    _ => None,
                };
                if in_needs.is_some() { Some(()) } else { field(entry, content) }
            }
            (4, Some(entry)) => in_needs.zip(content.split_once(' ')).map(|(optional, (name, range))| {
                entry.needs.push((unquoted(name), unquoted(range.trim()), optional));
            }),
            _ => None,
        };
        if understood.is_none() {
            odd.push(number);
        }
    }
    (entries, odd)
}

fn field<'a>(entry: &mut Locked<'a>, content: &'a str) -> Option<()> {
    let (key, value) = content.split_once(' ')?;
    let value = value.trim();
    match unquoted(key) {
        "version" => entry.version = unquoted(value),
        "resolved" => entry.resolved = Some(unquoted(value)),
        _ => {}
    }
    Some(())
}

/// True for a line that yarn reads as one, without escapes and without a comment behind its words.
fn is_clear(raw: &str) -> bool {
    let line = raw.strip_suffix('\r').unwrap_or(raw);
    let is_comment = line.trim_start().starts_with('#');
    let outside_of_quotes = || line.split('"').step_by(2);
    let words = || outside_of_quotes().flat_map(|part| part.split(' '));
    let is_quoted_whole = line.matches('"').count().is_multiple_of(2);
    let parted = || outside_of_quotes().all(|part| part.split(',').skip(1).all(|rest| rest.starts_with(' ')));
    !line.contains(['\r', '\t'])
        && (is_comment || (!line.contains('\\') && is_quoted_whole && parted() && !words().any(|word| word.starts_with('#'))))
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_fields_are_fields() {
        let (entries, odd) =
            entries("a@^1:\n  \"version\" \"1.0.0\"\n  \"resolved\" \"https://x/a\"\n  \"dependencies\":\n    \"b\" \"1\"\n");
        assert!(odd.is_empty());
        assert_eq!((entries[0].version, entries[0].resolved), ("1.0.0", Some("https://x/a")));
        assert_eq!(entries[0].needs, [("b", "1", false)]);
    }

    #[test]
    fn what_yarn_reads_otherwise_is_told() {
        for text in [
            "\"evil\\u0070kg@^1\":\n  version \"1.0.0\"\n",
            "a@^1:\r  version \"1.0.0\"\rb@^1:\n  version \"1.0.0\"\n",
            "a@^1:\n\tversion \"1.0.0\"\n",
            "a@^1,b@^1:\n  version \"1.0.0\"\n",
            "a@^1:\n  version \"1.0.0\" # 2.0.0\n",
            "a@^1, b@^1:\n  version \"1.0.0\"\n",
        ] {
            assert!(!read(text).troubles.is_empty(), "{text:?}");
        }
        for text in [
            "# a \\ comment, so\r\na@^1, \"a@^1 || ^2\", a@>=1,:\r\n"
                .split(", a@>")
                .next()
                .expect("text"),
            "a@^1, \"a@^1 || ^2\":\n  version \"1.0.0\"\n  resolved \"https://example.org/a/-/a-1.0.0.tgz#abc\"\n",
            "b@^1, \"a@npm:b@^2\":\n  version \"1.0.0\"\n",
        ] {
            assert!(
                read(text)
                    .troubles
                    .iter()
                    .all(|trouble| trouble.detail.contains("known") && text.starts_with('#')),
                "{text:?} {:?}",
                read(text).troubles
            );
        }
    }

    #[test]
    fn entries_have_patterns_a_version_and_needs() {
        let (entries, odd) =
            entries("# yarn lockfile v1\n\n\"@a/b@^1\", \"@a/b@1.2\":\n  version \"1.2.3\"\n  dependencies:\n    c \"^2\"\n<<<<<<<\n");
        assert_eq!(odd, [7]);
        assert_eq!((&*entries[0].patterns, entries[0].version), (&["@a/b@^1", "@a/b@1.2"][..], "1.2.3"));
        assert_eq!(entries[0].needs, [("c", "^2", false)]);
        assert_eq!(name_and_range(entries[0].patterns[0]), Some(("@a/b", "^1")));
    }
}
