//! Words as the Dockerfile's own shell language has them: quotes, escapes, variables.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// Splits at blanks outside of quotes; quotes and escapes stay. `None` if a quote does not end: then there are no words.
pub(super) fn shell_words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote: Option<char> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, c) if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None | Some('"'), '\\') => {
                word.push(c);
                word.extend(chars.next());
                continue;
            }
            _ => {}
        }
        word.push(c);
    }
    if !word.is_empty() {
        words.push(word);
    }
    quote.is_none().then_some(words)
}

/// A word without its quotes and escapes; as written where it nests too deep.
pub(super) fn unquoted(word: &str, escape: char) -> String {
    let mut left = MOST_TEXT;
    let filled = expand(word, escape, &BTreeMap::new(), &mut Vec::new(), &mut left);
    filled.unwrap_or_else(|TooMuch| word.to_owned())
}

/// Bytes that all variables of a file may be filled in with: `ARG B=$A$A` doubles with each line.
pub(super) const MOST_TEXT: usize = 1 << 20;

/// How deep `${a:-${b:-…}}` may nest.
const DEEPEST: usize = 64;

/// What a text says with its variables filled in is longer, or nests deeper, than any Dockerfile needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMuch;

/// What BuildKit sets by itself in `FROM`, so that a default never counts there.
pub(super) const PLATFORM: &[&str] = &[
    "BUILDPLATFORM",
    "BUILDOS",
    "BUILDOSVERSION",
    "BUILDARCH",
    "BUILDVARIANT",
    "TARGETPLATFORM",
    "TARGETOS",
    "TARGETOSVERSION",
    "TARGETARCH",
    "TARGETVARIANT",
    "TARGETSTAGE",
];

/// Fills in variables as BuildKit does; what is not known stays as written (`${BASE}`), and is named in `unknown`. What it writes is taken
/// from `left`.
pub(super) fn expand(
    text: &str,
    escape: char,
    args: &BTreeMap<String, String>,
    unknown: &mut Vec<String>,
    left: &mut usize,
) -> Result<String, TooMuch> {
    let mut filler = Filler {
        escape,
        args,
        unknown,
        left,
    };
    let filled = filler.expand(text, 0);
    if filled.is_err() {
        *left = 0;
    }
    filled
}

struct Filler<'a> {
    escape: char,
    args: &'a BTreeMap<String, String>,
    unknown: &'a mut Vec<String>,
    left: &'a mut usize,
}

impl<'a> Filler<'a> {
    fn expand(&mut self, text: &str, depth: usize) -> Result<String, TooMuch> {
        if depth > DEEPEST {
            return Err(TooMuch);
        }
        let mut out = String::new();
        let mut rest = text;
        let mut quoted = false;
        while let Some(c) = rest.chars().next() {
            let after = &rest[c.len_utf8()..];
            rest = match c {
                '\'' if !quoted => {
                    let end = after.find('\'').unwrap_or(after.len());
                    self.write(&mut out, &after[..end])?;
                    after.get(end + 1..).unwrap_or_default()
                }
                '"' => {
                    quoted = !quoted;
                    after
                }
                c if c == self.escape => {
                    let next = after.chars().next().map_or(0, char::len_utf8);
                    self.write(&mut out, &after[..next])?;
                    &after[next..]
                }
                '$' => {
                    let (value, written) = self.variable(after, depth)?;
                    self.write(&mut out, value.as_deref().unwrap_or(&rest[..=written]))?;
                    &after[written..]
                }
                c => {
                    self.write(&mut out, &rest[..c.len_utf8()])?;
                    after
                }
            };
        }
        Ok(out)
    }

    fn write(&mut self, out: &mut String, text: &str) -> Result<(), TooMuch> {
        *self.left = self.left.checked_sub(text.len()).ok_or(TooMuch)?;
        out.push_str(text);
        Ok(())
    }

    /// The value of the variable that a text begins with, after its `$`, and how many bytes name it.
    fn variable(&mut self, text: &str, depth: usize) -> Result<(Option<Cow<'a, str>>, usize), TooMuch> {
        let args = self.args;
        let Some(inner) = text.strip_prefix('{') else {
            let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
            let name = &text[..end];
            if end > 0 && !args.contains_key(name) {
                self.unknown.push(name.to_owned());
            }
            return Ok((args.get(name).map(|value| Cow::Borrowed(value.as_str())), end));
        };
        let Some(end) = closing(inner) else {
            self.unknown.push(text.to_owned());
            return Ok((None, text.len()));
        };
        let (body, written) = (&inner[..end], end + 2);
        let at = body.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(body.len());
        let (name, modifier) = body.split_at(at);
        let set = args.get(name).map(String::as_str);
        let full = set.filter(|value| !value.is_empty());
        // The default or replacement that decides, or the value.
        let value = match modifier.as_bytes() {
            _ if set.is_none() && PLATFORM.contains(&name) => Ok(None),
            [] | [b'?', ..] => Ok(set),
            [b':', b'?', ..] => Ok(full),
            [b':', b'-', ..] => full.map(Some).ok_or(&modifier[2..]),
            [b'-', ..] => set.map(Some).ok_or(&modifier[1..]),
            [b':', b'+', ..] => full.map_or(Ok(Some("")), |_| Err(&modifier[2..])),
            [b'+', ..] => set.map_or(Ok(Some("")), |_| Err(&modifier[1..])),
            // Patterns that cut or replace.
            _ => Ok(None),
        };
        let value = match value {
            Ok(value) => value.map(Cow::Borrowed),
            Err(word) => Some(Cow::Owned(self.expand(word, depth + 1)?)),
        };
        if value.is_none() {
            self.unknown.push(name.to_owned());
        }
        Ok((value, written))
    }
}

/// Where the brace ends that was opened before the text.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}
