//! One pass over a JSON text that refuses whatever two readers could read differently.

use std::collections::HashSet;

use crate::model::excused::Excused as _;

use super::fold::{folded, folded_field};
use super::{Refused, Shape};

/// Objects with more keys than this are looked up in a table, smaller ones key by key.
const FEW: usize = 16;

/// Checks a text against its form. `nesting` is how deep objects and lists may stand in each other.
pub(super) fn scan(text: &str, shape: &Shape, nesting: usize) -> Result<(), Refused> {
    let mut scanner = Scanner { text, at: 0, nesting };
    scanner.value(shape, 0)?;
    scanner.blank();
    match scanner.at == text.len() {
        true => Ok(()),
        false => Err(scanner.refused("something follows the end of the document")),
    }
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    nesting: usize,
}

impl Scanner<'_> {
    fn value(&mut self, shape: &Shape, depth: usize) -> Result<(), Refused> {
        self.blank();
        if depth > self.nesting {
            return Err(self.refused(format!("it is nested deeper than {} levels", self.nesting)));
        }
        let start = self.at;
        let wrong = |expected: &str| Refused {
            reason: format!("expected {expected}"),
            offset: start,
        };
        match (self.peek(), shape) {
            (Some(b'{'), Shape::Any | Shape::Map(_) | Shape::Keys(_) | Shape::Message(_)) => self.object(shape, depth),
            (Some(b'['), Shape::Any) => self.list(&Shape::Any, depth),
            (Some(b'['), Shape::List(inner)) => self.list(inner, depth),
            (Some(b'"'), Shape::Any | Shape::Text) => self.string().map(drop),
            (Some(b'-' | b'0'..=b'9'), Shape::Any | Shape::Number) => self.number(matches!(shape, Shape::Number)),
            (Some(b't' | b'f'), Shape::Any | Shape::Flag) if self.word("true") || self.word("false") => Ok(()),
            (Some(b'n'), _) if self.word("null") => Ok(()),
            (_, Shape::Any) => Err(wrong("a value")),
            (_, Shape::Text) => Err(wrong("a string")),
            (_, Shape::Number) => Err(wrong("a whole number")),
            (_, Shape::Flag) => Err(wrong("true or false")),
            (_, Shape::List(_)) => Err(wrong("a list")),
            (_, Shape::Map(_) | Shape::Keys(_) | Shape::Message(_)) => Err(wrong("an object")),
        }
    }

    fn object(&mut self, shape: &Shape, depth: usize) -> Result<(), Refused> {
        self.at += 1;
        let mut keys = Keys::default();
        self.blank();
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            self.blank();
            let offset = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.refused("expected a key"));
            }
            let key = self.string()?;
            let inner = shape.of_key(&key).map_err(|reason| Refused { reason, offset })?;
            if let Err(key) = keys.insert(key) {
                return Err(Refused {
                    reason: format!("the key {} stands twice in one object", shown(&key)),
                    offset,
                });
            }
            self.blank();
            self.expect(b':')?;
            self.value(inner, depth + 1)?;
            self.blank();
            if self.take(b'}') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    fn list(&mut self, inner: &Shape, depth: usize) -> Result<(), Refused> {
        self.at += 1;
        self.blank();
        if self.take(b']') {
            return Ok(());
        }
        loop {
            self.value(inner, depth + 1)?;
            self.blank();
            if self.take(b']') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    /// A string, with its escapes resolved.
    fn string(&mut self) -> Result<String, Refused> {
        self.at += 1;
        let mut value = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.bytes().position(|b| matches!(b, b'"' | b'\\' | 0..=0x1f));
            let plain = plain.ok_or_else(|| self.refused("a string does not end"))?;
            value.push_str(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(value);
                }
                Some(b'\\') => value.push(self.escape()?),
                _ => return Err(self.refused("a control character in a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Refused> {
        let start = self.at;
        self.at += 1;
        let escaped = self.peek();
        self.at += 1;
        Ok(match escaped {
            Some(b @ (b'"' | b'\\' | b'/')) => char::from(b),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(start),
            _ => {
                self.at = start;
                return Err(self.refused("an unknown escape"));
            }
        })
    }

    /// Go puts a replacement character in the place of half a pair; others refuse it.
    fn unicode(&mut self, start: usize) -> Result<char, Refused> {
        let half = |offset| Refused {
            reason: "half of a surrogate pair".to_owned(),
            offset,
        };
        let first = self.four_digits()?;
        if !(0xd800..0xe000).contains(&first) {
            return char::from_u32(first).ok_or_else(|| half(start));
        }
        if first >= 0xdc00 || !self.word("\\u") {
            return Err(half(start));
        }
        let second = self.four_digits()?;
        if !(0xdc00..0xe000).contains(&second) {
            return Err(half(start));
        }
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or_else(|| half(start))
    }

    fn four_digits(&mut self) -> Result<u32, Refused> {
        let digits = self.text.get(self.at..self.at + 4);
        let digits = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).or_none("the caller refuses the escape"));
        let number = number.ok_or_else(|| self.refused("an escape without four digits"))?;
        self.at += 4;
        Ok(number)
    }

    /// A number; where Go reads it into an `int64`, one that fits.
    fn number(&mut self, whole: bool) -> Result<(), Refused> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let digits = |at: &mut usize| {
            let from = *at;
            while bytes.get(*at).is_some_and(u8::is_ascii_digit) {
                *at += 1;
            }
            *at > from
        };
        let mut at = start + usize::from(bytes.get(start) == Some(&b'-'));
        let zero = bytes.get(at) == Some(&b'0');
        let first = at;
        let mut good = digits(&mut at) && (!zero || at == first + 1);
        let integer = at;
        if bytes.get(at) == Some(&b'.') {
            at += 1;
            good &= digits(&mut at);
        }
        if matches!(bytes.get(at), Some(b'e' | b'E')) {
            at += 1;
            at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
            good &= digits(&mut at);
        }
        if !good {
            return Err(self.refused("an invalid number"));
        }
        if whole && (at != integer || self.text[start..at].parse::<i64>().is_err()) {
            return Err(self.refused("a number that is not whole, or does not fit into 64 bits"));
        }
        self.at = at;
        Ok(())
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), Refused> {
        match self.take(byte) {
            true => Ok(()),
            false => Err(self.refused(format!("expected `{}`", char::from(byte)))),
        }
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn refused(&self, reason: impl Into<String>) -> Refused {
        Refused {
            reason: reason.into(),
            offset: self.at.min(self.text.len()),
        }
    }
}

impl Shape {
    /// The form of what stands under a key; why the key is refused.
    fn of_key(&self, key: &str) -> Result<&Self, String> {
        let (known, fold): (_, fn(&str) -> String) = match self {
            Self::Keys(known) => (*known, folded),
            Self::Message(known) => (*known, folded_field),
            Self::Map(inner) => return Ok(inner),
            _ => return Ok(&Self::Any),
        };
        if let Some((_, inner)) = known.iter().find(|(name, _)| *name == key) {
            return Ok(inner);
        }
        let other = fold(key);
        match known.iter().find(|(name, _)| fold(name) == other) {
            Some((name, _)) => Err(format!("the key {} would be read as `{name}` elsewhere", shown(key))),
            None => Ok(&Self::Any),
        }
    }
}

/// A key for a message: short, and without what a terminal would obey.
fn shown(key: &str) -> String {
    let cut: String = key.chars().take(60).collect();
    format!("`{}`", cut.escape_debug())
}

/// The keys of one object.
#[derive(Default)]
struct Keys {
    few: Vec<String>,
    many: HashSet<String>,
}

impl Keys {
    /// The key is given back when it was there.
    fn insert(&mut self, key: String) -> Result<(), String> {
        if self.many.is_empty() && self.few.len() < FEW {
            if self.few.contains(&key) {
                return Err(key);
            }
            self.few.push(key);
            return Ok(());
        }
        if self.many.is_empty() {
            self.many.extend(self.few.drain(..));
        }
        if self.many.contains(&key) {
            return Err(key);
        }
        self.many.insert(key);
        Ok(())
    }
}
