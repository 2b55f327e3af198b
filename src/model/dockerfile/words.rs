//! Words as the Dockerfile's own shell language has them: quotes, escapes, variables.

use std::collections::BTreeMap;

/// Splits at blanks outside of quotes; quotes and escapes stay. `None` if a quote does not end: then there are no words.
pub(super) fn shell_words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote: Option<char> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, c) if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None | Some('"'), '\\') => {
                word.push(c);
                word.extend(chars.next());
                continue;
            }
            _ => {}
        }
        word.push(c);
    }
    if !word.is_empty() {
        words.push(word);
    }
    quote.is_none().then_some(words)
}

/// A word without its quotes and escapes.
pub(super) fn unquoted(word: &str, escape: char) -> String {
    expand(word, escape, &BTreeMap::new(), &mut Vec::new())
}

/// Fills in variables as BuildKit does; what is not known stays as written (`${BASE}`), and is named in `unknown`.
pub(super) fn expand(text: &str, escape: char, args: &BTreeMap<String, String>, unknown: &mut Vec<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    let mut quoted = false;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        rest = match c {
            '\'' if !quoted => {
                let end = after.find('\'').unwrap_or(after.len());
                out.push_str(&after[..end]);
                after.get(end + 1..).unwrap_or_default()
            }
            '"' => {
                quoted = !quoted;
                after
            }
            c if c == escape => {
                let next = after.chars().next();
                out.extend(next);
                &after[next.map_or(0, char::len_utf8)..]
            }
            '$' => {
                let (value, written) = variable(after, escape, args, unknown);
                match value {
                    Some(value) => out.push_str(&value),
                    None => out.push_str(&rest[..1 + written]),
                }
                &after[written..]
            }
            c => {
                out.push(c);
                after
            }
        };
    }
    out
}

/// The value of the variable that a text begins with, after its `$`, and how many bytes name it.
fn variable(text: &str, escape: char, args: &BTreeMap<String, String>, unknown: &mut Vec<String>) -> (Option<String>, usize) {
    let Some(inner) = text.strip_prefix('{') else {
        let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
        let name = &text[..end];
        if end > 0 && !args.contains_key(name) {
            unknown.push(name.to_owned());
        }
        return (args.get(name).cloned(), end);
    };
    let Some(end) = closing(inner) else {
        unknown.push(text.to_owned());
        return (None, text.len());
    };
    let (body, written) = (&inner[..end], end + 2);
    let at = body.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(body.len());
    let (name, modifier) = body.split_at(at);
    let set = args.get(name).cloned();
    let full = set.clone().filter(|value| !value.is_empty());
    let mut word = |from: usize| Some(expand(&modifier[from..], escape, args, unknown));
    let value = match modifier.as_bytes() {
        [] => set,
        [b':', b'-', ..] => full.or_else(|| word(2)),
        [b'-', ..] => set.or_else(|| word(1)),
        [b':', b'+', ..] => full.map_or(Some(String::new()), |_| word(2)),
        [b'+', ..] => set.map_or(Some(String::new()), |_| word(1)),
        [b':', b'?', ..] => full,
        [b'?', ..] => set,
        // Patterns that cut or replace.
        _ => None,
    };
    if value.is_none() {
        unknown.push(name.to_owned());
    }
    (value, written)
}

/// Where the brace ends that was opened before the text.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}
