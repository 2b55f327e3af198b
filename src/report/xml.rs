//! Foreign text in XML.

use super::text::prose;

/// Foreign text as one line of an element or of an attribute in double quotes: no markup, and none of the characters that XML 1.0 has no way to write.
#[must_use]
pub(super) fn escape(text: &str) -> String {
    let text = prose(text);
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // The only ones of Unicode's non-characters that XML forbids; controls are escapes already.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_ends_no_attribute_and_no_element() {
        let text = escape("a\"/><!-- ' & ]]> \u{0}\u{1b}[31m\u{ffff}\u{fffe}\n\u{202e}");
        assert_eq!(
            text,
            "a&quot;/&gt;&lt;!-- &#39; &amp; ]]&gt; \\u{0}\\u{1b}[31m\u{fffd}\u{fffd} \\u{202e}"
        );
    }
}
