//! What a record is called in one line.

use std::borrow::Cow;

use pulldown_cmark::{Event, Options, Parser, TagEnd};

use crate::stage::matching::record::osv::{Record, Text, lenient};

/// So many characters of a title are kept.
const LONGEST: usize = 160;
/// So many bytes of a text are looked at.
const LOOKED_AT: usize = 2 << 10;

/// The summary; where there is none the first sentence of the details, as plain text.
pub(in crate::stage::matching) fn title<'a>(record: &'a Record<'_>) -> Cow<'a, str> {
    let summary = record.summary.as_ref().map_or("", AsRef::as_ref).trim();
    if !summary.is_empty() {
        return Cow::Borrowed(summary);
    }
    let details: Option<Text<'_>> = lenient(record.details);
    Cow::Owned(details.map(|details| first_sentence(details.as_ref())).unwrap_or_default())
}

/// The first sentence of a Markdown text: no headings, no blocks of code, no pictures, no tags, links by their words.
fn first_sentence(markdown: &str) -> String {
    let text = &markdown[..markdown.floor_char_boundary(LOOKED_AT)];
    let found = first_words(text, |tag| matches!(tag, TagEnd::Heading(_) | TagEnd::CodeBlock | TagEnd::Image));
    match found.is_empty() {
        // A heading is better than nothing.
        true => first_words(text, |tag| matches!(tag, TagEnd::CodeBlock | TagEnd::Image)),
        false => found,
    }
}

fn first_words(markdown: &str, is_passed_over: impl Fn(TagEnd) -> bool) -> String {
    let mut text = String::new();
    let mut depth = 0_usize;
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        let mut ends_block = false;
        match event {
            Event::Start(tag) if is_passed_over(tag.to_end()) => depth += 1,
            Event::End(tag) if is_passed_over(tag) => depth -= 1,
            Event::Text(more) | Event::Code(more) if depth == 0 => text.push_str(&more),
            Event::SoftBreak | Event::HardBreak | Event::End(TagEnd::TableCell) => text.push(' '),
            Event::End(TagEnd::Item) => text.push_str(if text.ends_with(char::is_alphanumeric) { ", " } else { " " }),
            Event::End(TagEnd::Paragraph | TagEnd::List(_) | TagEnd::Heading(_) | TagEnd::TableRow) => {
                text.push(' ');
                ends_block = true;
            }
            _ => {}
        }
        if let Some(sentence) = sentence(&text) {
            return cut(&sentence);
        }
        // A colon announces what follows, be it after an empty line.
        if ends_block && !text.trim_end().is_empty() && !text.trim_end().ends_with(':') {
            break;
        }
    }
    cut(joined(&text).trim_end_matches([':', ',']))
}

/// The words up to the end of a sentence, or as many as are kept, once they are there. The last word may go on.
fn sentence(text: &str) -> Option<String> {
    let (whole, _) = text.rsplit_once(char::is_whitespace)?;
    let mut length = 0;
    for (number, word) in whole.split_whitespace().enumerate() {
        length += word.chars().count() + 1;
        if ends_sentence(word) || length > LONGEST + 1 {
            return Some(whole.split_whitespace().take(number + 1).collect::<Vec<_>>().join(" "));
        }
    }
    None
}

fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
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
            (
                "`Guard<T>` is unsound for:\n\n* `Cell<T>`\n* slices\n\nMore",
                "Guard<T> is unsound for: Cell<T> slices",
            ),
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
