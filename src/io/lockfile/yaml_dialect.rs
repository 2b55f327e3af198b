//! The forms of YAML that package managers write, and that all readers take alike.

/// True for a line that no reader takes for several: js-yaml ends lines at a carriage return, YAML 1.1 at three more characters.
pub(super) fn is_one_line(raw: &str) -> bool {
    let line = raw.strip_suffix('\r').unwrap_or(raw);
    !line.contains(['\r', '\u{85}', '\u{2028}', '\u{2029}'])
}

/// True for a key that is what it is written as.
pub(super) fn is_key(key: &str) -> bool {
    match quoted(key) {
        Some(inner) => !inner.contains('\\'),
        None => is_plain(key) && key != "<<" && !key.ends_with(' '),
    }
}

/// True for a value that is whole on its line: quoted, plain, in braces or in brackets; or a text of several lines where nobody reads it.
pub(super) fn is_value(key: &str, value: &str) -> bool {
    match value {
        "" => true,
        "|" | ">" | "|-" | ">-" | "|+" | ">+" => key == "deprecated",
        value if value.starts_with('{') => pairs(value).is_some(),
        value if value.starts_with('[') => items(value),
        value => is_scalar(value),
    }
}

/// The pairs of `{a: b, 'c': [d]}`, each as it is written; `None` where it is of another form.
pub(super) fn pairs(text: &str) -> Option<Vec<(&str, &str)>> {
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    let mut pairs = Vec::new();
    for part in parts(inner)? {
        let (key, value) = match part.strip_prefix(['"', '\'']) {
            Some(rest) => {
                let end = rest.find(&part[..1])? + 2;
                (&part[..end], part[end..].strip_prefix(": ")?)
            }
            None => part.split_once(": ")?,
        };
        let is_list = value.starts_with('[') && items(value);
        if !is_key(key) || !(is_list || is_scalar(value)) {
            return None;
        }
        pairs.push((key, value));
    }
    Some(pairs)
}

fn items(text: &str) -> bool {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.and_then(parts).is_some_and(|parts| parts.into_iter().all(is_scalar))
}

/// The parts between `, ` outside of quotes and brackets; `None` where a comma stands otherwise, or something is not closed.
fn parts(inner: &str) -> Option<Vec<&str>> {
    if inner.is_empty() {
        return Some(Vec::new());
    }
    let (mut parts, mut start, mut quote, mut open) = (Vec::new(), 0, None, false);
    for (at, c) in inner.char_indices() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (Some(_), _) => {}
            // Within a word an apostrophe is a letter.
            (None, '"' | '\'') if inner[..at].ends_with([' ', '[']) || at == 0 => quote = Some(c),
            (None, '{' | '}') => return None,
            (None, '[') if open => return None,
            (None, '[') => open = true,
            (None, ']') => open = false,
            (None, ',') => {
                let behind = &inner[at + 1..];
                if !behind.starts_with(' ') || behind.starts_with("  ") {
                    return None;
                }
                if !open {
                    parts.push(&inner[start..at]);
                    start = at + 2;
                }
            }
            (None, _) => {}
        }
    }
    parts.push(&inner[start..]);
    (quote.is_none() && !open).then_some(parts)
}

/// True for a quoted or plain text that ends where it seems to.
fn is_scalar(value: &str) -> bool {
    match value.chars().next() {
        Some('"') => quoted(value).is_some() && serde_json::from_str::<serde::de::IgnoredAny>(value).is_ok(),
        Some('\'') => quoted(value).is_some_and(|inner| !inner.replace("''", "").contains('\'')),
        _ => is_plain(value),
    }
}

/// What stands between quotes.
fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    text[1..].strip_suffix(quote)
}

/// True for a text without quotes that no sign of YAML begins, ends or parts.
fn is_plain(text: &str) -> bool {
    let begins_otherwise = text.starts_with(['{', '}', '[', ']', ',', '&', '*', '!', '|', '>', '%', '@', '`', '"', '\'', '#', '?'])
        || text.starts_with("- ")
        || text == "-";
    !text.is_empty() && !begins_otherwise && !text.contains(" #") && !text.contains(": ") && !text.ends_with(':')
}
