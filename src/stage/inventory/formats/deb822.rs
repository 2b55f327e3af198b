//! Debian's paragraph format: `Name: value` lines, continuation lines that start with a blank, paragraphs parted by empty lines.
//!
//! Source: deb822(5). Nothing is copied: values borrow from the text, continuation lines and their newlines included.

use crate::model::excused::Excused as _;

use super::paragraphs::Block;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::stage::inventory) struct Paragraph<'a> {
    /// Bytes from the start of the text to its first line.
    pub(in crate::stage::inventory) offset: usize,
    /// Number of its first line, from 1.
    pub(in crate::stage::inventory) line: usize,
    /// Names and values in the order of the text.
    pub(in crate::stage::inventory) fields: Vec<(&'a [u8], &'a [u8])>,
    /// The first line that is neither a field nor a continuation.
    pub(in crate::stage::inventory) malformed_line: Option<usize>,
}

impl<'a> Paragraph<'a> {
    /// The value of a field, blanks around it taken off; names are compared without case. None where it is not UTF-8.
    pub(in crate::stage::inventory) fn field(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name.as_bytes()))?;
        std::str::from_utf8(value)
            .or_none("no text is no value: whoever needs it makes a gap")
            .map(str::trim)
    }
}

impl Paragraph<'_> {
    /// How many times a field is given.
    pub(in crate::stage::inventory) fn count(&self, name: &str) -> usize {
        let same = |(field, _): &&(&[u8], &[u8])| field.eq_ignore_ascii_case(name.as_bytes());
        self.fields.iter().filter(same).count()
    }
}

/// Fields that are kept of one paragraph: no package has a tenth of them.
const MOST_FIELDS: usize = 1000;

/// The fields of a paragraph that was read alone.
pub(in crate::stage::inventory) fn paragraph<'b>(block: &Block<'b>) -> Option<Paragraph<'b>> {
    let mut paragraph = paragraphs(block.text).next()?;
    paragraph.offset += block.offset;
    paragraph.line += block.line - 1;
    paragraph.malformed_line = paragraph.malformed_line.map(|line| line + block.line - 1);
    Some(paragraph)
}

/// Parts a text into its paragraphs.
pub(in crate::stage::inventory) fn paragraphs(text: &[u8]) -> impl Iterator<Item = Paragraph<'_>> {
    let mut offset = 0;
    let mut line = 1;
    std::iter::from_fn(move || {
        let mut paragraph: Option<Paragraph<'_>> = None;
        while offset < text.len() {
            let start = offset;
            let end = text[start..].iter().position(|b| *b == b'\n').map_or(text.len(), |at| start + at);
            let content = text[start..end].strip_suffix(b"\r").unwrap_or(&text[start..end]);
            offset = end + 1;
            let number = line;
            line += 1;
            if content.iter().all(u8::is_ascii_whitespace) {
                match paragraph {
                    Some(paragraph) => return Some(paragraph),
                    None => continue,
                }
            }
            let paragraph = paragraph.get_or_insert_with(|| Paragraph {
                offset: start,
                line: number,
                fields: Vec::with_capacity(24),
                malformed_line: None,
            });
            add_line(text, paragraph, start, start + content.len(), number);
        }
        paragraph
    })
}

fn add_line<'a>(text: &'a [u8], paragraph: &mut Paragraph<'a>, start: usize, end: usize, number: usize) {
    let content = &text[start..end];
    if content.starts_with(b"#") {
        return;
    }
    if matches!(content[0], b' ' | b'\t') {
        match paragraph.fields.last_mut() {
            // The value's first byte is in the same text, so that the distance to it is an offset.
            Some((_, value)) => {
                let value_start = value.as_ptr() as usize - text.as_ptr() as usize;
                *value = &text[value_start..end];
            }
            None => _ = paragraph.malformed_line.get_or_insert(number),
        }
        return;
    }
    match content.iter().position(|b| *b == b':') {
        Some(at) if at > 0 && paragraph.fields.len() < MOST_FIELDS && content[..at].iter().all(u8::is_ascii_graphic) => {
            paragraph.fields.push((&content[..at], &text[start + at + 1..end]));
        }
        _ => _ = paragraph.malformed_line.get_or_insert(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_continuation_lines() {
        let text = b"Package: a\nDescription: one\n two\n .\n three\nVersion: 1\n\n\nPackage: b\n";
        let all: Vec<_> = paragraphs(text).collect();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].field("description"), Some("one\n two\n .\n three"));
        assert_eq!(all[0].field("Version"), Some("1"));
        assert_eq!((all[1].line, all[1].field("Package")), (9, Some("b")));
    }

    #[test]
    fn a_line_without_a_colon_is_told_and_the_rest_is_read() {
        let all: Vec<_> = paragraphs(b"Package: a\ngarbage\nVersion: 1\n").collect();
        assert_eq!((all[0].malformed_line, all[0].field("Version")), (Some(2), Some("1")));
    }

    #[test]
    fn a_continuation_without_a_field_is_told() {
        assert_eq!(paragraphs(b" x\n").next().and_then(|p| p.malformed_line), Some(1));
    }
}
