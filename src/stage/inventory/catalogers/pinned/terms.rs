//! The terms of Erlang and Elixir that lock files hold: texts, atoms, numbers, tuples, lists and maps. What their languages have beside that is refused.
//!
//! Source: Erlang's reference manual, "Data Types"; Elixir's "Syntax reference".

use crate::io::limits::Limits;

/// A term, and the line on which it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) line: u32,
    pub(super) value: Value,
}

/// A pair of a map or of a keyword list is a tuple of two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Atom(String),
    Number,
    Tuple(Vec<Term>),
    List(Vec<Term>),
    Map(Vec<Term>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Erlang,
    Elixir,
}

/// The terms of a file, each of which ends with a full stop.
pub(super) fn erlang(text: &str) -> Result<Vec<Term>, String> {
    let mut reader = Reader::new(text, Language::Erlang);
    let mut terms = Vec::new();
    while !reader.is_at_end() {
        terms.push(reader.told()?);
        reader.blank();
        if !reader.take(".") || reader.rest.starts_with(|c: char| !c.is_whitespace() && c != '%') {
            return Err(format!("line {}: a term does not end with a full stop", reader.line));
        }
    }
    Ok(terms)
}

/// The one term of a file; none where it has none.
pub(super) fn elixir(text: &str) -> Result<Option<Term>, String> {
    let mut reader = Reader::new(text, Language::Elixir);
    if reader.is_at_end() {
        return Ok(None);
    }
    let term = reader.told()?;
    if reader.is_at_end() {
        Ok(Some(term))
    } else {
        Err(format!("line {}: more follows its map", reader.line))
    }
}

struct Reader<'t> {
    rest: &'t str,
    line: u32,
    depth: usize,
    language: Language,
}

type Part<T> = Result<T, &'static str>;

impl<'t> Reader<'t> {
    fn new(text: &'t str, language: Language) -> Self {
        Self {
            rest: text,
            line: 1,
            depth: 0,
            language,
        }
    }

    fn told(&mut self) -> Result<Term, String> {
        self.term().map_err(|problem| format!("line {}: {problem}", self.line))
    }

    fn is_at_end(&mut self) -> bool {
        self.blank();
        self.rest.is_empty()
    }

    /// Skips blanks and comments.
    fn blank(&mut self) {
        let comment = if self.language == Language::Erlang { '%' } else { '#' };
        loop {
            let bare = self.rest.trim_start();
            self.skip(self.rest.len() - bare.len());
            // A map of Elixir begins with the letter that begins a comment of Erlang.
            if !self.rest.starts_with(comment) {
                return;
            }
            self.skip(self.rest.find('\n').unwrap_or(self.rest.len()));
        }
    }

    fn skip(&mut self, length: usize) {
        let lines = self.rest[..length].bytes().filter(|byte| *byte == b'\n').count();
        self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.rest = &self.rest[length..];
    }

    fn take(&mut self, mark: &str) -> bool {
        let is_there = self.rest.starts_with(mark);
        if is_there {
            self.rest = &self.rest[mark.len()..];
        }
        is_there
    }

    fn term(&mut self) -> Part<Term> {
        self.blank();
        self.depth += 1;
        if self.depth > Limits::default().nesting {
            return Err("it is nested too deeply");
        }
        let line = self.line;
        let value = self.value()?;
        self.depth -= 1;
        Ok(Term { line, value })
    }

    fn value(&mut self) -> Part<Value> {
        let is_erlang = self.language == Language::Erlang;
        if self.take("{") {
            return Ok(Value::Tuple(self.items("}")?));
        }
        if self.take("[") {
            return Ok(Value::List(self.items("]")?));
        }
        if !is_erlang && self.take("%{") {
            return Ok(Value::Map(self.items("}")?));
        }
        if is_erlang && self.take("<<") {
            return self.binary().map(Value::Text);
        }
        if !is_erlang && self.take(":") {
            let quoted = self.rest.starts_with('"');
            return if quoted { self.text('"') } else { self.word() }.map(Value::Atom);
        }
        match self.rest.chars().next() {
            Some('"') if is_erlang => self.texts().map(Value::Text),
            Some('"') => self.text('"').map(Value::Text),
            Some('\'') if is_erlang => self.text('\'').map(Value::Atom),
            Some('0'..='9') => self.number(),
            Some('a'..='z' | '_') => self.word().map(Value::Atom),
            _ => Err("it holds something else than texts, atoms, numbers, tuples, lists and maps"),
        }
    }

    fn items(&mut self, end: &str) -> Part<Vec<Term>> {
        let mut items = Vec::new();
        loop {
            self.blank();
            if self.take(end) {
                return Ok(items);
            }
            items.push(self.item()?);
            self.blank();
            if self.take(end) {
                return Ok(items);
            }
            if !self.take(",") {
                return Err("a comma or an end is missing");
            }
        }
    }

    /// A term, or in Elixir a pair: `"key" => value`, `"key": value`, `key: value`.
    fn item(&mut self) -> Part<Term> {
        let mut key = self.term()?;
        if self.language == Language::Erlang {
            return Ok(key);
        }
        let is_word = self.rest.starts_with(':');
        if is_word {
            self.take(":");
            if !self.rest.starts_with(char::is_whitespace) {
                return Err("a key has no value behind its colon");
            }
        } else {
            self.blank();
            if !self.take("=>") {
                return Ok(key);
            }
        }
        if let (true, Value::Text(name)) = (is_word, &mut key.value) {
            key.value = Value::Atom(std::mem::take(name));
        }
        let value = self.term()?;
        Ok(Term {
            line: key.line,
            value: Value::Tuple(vec![key, value]),
        })
    }

    fn word(&mut self) -> Part<String> {
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '@')));
        let end = end.unwrap_or(self.rest.len());
        let word = self.rest[..end].to_owned();
        self.skip(end);
        if word.is_empty() { Err("an atom has no name") } else { Ok(word) }
    }

    fn number(&mut self) -> Part<Value> {
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '#')));
        self.skip(end.unwrap_or(self.rest.len()));
        Ok(Value::Number)
    }

    /// Texts of Erlang that follow each other are one.
    fn texts(&mut self) -> Part<String> {
        let mut whole = String::new();
        while self.rest.starts_with('"') {
            whole.push_str(&self.text('"')?);
            self.blank();
        }
        Ok(whole)
    }

    /// What is between `<<` and `>>`: one text.
    fn binary(&mut self) -> Part<String> {
        self.blank();
        let text = self.texts()?;
        self.take("/utf8");
        self.blank();
        if self.take(">>") {
            Ok(text)
        } else {
            Err("a binary is more than one text")
        }
    }

    fn text(&mut self, quote: char) -> Part<String> {
        if self.rest.starts_with("\"\"\"") {
            return Err("it holds a text in three quotes");
        }
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some((_, c @ ('"' | '\'' | '\\'))) => text.push(c),
                    _ => return Err("it holds an escape that is not read"),
                },
                '#' if self.language == Language::Elixir && self.rest[at..].starts_with("#{") => {
                    return Err("it holds a text that is computed");
                }
                c if c == quote => {
                    self.skip(at + 1);
                    return Ok(text);
                }
                c => text.push(c),
            }
        }
        Err("a text has no end")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_plain_term_is_refused() {
        for text in [
            "{a",
            "[a]",
            "[a,].b",
            "<<\"a\",1>>.",
            "\"\\x65\".",
            "A.",
            "$a.",
            "#{}.",
            "{a}.b.",
            "\"\"\"\na\n\"\"\".",
            "f().",
            "[a|b].",
        ] {
            assert!(erlang(text).is_err(), "{text}");
        }
        for text in [
            "%{a: }",
            "%{} %{}",
            "\"#{a}\"",
            "~s(a)",
            "\"\\u0065\"",
            "f()",
            "%{a: 1}.a",
            "1 + 1",
            "<<<<<<< HEAD",
            "%{a:1}",
        ] {
            assert!(elixir(text).is_err(), "{text}");
        }
        assert!(erlang(&"[".repeat(100_000)).is_err() && elixir(&"[".repeat(100_000)).is_err());
    }

    #[test]
    fn terms_are_read_wherever_their_lines_end() {
        let terms = erlang("% a\n{<<\"a\" \"b\"/utf8>>,'C d',[1, x@y]}. [].").expect("terms");
        let text = |line, text: &str| Term {
            line,
            value: Value::Text(text.to_owned()),
        };
        let atom = |line, name: &str| Term {
            line,
            value: Value::Atom(name.to_owned()),
        };
        let number = |line| Term {
            line,
            value: Value::Number,
        };
        let list = Value::List(vec![number(2), atom(2, "x@y")]);
        let tuple = Value::Tuple(vec![text(2, "ab"), atom(2, "C d"), Term { line: 2, value: list }]);
        assert_eq!(
            terms,
            [
                Term { line: 2, value: tuple },
                Term {
                    line: 2,
                    value: Value::List(vec![])
                }
            ]
        );
        let map = elixir("%{\n\"a\" => 1, \"b\": true,\nc: :d,}").expect("a term").expect("one");
        let pair = |key: Term, value: Term| Term {
            line: key.line,
            value: Value::Tuple(vec![key, value]),
        };
        let pairs = vec![
            pair(text(2, "a"), number(2)),
            pair(atom(2, "b"), atom(2, "true")),
            pair(atom(3, "c"), atom(3, "d")),
        ];
        assert_eq!(
            map,
            Term {
                line: 1,
                value: Value::Map(pairs)
            }
        );
    }
}
