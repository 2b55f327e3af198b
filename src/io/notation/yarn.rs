//! The lock file of yarn 1.

/// One entry: `"a@^1", a@1.2:` and the indented lines under it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Locked<'a> {
    /// What is asked for by its users: `a@^1`.
    pub patterns: Vec<&'a str>,
    /// Its version; empty where none stands there.
    pub version: &'a str,
    /// Where it was fetched from.
    pub resolved: Option<&'a str>,
    /// Name, range, and whether it may be left out.
    pub needs: Vec<(&'a str, &'a str, bool)>,
    /// Line, from 1.
    pub line: u32,
}

/// Reads a file; gives its entries and the lines that are of no form that is known.
#[must_use]
pub fn read(text: &str) -> (Vec<Locked<'_>>, Vec<u32>) {
    let mut entries: Vec<Locked<'_>> = Vec::new();
    let mut odd = Vec::new();
    // Whether the lines are needs, and then whether these may be left out.
    let mut in_needs = None;
    for (at, raw) in text.lines().enumerate() {
        let number = at as u32 + 1;
        let content = raw.trim();
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

/// `@babel/core` and `^7` of `@babel/core@^7`.
#[must_use]
pub fn name_and_range(pattern: &str) -> Option<(&str, &str)> {
    let first = pattern.chars().next()?.len_utf8();
    let at = first + pattern[first..].find('@')?;
    Some((&pattern[..at], &pattern[at + 1..]))
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_fields_are_fields() {
        let (entries, odd) = read("a@^1:\n  \"version\" \"1.0.0\"\n  \"resolved\" \"https://x/a\"\n  \"dependencies\":\n    \"b\" \"1\"\n");
        assert!(odd.is_empty());
        assert_eq!((entries[0].version, entries[0].resolved), ("1.0.0", Some("https://x/a")));
        assert_eq!(entries[0].needs, [("b", "1", false)]);
    }

    #[test]
    fn entries_have_patterns_a_version_and_needs() {
        let (entries, odd) =
            read("# yarn lockfile v1\n\n\"@a/b@^1\", \"@a/b@1.2\":\n  version \"1.2.3\"\n  dependencies:\n    c \"^2\"\n<<<<<<<\n");
        assert_eq!(odd, [7]);
        assert_eq!((&*entries[0].patterns, entries[0].version), (&["@a/b@^1", "@a/b@1.2"][..], "1.2.3"));
        assert_eq!(entries[0].needs, [("c", "^2", false)]);
        assert_eq!(name_and_range(entries[0].patterns[0]), Some(("@a/b", "^1")));
    }
}
