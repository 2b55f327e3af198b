//! The commands of a shell's text.

use super::instead::looks_back;
use super::lexer::{Lexer, Unreadable};
use super::syntax::{AndOr, Command, Hangs, List, Part, Pipeline, Simple, Word};

/// How deep commands may lie in each other.
const DEEPEST: usize = 32;

/// Reads a whole text.
pub(super) fn parsed(text: &str) -> Result<List, Unreadable> {
    let mut parser = Parser {
        lexer: Lexer::of(text),
        depth: 0,
    };
    let list = parser.list(&[])?;
    match parser.lexer.peek() {
        None => Ok(list),
        Some(_) => Err(Unreadable),
    }
}

struct Parser {
    lexer: Lexer,
    depth: usize,
}

impl Parser {
    /// Up to one of these words, a parenthesis, the end of a branch of `case`, or the end.
    fn list(&mut self, ends: &[&str]) -> Result<List, Unreadable> {
        let mut list = List::new();
        loop {
            self.lexer.lines();
            let is_end = match self.lexer.peek() {
                None | Some(')') => true,
                Some(';') => self.lexer.sees(";;") || self.lexer.sees(";&"),
                _ => self.lexer.bare_word().is_some_and(|word| ends.contains(&word.as_str())),
            };
            if is_end {
                return Ok(list);
            }
            let mut next = self.and_or()?;
            self.lexer.blanks();
            let ends_branch = self.lexer.sees(";;") || self.lexer.sees(";&");
            next.in_background = self.lexer.eat("&");
            let goes_on = next.in_background || !ends_branch && self.lexer.eat(";") || self.lexer.end_of_line();
            list.push(next);
            if !goes_on && !ends_branch && self.lexer.peek().is_some_and(|c| c != ')') {
                return Err(Unreadable);
            }
        }
    }

    /// A list that something must follow.
    fn list_until(&mut self, end: &str) -> Result<List, Unreadable> {
        let list = self.list(&[end])?;
        self.expect(end)?;
        Ok(list)
    }

    fn expect(&mut self, word: &str) -> Result<(), Unreadable> {
        self.lexer.eat_word(word).then_some(()).ok_or(Unreadable)
    }

    fn and_or(&mut self) -> Result<AndOr, Unreadable> {
        let start = self.lexer.at;
        let mut whole = AndOr {
            first: self.pipeline()?,
            ..AndOr::default()
        };
        loop {
            self.lexer.blanks();
            let hangs = match () {
                () if self.lexer.eat("&&") => Hangs::OnSuccess,
                () if self.lexer.eat("||") => Hangs::OnFailure,
                () => {
                    let text: String = self.lexer.text[start..self.lexer.at.min(self.lexer.text.len())].iter().collect();
                    whole.looks_back = looks_back(&text);
                    return Ok(whole);
                }
            };
            self.lexer.lines();
            whole.rest.push((hangs, self.pipeline()?));
        }
    }

    fn pipeline(&mut self) -> Result<Pipeline, Unreadable> {
        let mut pipeline = Pipeline::default();
        loop {
            self.lexer.blanks();
            if self.lexer.eat_word("!") {
                pipeline.is_negated = !pipeline.is_negated;
            } else if self.lexer.eat_word("time") {
                self.lexer.blanks();
                self.lexer.eat_word("-p");
            } else {
                break;
            }
        }
        loop {
            pipeline.commands.push(self.command()?);
            self.lexer.blanks();
            if self.lexer.sees("||") || !(self.lexer.eat("|&") || self.lexer.eat("|")) {
                return Ok(pipeline);
            }
            self.lexer.lines();
        }
    }

    fn command(&mut self) -> Result<Command, Unreadable> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Unreadable);
        }
        self.lexer.blanks();
        let compound = self.compound()?;
        let is_definition = matches!(compound, Some(Command::Function { .. }));
        let command = match compound {
            Some(command) => command,
            None => self.simple()?,
        };
        self.lexer.blanks();
        while !is_definition && self.lexer.redirection()? {
            self.lexer.blanks();
        }
        self.depth -= 1;
        Ok(command)
    }

    fn compound(&mut self) -> Result<Option<Command>, Unreadable> {
        if self.lexer.eat("((") {
            self.lexer.parenthesis(2, 0)?;
            return Ok(Some(Command::Test));
        }
        if self.lexer.eat("(") {
            let list = self.list(&[])?;
            return self.lexer.eat(")").then_some(Some(Command::Subshell(list))).ok_or(Unreadable);
        }
        let Some(word) = self.lexer.bare_word() else { return Ok(None) };
        let reserved = [
            "{", "if", "while", "until", "for", "select", "case", "[[", "function", "}", "then", "else", "elif", "fi", "do", "done", "esac",
        ];
        if !reserved.contains(&word.as_str()) {
            return Ok(None);
        }
        self.lexer.eat(&word);
        Ok(Some(match word.as_str() {
            "{" => Command::Group(self.list_until("}")?),
            "if" => self.choice()?,
            "while" | "until" => Command::Loop {
                condition: Some(self.list_until("do")?),
                variable: None,
                body: self.list_until("done")?,
            },
            "for" | "select" => self.each()?,
            "case" => self.case()?,
            "[[" => self.test()?,
            "function" => self.function()?,
            _ => return Err(Unreadable),
        }))
    }

    /// `if` was read.
    fn choice(&mut self) -> Result<Command, Unreadable> {
        let (mut conditions, mut branches) = (vec![self.list_until("then")?], Vec::new());
        loop {
            branches.push(self.list(&["elif", "else", "fi"])?);
            if self.lexer.eat_word("elif") {
                conditions.push(self.list_until("then")?);
                continue;
            }
            if self.lexer.eat_word("else") {
                branches.push(self.list(&["fi"])?);
            }
            self.expect("fi")?;
            return Ok(Command::Choice { conditions, branches });
        }
    }

    /// `for` was read.
    fn each(&mut self) -> Result<Command, Unreadable> {
        let mut variable = None;
        self.lexer.blanks();
        if self.lexer.eat("((") {
            self.lexer.parenthesis(2, 0)?;
        } else {
            variable = self.lexer.bare_word();
            self.lexer.word()?.ok_or(Unreadable)?;
            self.lexer.lines();
            if self.lexer.eat_word("in") {
                self.lexer.blanks();
                while self.lexer.word()?.is_some() {
                    self.lexer.blanks();
                }
            }
        }
        self.lexer.blanks();
        self.lexer.eat(";");
        self.lexer.lines();
        self.expect("do")?;
        Ok(Command::Loop {
            condition: None,
            variable,
            body: self.list_until("done")?,
        })
    }

    /// `case` was read.
    fn case(&mut self) -> Result<Command, Unreadable> {
        self.lexer.blanks();
        self.lexer.word()?.ok_or(Unreadable)?;
        self.lexer.lines();
        self.expect("in")?;
        let mut branches = Vec::new();
        loop {
            self.lexer.lines();
            if self.lexer.eat_word("esac") {
                let conditions = Vec::new();
                return Ok(Command::Choice { conditions, branches });
            }
            self.lexer.eat("(");
            loop {
                self.lexer.blanks();
                self.lexer.word()?.ok_or(Unreadable)?;
                self.lexer.blanks();
                if !self.lexer.eat("|") {
                    break;
                }
            }
            if !self.lexer.eat(")") {
                return Err(Unreadable);
            }
            branches.push(self.list(&["esac"])?);
            for end in [";;&", ";;", ";&"] {
                if self.lexer.eat(end) {
                    break;
                }
            }
        }
    }

    /// `[[` was read.
    fn test(&mut self) -> Result<Command, Unreadable> {
        loop {
            self.lexer.lines();
            if self.lexer.eat_word("]]") {
                return Ok(Command::Test);
            }
            if self.lexer.word()?.is_none() {
                self.lexer.next().ok_or(Unreadable)?;
            }
        }
    }

    /// `function` was read.
    fn function(&mut self) -> Result<Command, Unreadable> {
        self.lexer.blanks();
        let name = self.lexer.bare_word().ok_or(Unreadable)?;
        self.lexer.eat(&name);
        self.lexer.blanks();
        if self.lexer.eat("(") {
            self.lexer.blanks();
            if !self.lexer.eat(")") {
                return Err(Unreadable);
            }
        }
        self.defined(name)
    }

    fn defined(&mut self, name: String) -> Result<Command, Unreadable> {
        self.lexer.lines();
        let body = Box::new(self.command()?);
        Ok(Command::Function { name, body })
    }

    fn simple(&mut self) -> Result<Command, Unreadable> {
        let mut simple = Simple::default();
        let (mut is_empty, mut is_bare) = (true, false);
        loop {
            self.lexer.blanks();
            if self.lexer.redirection()? {
                is_empty = false;
                continue;
            }
            let bare = self.lexer.bare_word();
            let Some(mut word) = self.lexer.word()? else { break };
            if bare.as_deref().is_some_and(names_descriptor) && matches!(self.lexer.peek(), Some('<' | '>')) {
                // A part of the redirection to bash, and a word to others.
                word = Word(vec![Part::Unknown]);
            }
            is_bare = is_empty && bare.is_some();
            is_empty = false;
            match assigned(&word).filter(|_| simple.words.is_empty()) {
                Some(assignment) => simple.assignments.push(assignment),
                None => simple.words.push(word),
            }
        }
        if is_bare && self.lexer.eat("(") {
            self.lexer.blanks();
            let [Word(parts)] = simple.words.as_slice() else {
                return Err(Unreadable);
            };
            let ([Part::Bare(name)], true) = (parts.as_slice(), self.lexer.eat(")")) else {
                return Err(Unreadable);
            };
            return self.defined(name.clone());
        }
        match is_empty {
            true => Err(Unreadable),
            false => Ok(Command::Simple(simple)),
        }
    }
}

/// `{NAME}` before a redirection.
fn names_descriptor(word: &str) -> bool {
    let inner = word.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    inner.is_some_and(is_name)
}

/// True for what may name a variable.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `NAME=value`.
pub(super) fn assigned(word: &Word) -> Option<(String, Word)> {
    let (Part::Bare(text), rest) = word.0.split_first()? else {
        return None;
    };
    let (name, value) = text.split_once('=')?;
    let value = match value {
        "~" => Part::Home,
        value if value.starts_with('~') || value.contains(":~") => Part::Unknown,
        value => Part::Bare(value.to_owned()),
    };
    is_name(name).then(|| (name.to_owned(), Word(std::iter::once(value).chain(rest.iter().cloned()).collect())))
}
