//! Words as a shell expands them, as far as that is known before it runs.

use std::collections::BTreeMap;

use super::syntax::{Part, Word};

/// Stands in a word for what only the run knows: no program and no argument can hold it.
pub(super) const UNKNOWN: char = '\0';

/// Bytes of the words of one command; of what is longer nothing is known. Values can double from line to line.
const LONGEST: usize = 64 << 10;

/// Where a command is run, and with what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// None where nobody knows.
    pub(super) folder: Option<String>,
    /// Values that are known. Whoever starts the image may add others.
    pub(super) env: BTreeMap<String, String>,
    /// A shell's `$0`, `$1` …; none where nobody knows.
    pub(super) arguments: Option<Vec<String>>,
}

impl Place {
    /// A value that is too long to be a path or an option is as one that is not known: each command has a copy of them all.
    pub(super) fn set(&mut self, name: &str, value: String) {
        const LONGEST: usize = 4096;
        match value.contains(UNKNOWN) || value.len() > LONGEST {
            true => drop(self.env.remove(name)),
            false => drop(self.env.insert(name.to_owned(), value)),
        }
    }

    /// What is as it is in both.
    pub(super) fn common(&mut self, other: &Self) {
        self.env.retain(|name, value| other.env.get(name) == Some(value));
        if self.folder != other.folder {
            self.folder = None;
        }
        if self.arguments != other.arguments {
            self.arguments = None;
        }
    }

    /// The words of a command.
    pub(super) fn words(&self, words: &[Word]) -> Vec<String> {
        let mut length = 0;
        let mut expanded = Vec::new();
        for word in words {
            let fields = self.fields(word);
            length += fields.iter().map(|field| field.len() + 1).sum::<usize>();
            if length > LONGEST {
                return vec![unknown()];
            }
            expanded.extend(fields);
        }
        expanded
    }

    /// One word, which stays one: what is assigned.
    pub(super) fn text(&self, word: &Word) -> String {
        let mut text = String::new();
        for part in &word.0 {
            text.push_str(&self.value(part));
            if text.len() > LONGEST {
                return unknown();
            }
        }
        text
    }

    fn fields(&self, word: &Word) -> Vec<String> {
        if let ([Part::Value { name, is_quoted: true, .. }], Some(arguments)) = (without_empty(&word.0).as_slice(), &self.arguments)
            && name == "@"
        {
            return arguments.get(1..).unwrap_or_default().to_vec();
        }
        let (mut fields, mut open): (Vec<String>, Option<String>) = (Vec::new(), None);
        let mut length = 0;
        for part in &word.0 {
            let text = self.value(part);
            length += text.len();
            if length > LONGEST {
                return vec![unknown()];
            }
            if !matches!(part, Part::Value { is_quoted: false, .. }) {
                let is_none = matches!(part, Part::Bare(_)) && text.is_empty();
                if !is_none {
                    open.get_or_insert_default().push_str(&text);
                }
                continue;
            }
            // A value outside of quotes falls into words, and each of these may be a pattern.
            for c in text.chars() {
                match c {
                    ' ' | '\t' | '\n' => fields.extend(open.take()),
                    '*' | '?' | '[' => open.get_or_insert_default().push(UNKNOWN),
                    c => open.get_or_insert_default().push(c),
                }
            }
        }
        fields.extend(open);
        fields
    }

    fn value(&self, part: &Part) -> String {
        match part {
            Part::Bare(text) | Part::Quoted(text) => text.clone(),
            Part::Home => self.env.get("HOME").cloned().unwrap_or_else(unknown),
            Part::Value { name, has_other, .. } => match self.named(name) {
                Some(value) if !(value.is_empty() && *has_other) => value,
                _ => unknown(),
            },
            Part::Unknown => unknown(),
        }
    }

    fn named(&self, name: &str) -> Option<String> {
        let arguments = || self.arguments.as_ref();
        match name {
            "@" | "*" => Some(arguments()?.get(1..).unwrap_or_default().join(" ")),
            "#" => Some(arguments()?.len().saturating_sub(1).to_string()),
            "PWD" => self.folder.clone(),
            number if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                let at = number.parse::<usize>();
                Some(arguments()?.get(at.unwrap_or(usize::MAX)).cloned().unwrap_or_default())
            }
            name => self.env.get(name).cloned(),
        }
    }
}

fn unknown() -> String {
    UNKNOWN.to_string()
}

/// `"$@"` begins with an empty text, as every quoted one does.
fn without_empty(parts: &[Part]) -> Vec<Part> {
    let is_empty = |part: &&Part| matches!(part, Part::Quoted(text) if text.is_empty());
    parts.iter().filter(|part| !is_empty(part)).cloned().collect()
}
