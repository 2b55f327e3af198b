//! JSON with comments and commas before closing brackets, as Bun writes it.

/// The same text as JSON: comments and such commas become blanks, so that everything else stays where it is. What is no JSON then was none before.
pub(super) fn to_json(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut comma: Option<usize> = None;
    // A comma may be left out behind a value only.
    let mut behind_value = false;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                (comma, behind_value) = (None, true);
                at += 1;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                let end = bytes[at..]
                    .iter()
                    .position(|byte| *byte == b'\n')
                    .map_or(bytes.len(), |end| at + end);
                bytes[at..end].fill(b' ');
                at = end;
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                let Some(end) = memchr::memmem::find(&bytes[at + 2..], b"*/") else {
                    break;
                };
                let end = at + 2 + end + 2;
                bytes[at..end]
                    .iter_mut()
                    .filter(|byte| **byte != b'\n')
                    .for_each(|byte| *byte = b' ');
                at = end;
                continue;
            }
            b',' if behind_value => (comma, behind_value) = (Some(at), false),
            b']' | b'}' => {
                if let Some(comma) = comma.take() {
                    bytes[comma] = b' ';
                }
                behind_value = true;
            }
            byte if byte.is_ascii_whitespace() => {}
            b'[' | b'{' | b',' | b':' => (comma, behind_value) = (None, false),
            _ => (comma, behind_value) = (None, true),
        }
        at += 1;
    }
    // Only whole comments and single ASCII bytes were replaced.
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_last_commas_become_blanks_and_texts_stay() {
        let text = "{ // a, }\n  \"a//\\\",}\": [1, /* x\n ü */ 2,\n ],\n  \"b\": {\"c\": \"/*\",},\n}\n";
        let json = to_json(text);
        let value: serde_json::Value = serde_json::from_str(&json).expect(&json);
        assert_eq!(value, serde_json::json!({"a//\",}": [1, 2], "b": {"c": "/*"}}));
        assert_eq!((json.len(), json.lines().count()), (text.len(), text.lines().count()));
    }

    #[test]
    fn what_is_no_json_does_not_become_json() {
        for text in ["[1,,]", "[,]", "{,}", "/* x", "[1] /", "\"a"] {
            assert!(serde_json::from_str::<serde_json::Value>(&to_json(text)).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn json_stays_as_it_is(values in proptest::collection::vec("[a-z\"\\\\/*,\\]}é]{0,6}", 0..4)) {
            let text = serde_json::json!({ "a": values, "b": { "c": [1, 2] } }).to_string();
            assert_eq!(to_json(&text), text);
        }
    }
}
