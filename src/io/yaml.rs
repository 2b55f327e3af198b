//! YAML documents as trees, with lines, anchors followed: for readers that must see what every other reader sees.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{Event, Parser, ScanError, Span, Tag};

/// How deep values may lie in each other.
const DEPTH: usize = 100;

/// A value with the line on which it begins.
#[derive(Debug)]
pub struct Node {
    /// The line where it begins, from 1.
    pub line: u32,
    /// A text, a list or a map.
    pub value: Value,
}

/// What a value is.
#[derive(Debug)]
pub enum Value {
    /// A scalar, escapes undone.
    Text(String),
    /// A sequence.
    List(Vec<Rc<Node>>),
    /// A mapping, in its order; keys may be anything, and there more than once.
    Map(Vec<(Rc<Node>, Rc<Node>)>),
}

/// What could not be read.
#[derive(Debug, PartialEq, Eq)]
pub struct Unread {
    /// The line, from 1.
    pub line: u32,
    /// Why it is no document that we read, in words.
    pub what: String,
}

/// Reads every document of a text. What comes before a mistake is given with it; an incomplete document is closed where the mistake is.
#[must_use]
pub fn documents(text: &str) -> (Vec<Rc<Node>>, Vec<Unread>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        anchors: HashMap::new(),
        open: Vec::new(),
        documents: Vec::new(),
        unread: Vec::new(),
    };
    // Whether comments are events is up to what else is built with the parser.
    for event in Parser::new_from_str_with_options(text, granit_parser::options! { emit_comments: false }) {
        if let Err(unread) = reader.take(event) {
            reader.unread.push(unread);
            break;
        }
    }
    while let Some(open) = reader.open.pop() {
        let node = open.close();
        reader.put(node, 0);
    }
    (reader.documents, reader.unread)
}

/// A collection that has not ended yet.
struct Open {
    line: u32,
    anchor: usize,
    is_map: bool,
    nodes: Vec<Rc<Node>>,
}

impl Open {
    fn close(self) -> Rc<Node> {
        let value = if self.is_map {
            let mut pairs = Vec::with_capacity(self.nodes.len() / 2);
            let mut nodes = self.nodes.into_iter();
            while let (Some(key), Some(value)) = (nodes.next(), nodes.next()) {
                pairs.push((key, value));
            }
            Value::Map(pairs)
        } else {
            Value::List(self.nodes)
        };
        Rc::new(Node { line: self.line, value })
    }
}

struct Reader {
    anchors: HashMap<usize, Rc<Node>>,
    open: Vec<Open>,
    documents: Vec<Rc<Node>>,
    unread: Vec<Unread>,
}

impl Reader {
    fn take(&mut self, event: Result<(Event<'_>, Span), ScanError>) -> Result<(), Unread> {
        let (event, span) = event.map_err(|error| Unread {
            line: number(error.marker().line()),
            what: error.info().to_string(),
        })?;
        let line = number(span.start.line());
        match event {
            Event::Scalar(text, _, anchor, tag) => {
                self.tagged(tag.as_deref(), line);
                let value = Value::Text(text.into_owned());
                self.put(Rc::new(Node { line, value }), anchor);
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.tagged(tag.as_deref(), line);
                self.begin(line, anchor, false)?;
            }
            Event::MappingStart(_, anchor, tag) => {
                self.tagged(tag.as_deref(), line);
                self.begin(line, anchor, true)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    let anchor = open.anchor;
                    let node = open.close();
                    self.put(node, anchor);
                }
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(node) => self.put(node, 0),
                None => {
                    return Err(Unread {
                        line,
                        what: "an alias names what has not ended".to_owned(),
                    });
                }
            },
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, line: u32, anchor: usize, is_map: bool) -> Result<(), Unread> {
        if self.open.len() >= DEPTH {
            return Err(Unread {
                line,
                what: format!("values lie more than {DEPTH} deep"),
            });
        }
        self.open.push(Open {
            line,
            anchor,
            is_map,
            nodes: Vec::new(),
        });
        Ok(())
    }

    fn put(&mut self, node: Rc<Node>, anchor: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        match self.open.last_mut() {
            Some(open) => open.nodes.push(node),
            None => self.documents.push(node),
        }
    }

    /// A tag of one's own, or one of bytes, makes something else of the text, which readers do each in their way.
    fn tagged(&mut self, tag: Option<&Tag>, line: u32) {
        if let Some(tag) = tag
            && !tag.is_yaml_core_schema()
        {
            self.unread.push(Unread {
                line,
                what: "a tag is not understood".to_owned(),
            });
        }
    }
}

fn number(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}
