//! The part of YAML that ignore files are written in: block mappings and sequences, scalars plain, quoted or in blocks, sequences in brackets.
//! Everything else (anchors, tags, mappings in braces, several documents) is an error with its line: nothing is guessed.

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

    /// A scalar.
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

#[derive(Debug, Clone)]
struct Line<'a> {
    number: usize,
    indent: usize,
    text: &'a str,
}

/// Parses a document.
pub(super) fn parse(text: &str) -> Result<Node, Problem> {
    let mut lines = Vec::new();
    for (number, raw) in (1..).zip(text.lines()) {
        let indent = raw.len() - raw.trim_start_matches(' ').len();
        if raw[indent..].starts_with('\t') {
            return Err((Some(number), "a tab indents it".to_owned()));
        }
        let is_marker = number == 1 && raw.trim_end() == "---";
        if !is_marker {
            lines.push(Line {
                number,
                indent,
                text: raw[indent..].trim_end(),
            });
        }
    }
    let mut parser = Parser { lines, at: 0 };
    parser.skip_blank();
    let Some(first) = parser.lines.get(parser.at).map(|line| line.indent) else {
        return Ok(Node {
            line: 1,
            value: Value::Text(String::new()),
        });
    };
    let root = parser.block(first, 0)?;
    parser.skip_blank();
    match parser.lines.get(parser.at) {
        Some(line) => Err((Some(line.number), "its indentation fits nothing above".to_owned())),
        None => Ok(root),
    }
}

struct Parser<'a> {
    lines: Vec<Line<'a>>,
    at: usize,
}

impl<'a> Parser<'a> {
    fn skip_blank(&mut self) {
        while self
            .lines
            .get(self.at)
            .is_some_and(|line| line.text.is_empty() || line.text.starts_with('#'))
        {
            self.at += 1;
        }
    }

    /// A mapping or a sequence whose lines begin at `indent`.
    fn block(&mut self, indent: usize, depth: usize) -> Result<Node, Problem> {
        let line = self.lines[self.at].clone();
        if depth > MAX_DEPTH {
            return Err((Some(line.number), "it lies too deep".to_owned()));
        }
        if is_item(line.text) {
            return self.sequence(indent, depth);
        }
        let mut pairs = Vec::new();
        while let Some(line) = self.next_at(indent)? {
            if is_item(line.text) {
                break;
            }
            let (key, rest) = key_of(line.text).ok_or_else(|| (Some(line.number), "it is no `key: value`".to_owned()))?;
            if pairs.iter().any(|(known, _)| *known == key) {
                return Err((Some(line.number), format!("`{key}` is there twice")));
            }
            self.at += 1;
            pairs.push((key, self.value(rest, line.number, indent, depth, true)?));
        }
        Ok(Node {
            line: line.number,
            value: Value::Map(pairs),
        })
    }

    fn sequence(&mut self, indent: usize, depth: usize) -> Result<Node, Problem> {
        let first = self.lines[self.at].number;
        let mut items = Vec::new();
        while let Some(line) = self.next_at(indent)? {
            if !is_item(line.text) {
                break;
            }
            let rest = line.text[1..].trim_start();
            if key_of(rest).is_some() && !rest.starts_with(['"', '\'', '[']) {
                // `- key: value`: a mapping that begins in the item's own line.
                let inner = indent + (line.text.len() - rest.len());
                self.lines[self.at] = Line {
                    number: line.number,
                    indent: inner,
                    text: rest,
                };
                items.push(self.block(inner, depth + 1)?);
            } else {
                self.at += 1;
                items.push(self.value(rest, line.number, indent, depth, false)?);
            }
        }
        Ok(Node {
            line: first,
            value: Value::List(items),
        })
    }

    /// The next line if it belongs to the block at `indent`.
    fn next_at(&mut self, indent: usize) -> Result<Option<Line<'a>>, Problem> {
        self.skip_blank();
        match self.lines.get(self.at) {
            Some(line) if line.indent == indent => Ok(Some(line.clone())),
            Some(line) if line.indent > indent => Err((Some(line.number), "its indentation fits nothing above".to_owned())),
            _ => Ok(None),
        }
    }

    /// What follows a key or a dash: on the same line, or in the lines below.
    fn value(&mut self, rest: &'a str, number: usize, indent: usize, depth: usize, of_key: bool) -> Result<Node, Problem> {
        let node = |value| Node { line: number, value };
        let rest = without_comment(rest);
        if rest.starts_with(['|', '>']) {
            return Ok(node(Value::Text(self.block_scalar(rest.starts_with('>'), indent))));
        }
        if let Some(inner) = rest.strip_prefix('[') {
            let inner = inner
                .strip_suffix(']')
                .ok_or_else(|| (Some(number), "a list in brackets must end in its line".to_owned()))?;
            let items = inner.split(',').map(str::trim).filter(|item| !item.is_empty());
            let items: Result<Vec<Node>, Problem> = items.map(|item| Ok(node(Value::Text(scalar(item, number)?)))).collect();
            return Ok(node(Value::List(items?)));
        }
        if !rest.is_empty() {
            return Ok(node(Value::Text(scalar(rest, number)?)));
        }
        self.skip_blank();
        match self.lines.get(self.at) {
            Some(line) if line.indent > indent => {
                let inner = line.indent;
                self.block(inner, depth + 1)
            }
            // A sequence may lie at the indentation of its key.
            Some(line) if of_key && line.indent == indent && is_item(line.text) => self.sequence(indent, depth + 1),
            _ => Ok(node(Value::Text(String::new()))),
        }
    }

    fn block_scalar(&mut self, folded: bool, indent: usize) -> String {
        let mut lines = Vec::new();
        while let Some(line) = self.lines.get(self.at).filter(|line| line.text.is_empty() || line.indent > indent) {
            lines.push(line.text);
            self.at += 1;
        }
        lines.join(if folded { " " } else { "\n" }).trim().to_owned()
    }
}

fn is_item(text: &str) -> bool {
    text == "-" || text.starts_with("- ")
}

/// `key: value` → the key and what follows.
fn key_of(text: &str) -> Option<(String, &str)> {
    let (key, rest) = match text.split_once(": ") {
        Some((key, rest)) => (key, rest.trim_start()),
        None => (text.strip_suffix(':').or_else(|| text.split_once(": #").map(|(key, _)| key))?, ""),
    };
    let key = key.trim().trim_matches(['"', '\'']);
    let is_word = !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    is_word.then(|| (key.to_owned(), rest))
}

fn without_comment(text: &str) -> &str {
    if text.starts_with('#') {
        return "";
    }
    if text.starts_with(['"', '\'']) {
        return text;
    }
    text.split(" #").next().unwrap_or(text).trim_end()
}

fn scalar(text: &str, line: usize) -> Result<String, Problem> {
    match text.chars().next() {
        Some('"') => {
            let end = text[1..]
                .rfind('"')
                .ok_or_else(|| (Some(line), "a quote is not closed".to_owned()))?;
            serde_json::from_str(&text[..end + 2]).map_err(|_| (Some(line), "an escape in quotes is not understood".to_owned()))
        }
        Some('\'') => {
            let end = text[1..]
                .rfind('\'')
                .ok_or_else(|| (Some(line), "a quote is not closed".to_owned()))?;
            Ok(text[1..=end].replace("''", "'"))
        }
        Some('&' | '*' | '!' | '{' | '}' | ']' | '%' | '@' | '`') => Err((
            Some(line),
            format!("`{}` is not understood", text.chars().take(40).collect::<String>()),
        )),
        _ if text == "~" || text == "null" => Ok(String::new()),
        _ => Ok(text.to_owned()),
    }
}
