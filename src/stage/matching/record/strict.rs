//! What a strict reader of a record objects to beyond its shape: a key that stands twice in one object (readers differ in which of the two they
//! take), and a key that is a known one but for its spelling (Go's readers take `Affected` for `affected`).

use std::borrow::Cow;

/// Deeper than this nothing is read; the JSON parser of the records' fields stops there too.
const DEEPEST: usize = 128;
/// So many keys may stand in one object. Real records stay below 50.
const MOST_KEYS: usize = 1024;

/// The keys that matching reads, outside of what databases add for themselves.
const KNOWN: [&str; 26] = [
    "affected",
    "aliases",
    "database_specific",
    "details",
    "ecosystem",
    "ecosystem_specific",
    "events",
    "fixed",
    "id",
    "introduced",
    "last_affected",
    "limit",
    "modified",
    "name",
    "package",
    "published",
    "ranges",
    "references",
    "related",
    "score",
    "severity",
    "summary",
    "type",
    "upstream",
    "versions",
    "withdrawn",
];

/// One object or list that is open.
struct Open {
    /// Where its keys begin among all keys.
    keys: usize,
    is_object: bool,
    /// A key is next, if a text is.
    at_key: bool,
    /// It belongs to a database: its keys may be called anything.
    free: bool,
}

/// What is wrong with the keys of a document that is JSON; `None` if nothing is. Linear in its length.
pub(in crate::stage::matching) fn objection(bytes: &[u8]) -> Option<String> {
    let mut open: Vec<Open> = Vec::new();
    let mut keys: Vec<Cow<'_, [u8]>> = Vec::new();
    let mut becomes_free = false;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => {
                if open.len() == DEEPEST {
                    return Some(format!("it is nested more than {DEEPEST} deep at byte {at}"));
                }
                let free = becomes_free || open.last().is_some_and(|outer| outer.free);
                becomes_free = false;
                open.push(Open {
                    keys: keys.len(),
                    is_object: byte == b'{',
                    at_key: byte == b'{',
                    free,
                });
            }
            b'}' | b']' => {
                keys.truncate(open.pop().map_or(0, |closed| closed.keys));
                becomes_free = false;
            }
            b',' => {
                becomes_free = false;
                if let Some(open) = open.last_mut() {
                    open.at_key = open.is_object;
                }
            }
            b'"' => {
                let end = end_of_text(bytes, at + 1)?;
                if let Some(object) = open.last_mut().filter(|object| object.at_key) {
                    object.at_key = false;
                    let key = key(&bytes[at..=end]);
                    if keys[object.keys..].contains(&key) {
                        return Some(format!("the key `{}` stands twice at byte {at}", shown(&key)));
                    }
                    if keys.len() - object.keys == MOST_KEYS {
                        return Some(format!("an object holds more than {MOST_KEYS} keys at byte {at}"));
                    }
                    if let Some(known) = misspelt(&key).filter(|_| !object.free) {
                        return Some(format!("the key `{}` is `{known}` to some readers, at byte {at}", shown(&key)));
                    }
                    becomes_free = matches!(key.as_ref(), b"database_specific" | b"ecosystem_specific");
                    keys.push(key);
                }
                at = end;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where the quote is that ends a text.
fn end_of_text(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// A key without its quotes and escapes.
fn key(quoted: &[u8]) -> Cow<'_, [u8]> {
    let plain = &quoted[1..quoted.len() - 1];
    if memchr::memchr(b'\\', plain).is_none() {
        return Cow::Borrowed(plain);
    }
    match serde_json::from_slice::<String>(quoted) {
        Ok(text) => Cow::Owned(text.into_bytes()),
        Err(_) => Cow::Borrowed(plain),
    }
}

/// The known key that this one folds to, as Go folds: case, the long s and the Kelvin sign.
fn misspelt(key: &[u8]) -> Option<&'static str> {
    if key
        .iter()
        .all(|byte| byte.is_ascii_lowercase() || !(byte.is_ascii_alphabetic() || *byte >= 0x80))
    {
        return None;
    }
    let folded: String = String::from_utf8_lossy(key)
        .chars()
        .map(|c| match c {
            'ſ' => 's',
            '\u{212a}' => 'k',
            other => other.to_ascii_lowercase(),
        })
        .collect();
    KNOWN.into_iter().find(|known| *known == folded)
}

fn shown(key: &[u8]) -> String {
    String::from_utf8_lossy(key).chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_stands_twice_is_found_at_every_depth_and_in_every_spelling() {
        for json in [
            r#"{"a":1,"a":2}"#,
            r#"{"x":[{"b":[]},{"a":{},"c":"\"","a":1}]}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"database_specific":{"a":1,"a":1}}"#,
        ] {
            assert!(
                objection(json.as_bytes()).is_some_and(|why| why.contains("`a` stands twice")),
                "{json}"
            );
        }
    }

    #[test]
    fn equal_keys_of_different_objects_and_equal_values_are_no_repetition() {
        for json in [
            r#"{"a":{"a":{"a":"a"}},"b":["a","a",{"a":1},{"a":1}]}"#,
            r#"{"a":"x\",\"a\":\"y","b":"{\"a\":1,\"a\":2}"}"#,
            r#"{"a\\":1,"a":2}"#,
            "[]",
            "",
        ] {
            assert_eq!(objection(json.as_bytes()), None, "{json}");
        }
    }

    #[test]
    fn a_known_key_in_another_spelling_is_found_where_matching_reads_it() {
        for json in [
            r#"{"Affected":[]}"#,
            r#"{"affected":[{"pacKage":{}}]}"#,
            "{\"verſionſ\":[]}",
            r#"{"WITHDRAWN":""}"#,
        ] {
            assert!(objection(json.as_bytes()).is_some(), "{json}");
        }
        // A database's own keys are its own.
        assert_eq!(
            objection(br#"{"database_specific":{"Name":1,"x":{"ID":2}},"credits":[{"contact":["a"]}]}"#),
            None
        );
        assert!(objection(br#"{"database_specific":{"Name":1},"Affected":[]}"#).is_some());
        assert!(objection(br#"{"database_specific":"odd","Affected":[]}"#).is_some());
    }

    #[test]
    fn depth_and_the_number_of_keys_are_bounded() {
        assert!(objection("[".repeat(200).as_bytes()).is_some());
        let many: Vec<String> = (0..2000).map(|number| format!("\"k{number}\":0")).collect();
        assert!(objection(format!("{{{}}}", many.join(",")).as_bytes()).is_some_and(|why| why.contains("keys")));
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = objection(&bytes);
        }
    }
}
