//! Foreign text (names of packages, summaries of advisories, paths in images) made safe to show, and laid out by columns.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub use crate::model::visible::visible;

/// Foreign prose as one line: line ends become blanks, everything else as [`visible`].
#[must_use]
pub fn prose(text: &str) -> String {
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    visible(&joined).into_owned()
}

/// Columns that a text takes on a screen; colours take none.
#[must_use]
pub fn width(text: &str) -> usize {
    if !text.contains('\u{1b}') {
        return text.width();
    }
    let mut columns = 0;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            for c in chars.by_ref() {
                if c.is_ascii_alphabetic() {
                    break;
                }
            }
        } else {
            columns += c.width().unwrap_or(0);
        }
    }
    columns
}

/// The text, followed by blanks up to `columns`.
#[must_use]
pub fn pad(text: &str, columns: usize) -> String {
    let blanks = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(blanks))
}

/// The text if it fits, else its beginning and the sign of a cut. Not for coloured text.
#[must_use]
pub fn fit<'a>(text: &'a str, columns: usize, cut: &str) -> Cow<'a, str> {
    if text.width() <= columns {
        return Cow::Borrowed(text);
    }
    let room = columns.saturating_sub(cut.width());
    let mut taken = 0;
    let head: String = text
        .chars()
        .take_while(|c| {
            taken += c.width().unwrap_or(0);
            taken <= room
        })
        .collect();
    Cow::Owned(format!("{}{cut}", head.trim_end()))
}

/// Folds prose at blanks into lines of at most `columns`; a word that is longer stands alone.
#[must_use]
pub fn fold(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if line.is_empty() {
            line.push_str(word);
        } else if width(line) + 1 + width(word) <= columns {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_counts_columns_and_not_colours() {
        assert_eq!(width("\u{1b}[1;31mab\u{1b}[0m"), 2);
        assert_eq!(width("日本"), 4);
        assert_eq!(pad("日本", 6), "日本  ");
        assert_eq!(fit("abcdef", 4, "…"), "abc…");
        assert_eq!(fit("abcd", 4, "…"), "abcd");
    }

    #[test]
    fn prose_folds_at_blanks() {
        assert_eq!(fold("one two three", 7), ["one two", "three"]);
        assert_eq!(fold("averylongword b", 4), ["averylongword", "b"]);
    }
}
