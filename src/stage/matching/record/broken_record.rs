//! What can still be told of a record that could not be read: what its text may name.
//!
//! Its shape says nothing, since it is not the expected one: every text in it that is not the value of a key which never names a package may be a
//! package's name. A text too many costs a gap where we happen to ship a package of that name; one too few costs a vulnerability.

use std::collections::BTreeSet;

use crate::model::excused::Excused as _;
use crate::model::purl::Purl;

/// Keys whose values name no package, whatever else is wrong with the record.
const NAMELESS: [&str; 13] = [
    "ecosystem",
    "type",
    "introduced",
    "fixed",
    "last_affected",
    "limit",
    "versions",
    "schema_version",
    "modified",
    "published",
    "withdrawn",
    "score",
    "url",
];
/// No registry has longer names (npm's limit).
const LONGEST: usize = 214;

/// What the text of a broken record may name, sorted.
pub(in crate::stage::matching) fn names(bytes: &[u8]) -> BTreeSet<String> {
    // A text in UTF-16 becomes readable this way; no other form has such bytes.
    let plain: Vec<u8>;
    let bytes = if memchr::memchr(0, bytes).is_some() {
        plain = bytes.iter().copied().filter(|byte| *byte != 0).collect();
        &plain
    } else {
        bytes
    };
    let text = String::from_utf8_lossy(bytes);
    let mut names = BTreeSet::new();
    let mut key = String::new();
    let mut rest = text.as_ref();
    let mut quoted = false;
    while let Some(start) = rest.find('"') {
        quoted = true;
        let (raw, behind) = token(&rest[start + 1..]);
        let value = unescaped(raw);
        if behind.trim_start().starts_with(':') {
            key = value;
        } else if !NAMELESS.contains(&key.as_str()) {
            take(&value, &mut names);
        }
        rest = behind;
    }
    if !quoted {
        // No JSON at all: every word may be one.
        let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '\'' | '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>' | '=');
        text.split(ends).for_each(|word| take(word, &mut names));
    }
    names
}

/// The raw text up to its closing quote, and what is behind it. Of a record that is cut off the text may have no end.
fn token(text: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    (text, "")
}

fn unescaped(raw: &str) -> String {
    serde_json::from_str(&format!("\"{raw}\"")).unwrap_or_else(|_| raw.to_owned())
}

fn take(text: &str, names: &mut BTreeSet<String>) {
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST {
        return;
    }
    if let Some(purl) = text
        .starts_with("pkg:")
        .then(|| Purl::parse(text))
        .and_then(|read| read.or_none("no purl: its other names are taken"))
    {
        names.insert(purl.full_name());
        names.insert(purl.name.clone());
    }
    names.insert(text.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn are_named(text: &str, expected: &[&str]) {
        let names = names(text.as_bytes());
        for name in expected {
            assert!(names.contains(*name), "{name} in {text}: {names:?}");
        }
    }

    #[test]
    fn a_record_of_the_wrong_shape_still_names_its_packages() {
        are_named(
            r#"{"id": 3, "affected": [{"package": {"name": "b"}}, {"package": {"name": "a"}}]}"#,
            &["a", "b"],
        );
        are_named(r#"{"affected":[{"package":{"name":"a"}}],"affected":[]}"#, &["a"]);
        are_named(r#"["npm", "a"]"#, &["a"]);
        are_named(r#"{"Affected":{"Package":{"Name":"a"}}}"#, &["a"]);
        are_named(r#"{"affected":[{"package":["npm","a"]}]}"#, &["a"]);
        are_named(r#"{"affected":[{"purl":"pkg:npm/%40s/a@1.0.0"}]}"#, &["@s/a"]);
        are_named(r#"{"name":"left\u002dpad"}"#, &["left-pad"]);
        are_named("affected: [{package: {name: a}}]", &["a"]);
    }

    #[test]
    fn a_cut_record_still_names_its_packages() {
        are_named(
            r#"{"affected":[{"package":{"ecosystem":"npm", "name" : "left-pad"},"ranges":[{"ty"#,
            &["left-pad"],
        );
        are_named(r#"{"affected":[{"package":{"ecosystem":"npm","name":"left-pad"#, &["left-pad"]);
    }

    #[test]
    fn a_record_in_another_encoding_still_names_its_packages() {
        let wide: Vec<u8> = r#"{"name":"left-pad"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(names(&wide).contains("left-pad"));
    }

    #[test]
    fn ecosystems_kinds_and_versions_name_no_package() {
        let names =
            names(br#"{"package":{"ecosystem":"npm"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],"versions":["1","2"]}"#);
        assert_eq!(names, BTreeSet::new());
    }
}
