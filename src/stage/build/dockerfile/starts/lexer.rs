//! The words of a shell's text, and what stands between them.

use super::syntax::{Part, Word};

/// It is not understood: a quote or a parenthesis without its end, or what is deeper than anybody writes.
#[derive(Debug)]
pub(super) struct Unreadable;

pub(super) struct Lexer {
    pub(super) text: Vec<char>,
    pub(super) at: usize,
    /// Here-documents whose text begins behind the next end of a line: what ends each, and whether tabs before that are passed over.
    pending: Vec<(String, bool)>,
}

impl Lexer {
    pub(super) fn of(text: &str) -> Self {
        Self {
            text: text.chars().collect(),
            at: 0,
            pending: Vec::new(),
        }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += 1;
        Some(next)
    }

    /// True where these characters come next.
    pub(super) fn sees(&self, what: &str) -> bool {
        what.chars().enumerate().all(|(at, c)| self.text.get(self.at + at) == Some(&c))
    }

    /// Passes over these characters, where they come next.
    pub(super) fn eat(&mut self, what: &str) -> bool {
        let sees = self.sees(what);
        self.at += if sees { what.chars().count() } else { 0 };
        sees
    }

    /// Blanks, comments and continued lines.
    pub(super) fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\r') => self.at += 1,
                Some('#') => while self.peek().is_some_and(|c| c != '\n') && self.next().is_some() {},
                _ if self.eat("\\\n") => {}
                _ => return,
            }
        }
    }

    /// Blanks and ends of lines.
    pub(super) fn lines(&mut self) {
        self.blanks();
        while self.end_of_line() {
            self.blanks();
        }
    }

    /// The end of a line, and the here-documents behind it.
    pub(super) fn end_of_line(&mut self) -> bool {
        let ends = self.eat("\n");
        if ends {
            for (end, strips) in std::mem::take(&mut self.pending) {
                self.pass_document(&end, strips);
            }
        }
        ends
    }

    fn pass_document(&mut self, end: &str, strips: bool) {
        while self.peek().is_some() {
            let line: String = std::iter::from_fn(|| self.next().filter(|c| *c != '\n')).collect();
            let line = if strips { line.trim_start_matches('\t') } else { &line };
            if line == end {
                return;
            }
        }
    }

    /// The word that comes next as it is written, if nothing of it is quoted: a reserved word, or the name of a function.
    pub(super) fn bare_word(&self) -> Option<String> {
        let word: String = self.text[self.at..].iter().take_while(|c| !ends_word(**c)).collect();
        let is_bare = !word.is_empty() && !word.contains(['\'', '"', '\\', '$', '`']);
        is_bare.then_some(word)
    }

    /// Passes over a reserved word, where it comes next.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        self.bare_word().as_deref() == Some(word) && self.eat(word)
    }

    /// Passes over a redirection, with the word behind it.
    pub(super) fn redirection(&mut self) -> Result<bool, Unreadable> {
        let digits = self.text[self.at..].iter().take_while(|c| c.is_ascii_digit()).count();
        let is_both = self.sees("&>");
        let operator = self.at + digits + usize::from(is_both && digits == 0);
        if !matches!(self.text.get(operator), Some('<' | '>')) || self.text.get(operator + 1) == Some(&'(') {
            return Ok(false);
        }
        self.at = operator;
        let strips = self.sees("<<-");
        let is_document = self.sees("<<") && !self.sees("<<<");
        while self.peek().is_some_and(|c| matches!(c, '<' | '>')) {
            self.at += 1;
        }
        if strips || !is_document && matches!(self.peek(), Some('&' | '|')) {
            self.at += 1;
        }
        self.blanks();
        let target = self.word()?.ok_or(Unreadable)?;
        if is_document {
            let text = target.0.iter().map(|part| match part {
                Part::Bare(text) | Part::Quoted(text) => text.as_str(),
                _ => "",
            });
            self.pending.push((text.collect(), strips));
        }
        Ok(true)
    }

    /// The word that comes next; none where something else does.
    pub(super) fn word(&mut self) -> Result<Option<Word>, Unreadable> {
        let start = self.at;
        let mut parts = Vec::new();
        while let Some(c) = self.peek() {
            match c {
                // `<(…)`: a file of what a command says.
                '<' | '>' if self.text.get(self.at + 1) == Some(&'(') => {
                    self.at += 2;
                    self.parenthesis(1, 0)?;
                    parts.push(Part::Unknown);
                }
                // An array.
                '(' if matches!(parts.last(), Some(Part::Bare(text)) if parts.len() == 1 && text.ends_with('=')) => {
                    self.at += 1;
                    self.parenthesis(1, 0)?;
                    parts.push(Part::Unknown);
                }
                c if ends_word(c) => break,
                '\\' => {
                    self.at += 1;
                    match self.next() {
                        Some('\n') => {}
                        Some(next) => parts.push(Part::Quoted(next.to_string())),
                        None => push(&mut parts, '\\', false),
                    }
                }
                '\'' => parts.push(Part::Quoted(self.until_quote()?)),
                '"' => self.double_quoted(&mut parts, 0)?,
                '`' => {
                    self.backquoted()?;
                    parts.push(Part::Unknown);
                }
                '$' => {
                    let part = self.value(false, 0)?;
                    parts.push(part);
                }
                '~' if self.at == start => {
                    self.at += 1;
                    let is_own = self.peek().is_none_or(|next| next == '/' || ends_word(next));
                    parts.push(if is_own { Part::Home } else { Part::Unknown });
                }
                c => {
                    self.at += 1;
                    push(&mut parts, c, false);
                }
            }
        }
        for part in &mut parts {
            if matches!(part, Part::Bare(text) if is_pattern(text)) {
                *part = Part::Unknown;
            }
        }
        Ok((self.at > start).then_some(Word(parts)))
    }
}

pub(super) fn ends_word(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>')
}

pub(super) fn push(parts: &mut Vec<Part>, c: char, is_quoted: bool) {
    match (parts.last_mut(), is_quoted) {
        (Some(Part::Quoted(text)), true) | (Some(Part::Bare(text)), false) => text.push(c),
        (_, true) => parts.push(Part::Quoted(c.to_string())),
        (_, false) => parts.push(Part::Bare(c.to_string())),
    }
}

/// Names of files, or several words of one (`{a,b}`, which bash knows).
fn is_pattern(text: &str) -> bool {
    let in_order = |first: char, second: char| text.find(first).is_some_and(|at| text[at..].contains(second));
    text.contains(['*', '?']) || in_order('[', ']') || in_order('{', '}') && (text.contains(',') || text.contains(".."))
}
