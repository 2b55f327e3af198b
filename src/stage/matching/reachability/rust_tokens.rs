//! The words and signs of a Rust source, with their lines: comments and texts are passed over.
//!
//! Source: the Rust reference, "Lexical structure". What is no Rust gives words all the same: nothing here fails.

/// A word or a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'s> {
    /// A name, a keyword, a number or one sign.
    pub(super) text: &'s str,
    /// From 1.
    pub(super) line: u32,
}

/// All of a source.
pub(super) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut reading = Reading { source, at: 0, line: 1 };
    let mut found = Vec::new();
    while let Some(first) = reading.rest().chars().next() {
        let line = reading.line;
        let start = reading.at;
        if reading.skip_silent(first) {
            continue;
        }
        let word = reading.rest().find(|c: char| !is_of_word(c)).unwrap_or(reading.rest().len());
        reading.pass(if word > 0 { word } else { first.len_utf8() });
        let text = &source[start..reading.at];
        if word > 0 && reading.skip_prefixed_text(text) {
            continue;
        }
        found.push(Token { text, line });
    }
    found
}

struct Reading<'s> {
    source: &'s str,
    /// In bytes, at a character.
    at: usize,
    line: u32,
}

impl<'s> Reading<'s> {
    fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    fn pass(&mut self, bytes: usize) {
        let passed = &self.rest()[..bytes];
        let lines = passed.bytes().filter(|byte| *byte == b'\n').count();
        self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.at += bytes;
    }

    /// Passes over a blank, a comment, a text or a character.
    fn skip_silent(&mut self, first: char) -> bool {
        let rest = self.rest();
        if first.is_whitespace() {
            self.pass(first.len_utf8());
        } else if rest.starts_with("//") {
            self.pass(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.pass(comment(rest));
        } else if first == '"' {
            self.pass(text(rest));
        } else if first == '\'' {
            self.pass(character(rest));
        } else {
            return false;
        }
        true
    }

    /// Passes over what follows `r`, `b`, `c`, `br` or `cr`, where that begins a text or a byte; a raw name (`r#fn`) is a word.
    fn skip_prefixed_text(&mut self, prefix: &str) -> bool {
        let rest = self.rest();
        let is_raw = matches!(prefix, "r" | "br" | "cr");
        let hashes = rest.bytes().take_while(|byte| *byte == b'#').count();
        if is_raw && rest[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let body = hashes + 1;
            let length = rest[body..].find(&end).map_or(rest.len(), |at| body + at + end.len());
            self.pass(length);
            return true;
        }
        match (prefix, rest.chars().next()) {
            ("b" | "c", Some('"')) => self.pass(text(rest)),
            ("b", Some('\'')) => self.pass(character(rest)),
            _ => return false,
        }
        true
    }
}

fn is_of_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Bytes of a comment in a comment in a comment.
fn comment(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let (mut at, mut depth) = (2, 1u32);
    while depth > 0 && at < bytes.len() {
        match &bytes[at..(at + 2).min(bytes.len())] {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    up_to_character(rest, at)
}

/// Bytes of a text with its quotes.
fn text(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// Bytes of a character with its quotes; 1 for the sign before a lifetime.
fn character(rest: &str) -> usize {
    let mut after = rest.char_indices().skip(1);
    match after.next() {
        Some((_, '\\')) => {
            let Some((at, escaped)) = after.next() else { return 1 };
            let behind = at + escaped.len_utf8();
            rest[behind..].find('\'').map_or(1, |end| behind + end + 1)
        }
        Some((at, c)) if rest[at + c.len_utf8()..].starts_with('\'') => at + c.len_utf8() + 1,
        _ => 1,
    }
}

fn up_to_character(rest: &str, mut at: usize) -> usize {
    while !rest.is_char_boundary(at) {
        at += 1;
    }
    at.min(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<&str> {
        tokens(source).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_texts_have_no_words() {
        assert_eq!(words("a /* fn b /* c */ d */ e // fn f\ng"), ["a", "e", "g"]);
        assert_eq!(
            words(r####"x("fn \" y", r#"fn " z"#, b"fn", br"\", 'f', '\'', b'\\', '"') end"####),
            ["x", "(", ",", ",", ",", ",", ",", ",", ",", ")", "end"]
        );
        assert_eq!(words("&'a str 'outer: loop"), ["&", "a", "str", "outer", ":", "loop"]);
        assert_eq!(words("r#fn"), ["r", "#", "fn"]);
    }

    #[test]
    fn lines_are_counted_through_whatever_is_passed_over() {
        let found = tokens("a\n/* \n */ b \"\n\" c");
        assert_eq!(found.iter().map(|token| token.line).collect::<Vec<_>>(), [1, 3, 4]);
    }

    #[test]
    fn what_ends_in_the_middle_is_no_panic() {
        for odd in ["/*", "/* é", "\"\\", "'", "'\\", "'\\é", "b'", "r#\"", "'é", "é'", "\"é\\"] {
            drop(tokens(odd));
        }
    }
}
