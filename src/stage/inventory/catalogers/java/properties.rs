//! Files of properties, as `java.util.Properties` loads them: comments, lines that go on, escapes, and of a key that comes twice the last value.

use std::collections::BTreeMap;

/// Every key with its value. What is no escape of Java's stands for itself without its backslash, as there.
pub(super) fn properties(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    // A line ends with any of the three marks.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines = text.lines();
    while let Some(first) = lines.next() {
        let first = first.trim_start_matches(BLANKS);
        if first.is_empty() || first.starts_with(['#', '!']) {
            continue;
        }
        let mut whole = first.to_owned();
        while goes_on(&whole) {
            whole.pop();
            let Some(next) = lines.next() else { break };
            whole.push_str(next.trim_start_matches(BLANKS));
        }
        let (key, value) = split(&whole);
        found.insert(unescaped(key), unescaped(value));
    }
    found
}

const BLANKS: [char; 3] = [' ', '\t', '\x0c'];

/// A line that ends in a backslash which is not itself escaped.
fn goes_on(line: &str) -> bool {
    let backslashes = line.len() - line.trim_end_matches('\\').len();
    backslashes % 2 == 1
}

/// The key ends at the first `=`, `:` or blank that is not escaped.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line.find(|c: char| {
        let ends = !escaped && (BLANKS.contains(&c) || matches!(c, '=' | ':'));
        escaped = c == '\\' && !escaped;
        ends
    });
    let (key, rest) = line.split_at(end.unwrap_or(line.len()));
    let rest = rest.trim_start_matches(BLANKS);
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (key, rest.trim_start_matches(BLANKS))
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('u') => {
                let digits: String = chars.by_ref().take(4).collect();
                let letter = u32::from_str_radix(&digits, 16).map_or(None, char::from_u32);
                out.push(letter.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('f') => out.push('\x0c'),
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_are_those_that_java_loads() {
        let text = "#c\n! version=9\nversion=3.0\n version : 1.0\ngroupId org.acme\nartifactId=ev\\u0069l\nlong=a\\\n   b\\\\\nodd\\=key=v\nempty=\n";
        let found = properties(text);
        let expected = [
            ("artifactId", "evil"),
            ("empty", ""),
            ("groupId", "org.acme"),
            ("long", "ab\\"),
            ("odd=key", "v"),
            ("version", "1.0"),
        ];
        let found: Vec<(&str, &str)> = found.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_carriage_return_alone_ends_a_line() {
        assert_eq!(
            properties("version=3.0\n#x\rversion=1.0").get("version").map(String::as_str),
            Some("1.0")
        );
        assert_eq!(
            properties("version=3.0\\\r\n.1\n").get("version").map(String::as_str),
            Some("3.0.1"),
            "the control"
        );
    }
}
