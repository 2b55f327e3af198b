//! Where a line ends, for each program that reads its files by lines: it differs, and what is behind a comment's end counts.

/// As Java's `BufferedReader.readLine` and `Files.readAllLines`: LF, CR, or both.
pub(super) fn of_java(text: &str) -> impl Iterator<Item = &str> {
    split(text, |c| matches!(c, '\n' | '\r'))
}

/// As Python's `str.splitlines`.
///
/// Source: Python's documentation of `str.splitlines`, the table of line boundaries.
pub(super) fn of_python(text: &str) -> impl Iterator<Item = &str> {
    split(text, |c| {
        matches!(
            c,
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    })
}

fn split(text: &str, is_end: impl Fn(char) -> bool) -> impl Iterator<Item = &str> {
    let mut rest = Some(text).filter(|text| !text.is_empty());
    std::iter::from_fn(move || {
        let now = rest?;
        let Some(end) = now.find(&is_end) else {
            rest = None;
            return Some(now);
        };
        let behind = &now[end..];
        let length = if behind.starts_with("\r\n") {
            2
        } else {
            behind.chars().next().map_or(0, char::len_utf8)
        };
        rest = Some(&behind[length..]).filter(|text| !text.is_empty());
        Some(&now[..end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_their_reader_ends_them() {
        let text = "a\r\nb\rc\n\nd\u{2028}e\u{c}f\u{85}g\n";
        assert_eq!(of_java(text).collect::<Vec<_>>(), ["a", "b", "c", "", "d\u{2028}e\u{c}f\u{85}g"]);
        assert_eq!(of_python(text).collect::<Vec<_>>(), ["a", "b", "c", "", "d", "e", "f", "g"]);
        assert_eq!(of_python("").count(), 0);
    }
}
