//! Quotes, and what a `$` stands for.

use super::lexer::{Lexer, Unreadable, push};
use super::syntax::Part;

/// How deep quotes and substitutions may lie in each other.
const DEEPEST: usize = 32;

impl Lexer {
    /// `'…'`
    pub(super) fn until_quote(&mut self) -> Result<String, Unreadable> {
        self.at += 1;
        let rest = &self.text[self.at..];
        let length = rest.iter().position(|c| *c == '\'').ok_or(Unreadable)?;
        let text = rest[..length].iter().collect();
        self.at += length + 1;
        Ok(text)
    }

    /// `"…"`: a backslash quotes only what would mean something there.
    pub(super) fn double_quoted(&mut self, parts: &mut Vec<Part>, depth: usize) -> Result<(), Unreadable> {
        self.at += 1;
        parts.push(Part::Quoted(String::new()));
        loop {
            match self.peek().ok_or(Unreadable)? {
                '"' => break,
                '\\' => {
                    self.at += 1;
                    match self.next().ok_or(Unreadable)? {
                        '\n' => {}
                        c if matches!(c, '$' | '`' | '"' | '\\') => push(parts, c, true),
                        c => {
                            push(parts, '\\', true);
                            push(parts, c, true);
                        }
                    }
                }
                '`' => {
                    self.backquoted()?;
                    parts.push(Part::Unknown);
                }
                '$' => parts.push(self.value(true, depth)?),
                c => {
                    self.at += 1;
                    push(parts, c, true);
                }
            }
        }
        self.at += 1;
        Ok(())
    }

    pub(super) fn backquoted(&mut self) -> Result<(), Unreadable> {
        self.at += 1;
        loop {
            match self.next().ok_or(Unreadable)? {
                '`' => return Ok(()),
                '\\' => self.at += 1,
                _ => {}
            }
        }
    }

    /// What a `$` stands for.
    pub(super) fn value(&mut self, is_quoted: bool, depth: usize) -> Result<Part, Unreadable> {
        self.at += 1;
        let plain = |name: String, has_other| Part::Value {
            name,
            is_quoted,
            has_other,
        };
        match self.peek() {
            Some('(') => {
                self.at += 1;
                self.parenthesis(1, depth + 1)?;
                Ok(Part::Unknown)
            }
            Some('{') => {
                self.at += 1;
                let start = self.at;
                self.brace(depth + 1)?;
                let inside: String = self.text[start..self.at - 1].iter().collect();
                let length = name_length(&inside);
                let (name, rest) = inside.split_at(length);
                let is_other = ["-", ":-", "?", ":?"].iter().any(|operator| rest.starts_with(operator));
                Ok(match rest {
                    _ if name.is_empty() => Part::Unknown,
                    "" => plain(name.to_owned(), false),
                    _ if is_other => plain(name.to_owned(), true),
                    _ => Part::Unknown,
                })
            }
            // Escapes as in C, which not every shell knows.
            Some('\'') if !is_quoted => {
                self.at += 1;
                loop {
                    match self.next().ok_or(Unreadable)? {
                        '\'' => return Ok(Part::Unknown),
                        '\\' => self.at += 1,
                        _ => {}
                    }
                }
            }
            // A translation in bash, a dollar and a quoted word in others.
            Some('"') if !is_quoted => Ok(Part::Unknown),
            _ => {
                let rest: String = self.text[self.at..].iter().take(256).collect();
                let length = match name_length(&rest) {
                    length if rest.starts_with(|c: char| c.is_ascii_digit()) => length.min(1),
                    length => length,
                };
                self.at += length;
                Ok(match length {
                    0 => Part::Quoted("$".to_owned()),
                    length => plain(rest[..length].to_owned(), false),
                })
            }
        }
    }

    /// Up to the parenthesis that ends `open` of them.
    pub(super) fn parenthesis(&mut self, open: usize, depth: usize) -> Result<(), Unreadable> {
        self.enclosed(open, ('(', ')'), depth)
    }

    pub(super) fn brace(&mut self, depth: usize) -> Result<(), Unreadable> {
        self.enclosed(1, ('{', '}'), depth)
    }

    pub(super) fn enclosed(&mut self, mut open: usize, (opens, closes): (char, char), depth: usize) -> Result<(), Unreadable> {
        if depth > DEEPEST {
            return Err(Unreadable);
        }
        while open > 0 {
            match self.peek().ok_or(Unreadable)? {
                '\'' => drop(self.until_quote()?),
                '"' => self.double_quoted(&mut Vec::new(), depth + 1)?,
                '`' => self.backquoted()?,
                '\\' => self.at += 2,
                c => {
                    self.at += 1;
                    open = if c == opens { open + 1 } else { open - usize::from(c == closes) };
                }
            }
        }
        Ok(())
    }
}

/// How much of the start of a text is the name of a variable, a number, or one of the shell's own.
fn name_length(text: &str) -> usize {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match text.chars().next() {
        Some(c) if c.is_ascii_digit() => text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()),
        Some(c) if letter(c) => text.find(|c| !letter(c)).unwrap_or(text.len()),
        Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => 1,
        _ => 0,
    }
}
