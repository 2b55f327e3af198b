//! The part of XML that manifests are written in: elements, attributes, texts. A document type may define what texts mean: it is refused.
//!
//! Source: XML 1.0, fifth edition.

use std::collections::BTreeMap;

use super::lines::Lines;
use crate::io::limits::Limits;

/// An element with its attributes, text and children.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Without a prefix.
    pub name: String,
    /// Values by names.
    pub attributes: BTreeMap<String, String>,
    /// What stands in it outside of other elements, trimmed.
    pub text: String,
    /// The elements in it.
    pub elements: Vec<Element>,
    /// The line of its start, from 1.
    pub line: u32,
}

impl Element {
    /// The first element of a name in it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Element> {
        self.all(name).next()
    }

    /// Every element of a name in it.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &Element> {
        self.elements.iter().filter(move |element| element.name == name)
    }

    /// The text of the first element of a name in it, if it is not empty.
    #[must_use]
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.get(name).map(|element| element.text.as_str()).filter(|text| !text.is_empty())
    }

    /// The value of an attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

/// Reads a document.
///
/// # Errors
/// What is wrong, with its line.
pub fn read(text: &str) -> Result<Element, String> {
    let mut reader = Reader {
        lines: Lines::new(text),
        rest: text,
        open: Vec::new(),
        root: None,
    };
    while !reader.rest.is_empty() {
        reader.step().map_err(|problem| format!("{problem} at line {}", reader.line()))?;
    }
    match (reader.open.pop(), reader.root) {
        (Some(open), _) => Err(format!("`<{}>` of line {} has no end", open.name, open.line)),
        (None, Some(root)) => Ok(root),
        (None, None) => Err("it holds no element".to_owned()),
    }
}

struct Reader<'a> {
    lines: Lines<'a>,
    rest: &'a str,
    open: Vec<Element>,
    root: Option<Element>,
}

impl<'a> Reader<'a> {
    fn step(&mut self) -> Result<(), String> {
        if let Some(rest) = self.rest.strip_prefix("<!--") {
            self.rest = behind(rest, "-->")?.1;
        } else if let Some(rest) = self.rest.strip_prefix("<![CDATA[") {
            let (text, rest) = behind(rest, "]]>")?;
            self.add(text)?;
            self.rest = rest;
        } else if let Some(rest) = self.rest.strip_prefix("<?") {
            self.rest = behind(rest, "?>")?.1;
        } else if self.rest.starts_with("<!") {
            return Err("a document type, which is not read,".to_owned());
        } else if let Some(rest) = self.rest.strip_prefix("</") {
            let (name, rest) = behind(rest, ">")?;
            let element = self.open.pop().ok_or("an end without a start")?;
            if local(name.trim()) != element.name {
                return Err(format!("`</{}>` ends `<{}>`", name.trim(), element.name));
            }
            self.rest = rest;
            self.close(element)?;
        } else if let Some(rest) = self.rest.strip_prefix('<') {
            self.start(rest)?;
        } else {
            let end = self.rest.find('<').unwrap_or(self.rest.len());
            let (text, rest) = self.rest.split_at(end);
            self.add(&unescaped(text)?)?;
            self.rest = rest;
        }
        Ok(())
    }

    fn start(&mut self, rest: &'a str) -> Result<(), String> {
        let name_end = rest
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '>'))
            .ok_or("an element without an end")?;
        let (name, mut rest) = rest.split_at(name_end);
        if name.is_empty() || name.contains(['<', '"', '\'', '&', '=']) {
            return Err("an element without a name".to_owned());
        }
        if self.open.len() >= Limits::default().nesting {
            return Err("more elements in each other than are read,".to_owned());
        }
        let mut element = Element {
            name: local(name).to_owned(),
            line: self.line(),
            ..Element::default()
        };
        loop {
            rest = rest.trim_start();
            if let Some(behind) = rest.strip_prefix("/>") {
                self.rest = behind;
                return self.close(element);
            }
            if let Some(behind) = rest.strip_prefix('>') {
                self.rest = behind;
                self.open.push(element);
                return Ok(());
            }
            let (key, value) = rest.split_once('=').ok_or("an attribute without a value")?;
            let value = value.trim_start();
            let quote = value
                .chars()
                .next()
                .filter(|quote| matches!(quote, '"' | '\''))
                .ok_or("an attribute without quotes")?;
            let (value, behind) = value[1..].split_once(quote).ok_or("an attribute without an end")?;
            let key = key.trim().to_owned();
            if key.is_empty() || element.attributes.contains_key(&key) {
                return Err(format!("the attribute `{key}` stands twice or has no name"));
            }
            element.attributes.insert(key, unescaped(value)?);
            rest = behind;
        }
    }

    fn add(&mut self, text: &str) -> Result<(), String> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err("text outside of the root".to_owned()),
        }
        Ok(())
    }

    fn close(&mut self, mut element: Element) -> Result<(), String> {
        element.text = element.text.trim().to_owned();
        match self.open.last_mut() {
            Some(parent) => parent.elements.push(element),
            None if self.root.is_some() => return Err("a second root".to_owned()),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn line(&self) -> u32 {
        self.lines.of(self.rest)
    }
}

fn behind<'a>(text: &'a str, end: &str) -> Result<(&'a str, &'a str), String> {
    text.split_once(end).ok_or_else(|| format!("nothing ends with `{end}` what begins"))
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// The five named entities and characters by number; others are defined in document types.
fn unescaped(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        out.push_str(before);
        let (name, after) = behind.split_once(';').ok_or("an entity without an end")?;
        let number = |digits: &str, radix| u32::from_str_radix(digits, radix).map_err(|_| format!("`&{name};` is no character"));
        out.push(match name {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let code = match name.strip_prefix("#x") {
                    Some(digits) => number(digits, 16)?,
                    None => number(name.strip_prefix('#').ok_or_else(|| format!("`&{name};` is not defined"))?, 10)?,
                };
                char::from_u32(code).ok_or_else(|| format!("`&{name};` is no character"))?
            }
        });
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_is_read_in_a_time_that_grows_with_its_length() {
        let elements = "<d/>\n".repeat(200_000);
        let attributes: String = (0..50_000).map(|at| format!(" a{at}='1'")).collect();
        let begun = std::time::Instant::now();
        let root = read(&format!("<p{attributes}>\n{elements}</p>")).expect("XML");
        assert_eq!((root.attributes.len(), root.elements.len()), (50_000, 200_000));
        assert_eq!(root.elements[199_999].line, 200_001);
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    }

    #[test]
    fn elements_attributes_and_texts_are_read() {
        let text = "<?xml version=\"1.0\"?>\n<!-- <a> -->\n<p:project xmlns='x'>\n  <a id=\"1&lt;&#50;\" b='c'/>\n  <v> 1.<!-- x -->0<![CDATA[-&x]]> </v>\n</p:project>\n";
        let root = read(text).expect("XML");
        assert_eq!((root.name.as_str(), root.line), ("project", 3));
        assert_eq!(root.get("a").and_then(|a| a.attribute("id")), Some("1<2"));
        assert_eq!(root.text_of("v"), Some("1.0-&x"));
        assert_eq!(root.get("v").map(|v| v.line), Some(5));
    }

    #[test]
    fn what_is_no_document_or_may_mean_something_else_is_refused() {
        for text in [
            "",
            "<a>",
            "</a>",
            "<a></b>",
            "<a/><b/>",
            "<a/>x",
            "<!DOCTYPE a [<!ENTITY v \"1\">]><a/>",
            "<a>&v;</a>",
            "<a>&#xD800;</a>",
            "<a b=1/>",
            "<a b='1' b='2'/>",
            "<a",
            "<!-- ",
            "< a/>",
        ] {
            assert!(read(text).is_err(), "{text:?}");
        }
        assert!(read(&"<a>".repeat(100_000)).is_err());
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "(<|>|/|a|=|\"|&|;|#|!|-|\\[CDATA\\[|\\]\\]>|é| |\n){0,40}") {
            _ = read(&text);
        }
    }
}
