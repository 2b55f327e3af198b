//! Text for Markdown: nothing that a package is called becomes a link, an image or a tag.

use crate::report::text::prose;

/// Rows of one table; the files hold the rest.
pub(super) const ROWS: usize = 200;

/// `shown` of `all` have a row.
pub(super) fn rest(out: &mut String, all: usize, shown: usize) {
    if all > shown {
        out.push_str(&format!("\nand {} more in `findings.json`\n", all - shown));
    }
}

/// Foreign text as Markdown that shows it and does nothing else, also inside a table.
#[must_use]
pub fn escape(text: &str) -> String {
    let text = prose(text);
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // Behind these two GitHub makes links out of plain text; the word joiner is invisible and ends that.
            '@' | '#' => {
                out.push('\\');
                out.push(c);
                out.push('\u{2060}');
            }
            // "www." and "http://" become links by themselves; an escaped sign ends that.
            '.' | ':' | '/' if is_link_sign(&out, c) => {
                out.push('\\');
                out.push(c);
            }
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '+' | '|' | '~' | '!' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    // A line that begins with these would be a list, a heading rule or a quote.
    if out.starts_with(['-', '=']) {
        out.insert(0, '\\');
    }
    out
}

/// True for the sign that would end `www` or `http`.
fn is_link_sign(before: &str, sign: char) -> bool {
    match sign {
        '.' => before.to_ascii_lowercase().ends_with("www"),
        ':' => before.ends_with(|c: char| c.is_ascii_alphabetic()),
        _ => before.ends_with("\\:"),
    }
}

/// Foreign text as a code span, also inside a table.
#[must_use]
pub fn code(text: &str) -> String {
    let text = prose(text).replace('|', "\\|");
    if text.is_empty() {
        return String::new();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    if longest > 0 {
        format!("{fence} {text} {fence}")
    } else {
        format!("{fence}{text}{fence}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_makes_no_html_link_mention_or_table() {
        let hostile = "<img src=x> [a](http://evil.example) @admin #1 a|b www.evil.example `x` \n# heading\u{202e}";
        let text = escape(hostile);
        for bad in ["<img", "](", "http://", "www.", "@admin", "\n", " #1", "\u{202e}"] {
            assert!(!text.contains(bad), "{bad} in {text}");
        }
        assert!(!text.replace("\\|", "").contains('|'));
    }

    #[test]
    fn a_code_span_holds_whatever_stands_in_it() {
        assert_eq!(code("a`b"), "`` a`b ``");
        assert_eq!(code("a|b"), "`a\\|b`");
        assert_eq!(code("``"), "``` `` ```");
        assert_eq!(code("a\n::error::b"), "`a ::error::b`");
    }
}
