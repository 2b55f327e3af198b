//! What a record is called in one line.

use std::borrow::Cow;

use crate::stage::matching::record::osv::{Record, Text, lenient};

/// So many characters of a title are kept.
const LONGEST: usize = 160;
/// So many bytes of a text are looked at.
const LOOKED_AT: usize = 4 << 10;

/// The summary; where there is none the first sentence of the details, as plain text.
pub(in crate::stage::matching) fn title<'a>(record: &'a Record<'_>) -> Cow<'a, str> {
    let summary = record.summary.as_ref().map_or("", AsRef::as_ref).trim();
    if !summary.is_empty() {
        return Cow::Borrowed(summary);
    }
    let details: Option<Text<'_>> = lenient(record.details);
    Cow::Owned(details.map(|details| first_sentence(details.as_ref())).unwrap_or_default())
}

/// The first sentence of a Markdown text: no headings, no code blocks, no marks, links by their words.
fn first_sentence(markdown: &str) -> String {
    let end = markdown.floor_char_boundary(LOOKED_AT);
    let mut found = String::new();
    let mut in_code = false;
    for line in markdown[..end].lines() {
        let line = line.trim();
        if line.starts_with("```") || line.starts_with("~~~") {
            in_code = !in_code;
            continue;
        }
        // A colon announces what follows, be it after an empty line.
        let goes_on = found.is_empty() || found.ends_with(':');
        let is_rule = line.len() > 2
            && line
                .bytes()
                .all(|byte| matches!(byte, b'-' | b'=' | b'*' | b'_' | b'|' | b' ' | b':'));
        if in_code || line.starts_with('#') || line.is_empty() || is_rule {
            match goes_on {
                true => continue,
                false => break,
            }
        }
        let words = plain(line);
        for word in words.split_whitespace() {
            if !found.is_empty() {
                found.push(' ');
            }
            found.push_str(word);
            if ends_sentence(word) {
                return cut(&found);
            }
            if found.chars().count() > LONGEST {
                return cut(&found);
            }
        }
    }
    cut(found.trim_end_matches(':'))
}

/// `e.g.` and a single letter with a dot end no sentence.
fn ends_sentence(word: &str) -> bool {
    let word = word.trim_end_matches(['"', '\'', ')']);
    let Some(bare) = word.strip_suffix(['.', '!', '?']) else {
        return false;
    };
    let short = ["e.g", "i.e", "etc", "vs", "approx", "resp", "aka", "a.k.a", "cf", "No", "no"];
    bare.chars().count() > 1 && !short.contains(&bare.trim_start_matches('(')) && !bare.ends_with('.')
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let kept: String = text.chars().take(LONGEST - 1).collect();
    let at = kept.rfind(' ').unwrap_or(kept.len());
    format!("{}…", kept[..at].trim_end_matches([',', ';', ':', ' ']))
}

/// A line without its marks: lists and quotes lose their sign, emphasis and code their ticks, links and images their address, tags go.
fn plain(line: &str) -> String {
    let mut rest = line.trim_start_matches(['>', ' ']);
    for sign in ["- ", "* ", "+ "] {
        rest = rest.strip_prefix(sign).unwrap_or(rest);
    }
    let mut out = String::with_capacity(rest.len());
    while let Some(at) = rest.find(['`', '*', '_', '[', '<', '!', '\\']) {
        let (sign, after) = (&rest[at..at + 1], &rest[at + 1..]);
        out.push_str(&rest[..at]);
        rest = after;
        match sign {
            "[" => match link(after) {
                Some((words, behind)) => {
                    out.push_str(&plain(words));
                    rest = behind;
                }
                None => out.push('['),
            },
            "!" if after.starts_with('[') => {}
            "<" => match after.split_once('>').filter(|(tag, _)| is_tag(tag)) {
                Some((tag, behind)) => {
                    if tag.contains("://") {
                        out.push_str(tag);
                    }
                    rest = behind;
                }
                None => out.push('<'),
            },
            // Inside of a word it belongs to the word: `snake_case`, `2*3`.
            "_" | "*" if is_inside(&out, after) => out.push_str(sign),
            "`" | "*" | "_" => {}
            "\\" if after.starts_with(|c: char| c.is_ascii_punctuation()) => {
                out.push_str(&after[..1]);
                rest = &after[1..];
            }
            other => out.push_str(other),
        }
    }
    out.push_str(rest);
    out
}

/// The words of a link whose bracket is open, and what is behind its address.
fn link(text: &str) -> Option<(&str, &str)> {
    let (words, behind) = text.split_once(']')?;
    let address = behind.strip_prefix('(')?;
    Some((words, address.split_once(')')?.1))
}

fn is_tag(tag: &str) -> bool {
    let name = tag.trim_start_matches('/');
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && (tag.contains("://") || name.bytes().all(|byte| byte != b'<'))
}

fn is_inside(before: &str, after: &str) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    is_word(before.chars().next_back()) && is_word(after.chars().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_comes_before_the_details() {
        let of = |json: &str| title(&serde_json::from_str::<Record<'_>>(json).expect("a record")).into_owned();
        assert_eq!(of(r#"{"id":"X","summary":" short ","details":"Long."}"#), "short");
        assert_eq!(of(r#"{"id":"X","summary":"","details":"It \"breaks\".\nMore."}"#), "It \"breaks\".");
        assert_eq!(of(r#"{"id":"X","details":["odd"]}"#), "");
        assert_eq!(of(r#"{"id":"X"}"#), "");
    }

    #[test]
    fn markdown_becomes_plain_words() {
        for (markdown, expected) in [
            (
                "### Impact\n\nAn **attacker** can [read](https://a.example/x) `secret_key`. More.",
                "An attacker can read secret_key.",
            ),
            (
                "- A list's item, e.g. this one, with snake_case. And so on.",
                "A list's item, e.g. this one, with snake_case.",
            ),
            ("Affected are versions 1.2.3 and later", "Affected are versions 1.2.3 and later"),
            ("First line\nof a paragraph\n\nAnother one.", "First line of a paragraph"),
            (
                "In the Linux kernel, the following vulnerability has been resolved:\n\nnet: fix a use-after-free\n\nWhen a socket …",
                "In the Linux kernel, the following vulnerability has been resolved: net: fix a use-after-free",
            ),
            ("```\ncode\n```\nText <b>with</b> tags!", "Text with tags!"),
            ("Title\n=====\n", "Title"),
            ("<https://a.example/> tells", "https://a.example/ tells"),
            ("", ""),
        ] {
            assert_eq!(first_sentence(markdown), expected, "{markdown}");
        }
    }

    #[test]
    fn a_long_sentence_is_cut_between_words() {
        let found = first_sentence(&"word, ".repeat(100));
        assert!(found.chars().count() <= LONGEST && found.ends_with("word…"), "{found}");
        assert!(first_sentence(&"é".repeat(5000)).chars().count() <= LONGEST);
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_text_never_panics_and_stays_one_line(text in "([a-zé \\[\\]()<>!*_`#\\\\.:>-]|\n){0,80}") {
            let found = first_sentence(&text);
            proptest::prop_assert!(!found.contains('\n') && found.chars().count() <= LONGEST);
        }
    }
}
