//! The trees of YAML files, with the line where each value begins. What would have to be guessed (aliases, tags, keys that are there twice, a
//! second document) is an error with its line.

use std::iter::Peekable;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span};

/// A value with the line where it begins, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) line: usize,
    value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

type Problem = (Option<usize>, String);

/// How deep values may lie in each other.
const MAX_DEPTH: usize = 16;

impl Node {
    /// The pairs of a mapping; an empty value has none.
    pub(super) fn entries(&self, what: &str) -> Result<Vec<(&str, &Node)>, Problem> {
        match &self.value {
            Value::Map(pairs) => Ok(pairs.iter().map(|(key, node)| (key.as_str(), node)).collect()),
            Value::Text(text) if text.is_empty() => Ok(Vec::new()),
            _ => Err((Some(self.line), format!("{what} is not a mapping"))),
        }
    }

    /// The items of a sequence; an empty value has none.
    pub(super) fn items(&self, what: &str) -> Result<&[Node], Problem> {
        match &self.value {
            Value::List(items) => Ok(items),
            Value::Text(text) if text.is_empty() => Ok(&[]),
            _ => Err((Some(self.line), format!("`{what}` is not a list"))),
        }
    }

    pub(super) fn text(&self, what: &str) -> Result<&str, Problem> {
        match &self.value {
            Value::Text(text) => Ok(text),
            _ => Err((Some(self.line), format!("`{what}` is not a text"))),
        }
    }

    /// A sequence of scalars.
    pub(super) fn texts(&self, what: &str) -> Result<Vec<String>, Problem> {
        self.items(what)?.iter().map(|item| item.text(what).map(str::to_owned)).collect()
    }
}

/// Parses a file of one document, or of none.
pub(super) fn parse(text: &str) -> Result<Node, Problem> {
    let mut reader = Reader {
        // Whether comments are events is up to what else is built with the parser.
        events: Parser::new_from_str_with_options(text, granit_parser::options! { emit_comments: false }).peekable(),
    };
    let mut root = None;
    loop {
        let (event, line) = reader.next()?;
        match event {
            Event::StreamEnd => break,
            Event::DocumentStart(..) if root.is_some() => return Err((Some(line), "a second document begins".to_owned())),
            Event::DocumentStart(..) => root = Some(reader.value(0)?),
            _ => {}
        }
    }
    Ok(root.unwrap_or(Node {
        line: 1,
        value: Value::Text(String::new()),
    }))
}

struct Reader<'a, I: Iterator<Item = Result<(Event<'a>, Span), ScanError>>> {
    events: Peekable<I>,
}

impl<'a, I: Iterator<Item = Result<(Event<'a>, Span), ScanError>>> Reader<'a, I> {
    fn next(&mut self) -> Result<(Event<'a>, usize), Problem> {
        match self.events.next() {
            Some(Ok((event, span))) => Ok((event, span.start.line())),
            Some(Err(error)) => Err((Some(error.marker().line()), error.info().to_string())),
            None => Err((None, "it ends too early".to_owned())),
        }
    }

    fn ends(&mut self, end: &Event<'_>) -> bool {
        matches!(self.events.peek(), Some(Ok((event, _))) if event == end)
    }

    fn value(&mut self, depth: usize) -> Result<Node, Problem> {
        let (event, line) = self.next()?;
        let problem = |what: &str| Err((Some(line), what.to_owned()));
        if depth > MAX_DEPTH {
            return problem("it lies too deep");
        }
        let value = match event {
            Event::Scalar(_, _, _, Some(_)) | Event::SequenceStart(_, _, Some(_)) | Event::MappingStart(_, _, Some(_)) => {
                return problem("a tag is not understood");
            }
            Event::Scalar(text, ScalarStyle::Plain, ..) if matches!(&*text, "~" | "null") => Value::Text(String::new()),
            Event::Scalar(text, ..) => Value::Text(text.trim_end().to_owned()),
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                while !self.ends(&Event::SequenceEnd) {
                    items.push(self.value(depth + 1)?);
                }
                self.next()?;
                Value::List(items)
            }
            Event::MappingStart(..) => {
                let mut pairs: Vec<(String, Node)> = Vec::new();
                while !self.ends(&Event::MappingEnd) {
                    let key = self.value(depth + 1)?;
                    let name = key.text("a key")?.to_owned();
                    if pairs.iter().any(|(known, _)| *known == name) {
                        return Err((Some(key.line), format!("`{name}` is there twice")));
                    }
                    pairs.push((name, self.value(depth + 1)?));
                }
                self.next()?;
                Value::Map(pairs)
            }
            Event::Alias(_) => return problem("an alias is not followed"),
            _ => return problem("it ends too early"),
        };
        Ok(Node { line, value })
    }
}
