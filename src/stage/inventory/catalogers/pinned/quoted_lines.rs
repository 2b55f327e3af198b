//! The lines of texts in double quotes, for readers whose parser does not tell lines. The file is looked through once, however many texts are asked
//! for.

use std::collections::HashMap;

/// Places of one text that are remembered: a file that repeats it a million times has nothing to tell by that.
const MOST: usize = 1000;

#[derive(Clone, Copy)]
struct Place {
    offset: usize,
    line: u32,
    /// It is the key of an object: `"name": {`.
    is_key: bool,
}

/// Where the texts stand that were asked for.
pub(super) struct QuotedLines<'n> {
    places: HashMap<&'n str, Vec<Place>>,
    at: usize,
}

impl<'n> QuotedLines<'n> {
    /// Looks for texts, as they stand between the quotes.
    pub(super) fn new(text: &str, wanted: impl Iterator<Item = &'n str>) -> Self {
        let mut places: HashMap<&'n str, Vec<Place>> = wanted.map(|name| (name, Vec::new())).collect();
        let bytes = text.as_bytes();
        let (mut at, mut line) = (0, 1u32);
        while let Some(found) = memchr::memchr2(b'"', b'\n', &bytes[at..]) {
            let here = at + found;
            at = here + 1;
            if bytes[here] == b'\n' {
                line = line.saturating_add(1);
                continue;
            }
            // A quote in a comment ends with its line.
            let Some(end) = end_of_text(bytes, at).filter(|end| bytes[*end] == b'"') else {
                continue;
            };
            if let Some(known) = places.get_mut(&text[at..end]).filter(|known| known.len() < MOST) {
                known.push(Place {
                    offset: here,
                    line,
                    is_key: is_key(&bytes[end + 1..]),
                });
            }
            at = end + 1;
        }
        Self { places, at: 0 }
    }

    /// The line of the next place, for texts that are asked for in the order in which they stand.
    pub(super) fn next(&mut self, text: &str) -> Option<u32> {
        let places = self.places.get(text)?;
        let place = places.get(places.partition_point(|place| place.offset < self.at))?;
        self.at = place.offset;
        Some(place.line)
    }

    /// The line of the first place.
    pub(super) fn first(&self, text: &str) -> Option<u32> {
        self.places.get(text)?.first().map(|place| place.line)
    }

    /// The line of the first place where it is the key of an object.
    pub(super) fn key(&self, text: &str) -> Option<u32> {
        let place = self.places.get(text)?.iter().find(|place| place.is_key)?;
        Some(place.line)
    }
}

/// Where a text ends, or its line does.
fn end_of_text(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr3(b'"', b'\\', b'\n', bytes.get(at..)?)?;
        if bytes[at] != b'\\' {
            return Some(at);
        }
        at += 2;
    }
}

fn is_key(behind: &[u8]) -> bool {
    let mut rest = behind.iter().filter(|byte| !byte.is_ascii_whitespace());
    rest.next() == Some(&b':') && rest.next() == Some(&b'{')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_in_their_order_first_and_as_keys() {
        let text = "# a \"lone quote\n{\"x\": [\"a\"],\n\"a\" :\n {\"b\\\"c\": 1},\n\"a\": 2}";
        let mut lines = QuotedLines::new(text, ["a", "x", "b\\\"c", "gone"].into_iter());
        assert_eq!((lines.next("a"), lines.next("a")), (Some(2), Some(2)), "it stays where it is");
        assert_eq!((lines.next("b\\\"c"), lines.next("a")), (Some(4), Some(5)));
        assert_eq!((lines.next("x"), lines.first("x"), lines.key("a")), (None, Some(2), Some(3)));
        assert_eq!(
            (lines.first("gone"), lines.key("x"), lines.first("not asked for")),
            (None, None, None)
        );
    }
}
