//! The part of YAML that package managers write: nested mappings by indentation, plain and quoted scalars, `{a: b}` and `[a]` on one line.
//!
//! Whatever else a line holds is told as trouble, so that nothing is passed over in silence, and nothing is read otherwise than the package manager's
//! own reader does: comments behind values, escapes in names, braces over several lines, anchors, tabs and other ends of lines than `\n` among it.

use std::borrow::Cow;

use super::yaml_dialect;
use crate::io::limits::Limits;

/// A mapping's entry: `key: value`, or `key:` with entries inside.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What it is called.
    pub key: Cow<'a, str>,
    /// The scalar after the colon, or one in braces or brackets as it is written.
    pub value: Option<Cow<'a, str>>,
    /// What is indented below it.
    pub entries: Vec<Entry<'a>>,
    /// Line, from 1.
    pub line: u32,
}

impl<'a> Entry<'a> {
    /// The entry of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Entry<'a>> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The scalar of a key.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.value.as_deref()
    }
}

/// Reads a document; gives its top as an entry without a key, and what it did not understand.
#[must_use]
pub fn read(text: &str) -> (Entry<'_>, Vec<String>) {
    read_from(text, 0)
}

/// Reads a file of several documents, each behind a line `---`.
#[must_use]
pub fn read_all(text: &str) -> Vec<(Entry<'_>, Vec<String>)> {
    let mut documents = Vec::new();
    let (mut start, mut first_line, mut offset) = (0, 0, 0);
    for (at, line) in text.split_inclusive('\n').enumerate() {
        if line.trim_end() == "---"
            && text[start..offset]
                .lines()
                .any(|line| !line.trim().is_empty() && !line.starts_with('#'))
        {
            documents.push(read_from(&text[start..offset], first_line));
            (start, first_line) = (offset, at);
        }
        offset += line.len();
    }
    documents.push(read_from(&text[start..], first_line));
    documents
}

/// Reads a document whose first line follows so many others.
fn read_from(text: &str, lines_before: usize) -> (Entry<'_>, Vec<String>) {
    let mut troubles = Vec::new();
    // The way from the top to the entry that was read last, each with its indentation.
    let mut way: Vec<(usize, Entry<'_>)> = vec![(0, Entry::default())];
    let mut started = false;
    // Lines of a sequence or a block scalar that hang under an entry are passed over: no field that is read has one.
    let mut block: Option<usize> = None;
    for (at, raw) in text.lines().enumerate() {
        let number = (lines_before + at) as u32 + 1;
        if !yaml_dialect::is_one_line(raw) {
            troubles.push(format!(
                "line {number} holds a character that other readers take for the end of a line"
            ));
        }
        let content = raw.trim_start_matches(' ');
        let mut indent = raw.len() - content.len();
        let mut content = content.trim_end();
        if content.is_empty() || content.starts_with('#') || (!started && content == "---") {
            continue;
        }
        if block.is_some_and(|block| indent > block) {
            continue;
        }
        block = None;
        started = true;
        if content == "-" || content.starts_with("- ") {
            continue;
        }
        // An explicit key, `? key`, has its first entry on the line after it, `: a: b`. Yarn writes long keys so.
        if let Some(rest) = content.strip_prefix(": ") {
            content = rest;
            indent += 2;
        }
        let explicit = content.strip_prefix("? ").filter(|_| indent == 0).map(|key| (key, ""));
        let Some((key, value)) = explicit.or_else(|| pair(content)) else {
            troubles.push(format!("line {number} is not of a form that is known"));
            continue;
        };
        if content.contains('\t') || !yaml_dialect::is_key(key) || !yaml_dialect::is_value(key, value) {
            troubles.push(format!("line {number} is not written as package managers write it"));
        }
        let key = scalar(key);
        while way.len() > 1 && way.last().is_some_and(|(open, _)| *open > indent) {
            close(&mut way);
        }
        if way.len() > Limits::default().nesting {
            troubles.push(format!("line {number} is nested too deep"));
            continue;
        }
        let value = match value {
            "|" | ">" | "|-" | ">-" | "|+" | ">+" => {
                block = Some(indent);
                None
            }
            "" => None,
            value => Some(scalar(value)),
        };
        way.push((
            indent + 1,
            Entry {
                key,
                value,
                entries: Vec::new(),
                line: number,
            },
        ));
    }
    while way.len() > 1 {
        close(&mut way);
    }
    (way.pop().map(|(_, top)| top).unwrap_or_default(), troubles)
}

fn close<'a>(way: &mut Vec<(usize, Entry<'a>)>) {
    if let Some((_, entry)) = way.pop()
        && let Some((_, parent)) = way.last_mut()
    {
        parent.entries.push(entry);
    }
}

/// The pairs of `{a: b, 'c': "d"}`.
#[must_use]
pub fn flow(text: &str) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
    let pairs = yaml_dialect::pairs(text).unwrap_or_default();
    pairs.into_iter().map(|(key, value)| (scalar(key), scalar(value))).collect()
}

/// Parts `key: value` at the colon that ends the key, each as it is written.
fn pair(content: &str) -> Option<(&str, &str)> {
    if let Some(rest) = content.strip_prefix(['"', '\'']) {
        let end = rest.find(&content[..1])? + 2;
        return Some((&content[..end], content[end..].strip_prefix(':')?.trim()));
    }
    match content.find(": ") {
        Some(at) => Some((&content[..at], content[at + 2..].trim())),
        None => Some((content.strip_suffix(':')?, "")),
    }
}

fn scalar(value: &str) -> Cow<'_, str> {
    if let Some(inner) = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return if inner.contains("''") {
            Cow::Owned(inner.replace("''", "'"))
        } else {
            Cow::Borrowed(inner)
        };
    }
    if let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return if inner.contains('\\') {
            serde_json::from_str(value).map_or(Cow::Borrowed(inner), Cow::Owned)
        } else {
            Cow::Borrowed(inner)
        };
    }
    Cow::Borrowed(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_nest_by_indentation() {
        let (top, troubles) =
            read("a: 1\n'b@1':\n  c: \"x\"\n  d: {e: f, 'g': h}\n  list:\n    - one\n    - two\n  deep:\n    z: 'it''s'\nlast: y\n");
        assert!(troubles.is_empty(), "{troubles:?}");
        let keys: Vec<_> = top.entries.iter().map(|e| (&*e.key, e.line)).collect();
        assert_eq!(keys, [("a", 1), ("b@1", 2), ("last", 10)]);
        let b = top.get("b@1").expect("b@1");
        assert_eq!(
            (b.text("c"), b.get("deep").and_then(|deep| deep.text("z"))),
            (Some("x"), Some("it's"))
        );
        assert_eq!(flow(b.text("d").expect("d")), [("e".into(), "f".into()), ("g".into(), "h".into())]);
    }

    #[test]
    fn what_is_not_understood_is_told() {
        assert_eq!(read("<<<<<<< HEAD\na: 1\n").1.len(), 1);
    }

    #[test]
    fn documents_are_read_one_by_one_with_the_lines_of_the_file() {
        let documents = read_all("---\na: 1\n\n---\nb: 2\n");
        let seen: Vec<_> = documents
            .iter()
            .map(|(top, _)| (&*top.entries[0].key, top.entries[0].line))
            .collect();
        assert_eq!(seen, [("a", 2), ("b", 5)]);
        assert!(documents.iter().all(|(_, troubles)| troubles.is_empty()));
        assert_eq!(read_all("").len(), 1);
    }

    #[test]
    fn what_js_yaml_reads_otherwise_is_told() {
        for text in [
            "a: x # comment\n",
            "a: {b: c,d: e}\n",
            "a: {b: c} # comment\n",
            "a:\n  {b: c}\n",
            "a:\n  ? b\n  : c\n",
            "a: >-\n  b\n",
            "a:\t{b: c}\n",
            "\"a\\x62\": c\n",
            "a: \"\\x62\"\n",
            "a: {b: &x c}\n",
            "a: {b: *x}\n",
            "a: {b: c\n",
            "a: [b\n",
            "a: 'b' c\n",
            "a : b\n",
            "# x\r  a: b\n",
            "a: b\u{85}c: d\n",
            "a: b\u{2028}\n",
        ] {
            assert!(!read(text).1.is_empty(), "{text:?}");
        }
        for text in [
            "a: {b: 'c, d', e: https://example.org/x#y}\n",
            "a: [x64, '!win32']\n",
            "a: {}\nb: []\n",
            "a: \"b \\\"c\\\"\"\r\nd: e\r\n",
            "deprecated: >-\n  a\tb # c\n",
            "deprecated: this has, some: words\n".split(": words").next().expect("text"),
            "/a/1.0.0_b@2.0.0:\n  engines: {node: '>=10'}\n",
        ] {
            assert!(read(text).1.is_empty(), "{text:?}: {:?}", read(text).1);
        }
    }

    #[test]
    fn anchors_aliases_and_tags_are_told() {
        for text in ["a: *x\n", "a: &x\n  b: 1\n", "<<: {b: 1}\n", "a: !!str 1\n"] {
            assert_eq!(read(text).1.len(), 1, "{text}");
        }
        assert!(read("a: '*'\n").1.is_empty());
    }

    #[test]
    fn explicit_keys_hold_what_follows_their_colon() {
        let (top, troubles) = read("? \"a@1, a@2\"\n: version: 3\n  resolution: x\nb:\n  version: 4\n");
        assert!(troubles.is_empty(), "{troubles:?}");
        let a = top.get("a@1, a@2").expect("a");
        assert_eq!(
            (a.text("version"), a.text("resolution"), top.entries.len()),
            (Some("3"), Some("x"), 2)
        );
    }

    #[test]
    fn deep_nesting_is_told() {
        let text: String = (0..100).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
        assert!(!read(&text).1.is_empty());
    }

    #[test]
    fn block_scalars_are_passed_over() {
        let (top, troubles) = read("a:\n  deprecated: |-\n    some: words\n    <<\n  b: 1\n");
        assert!(troubles.is_empty());
        assert_eq!(top.get("a").and_then(|a| a.text("b")), Some("1"));
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "([ ]{0,4}(a|'b'|\"c\"|- |\\{|é)?:?( (x|'y|\"z\"|\\||\\{a: b\\}))?\n){0,20}") {
            let _ = (read(&text), flow(&text));
        }
    }
}
