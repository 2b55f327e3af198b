//! The lines of a `go.mod` in words, as Go takes it apart: `require(` is two, and a text in quotes may hold blanks and brackets.
//!
//! Source: `readToken` and `isIdent` of `golang.org/x/mod/modfile`.

/// One word, bracket or comma.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// A word, or a text in quotes without them.
    Text(String),
    /// One of `()[]{},`.
    Mark(char),
    /// A text in quotes with a backslash, or a quote in the middle of a word.
    Odd,
}

/// One line that is not empty.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) number: u32,
    pub(super) words: Vec<Word>,
}

/// Takes the text apart; refuses what Go refuses.
pub(super) fn of(text: &str) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    for (at, line) in text.split('\n').enumerate() {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        let words = words(line).map_err(|problem| format!("line {number}: {problem}"))?;
        if !words.is_empty() {
            lines.push(Line { number, words });
        }
    }
    Ok(lines)
}

fn words(line: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r']);
        let Some(first) = rest.chars().next().filter(|_| !rest.starts_with("//")) else {
            return Ok(words);
        };
        let length = match first {
            '(' | ')' | '[' | ']' | '{' | '}' | ',' => {
                words.push(Word::Mark(first));
                1
            }
            '"' | '`' => {
                let inside = rest[1..].find(first).ok_or("a text in quotes has no end")?;
                // Where a quote follows a backslash the text goes on, and it is not read either way.
                let end = if first == '"' && rest[1..=inside].contains('\\') {
                    words.push(Word::Odd);
                    end_of_escaped(&rest[1..]).ok_or("a text in quotes has no end")?
                } else {
                    words.push(Word::Text(rest[1..=inside].to_owned()));
                    inside
                };
                end + 2
            }
            _ => {
                let end = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
                let end = rest.find("//").map_or(end, |comment| comment.min(end));
                if end == 0 {
                    return Err(format!("{first:?} is no part of a word"));
                }
                let word = &rest[..end];
                if word.contains("/*") {
                    return Err("it has a comment of another language".to_owned());
                }
                words.push(if word.contains(['"', '\'', '`']) {
                    Word::Odd
                } else {
                    Word::Text(word.to_owned())
                });
                end
            }
        };
        rest = &rest[length..];
    }
}

fn end_of_escaped(text: &str) -> Option<usize> {
    let mut escaped = false;
    let end = text.char_indices().find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.map(|(at, _)| at)
}

fn is_of_word(c: char) -> bool {
    !matches!(c, '(' | ')' | '[' | ']' | '{' | '}' | ',') && !c.is_whitespace() && !c.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(line: &str) -> Vec<Word> {
        words(line).expect(line)
    }

    #[test]
    fn words_end_where_go_ends_them() {
        let text = |text: &str| Word::Text(text.to_owned());
        assert_eq!(seen("require("), [text("require"), Word::Mark('(')]);
        assert_eq!(seen("a b//c"), [text("a"), text("b")]);
        assert_eq!(seen("\"a b\"`(`\r"), [text("a b"), text("(")]);
        assert_eq!(seen("\"a\\\"b\" c"), [Word::Odd, text("c")]);
        assert_eq!(seen("a\"b"), [Word::Odd]);
        for line in ["\"a", "`a", "a/*b*/", "\u{b}a", "\"a\\\""] {
            assert!(words(line).is_err(), "{line:?}");
        }
    }
}
