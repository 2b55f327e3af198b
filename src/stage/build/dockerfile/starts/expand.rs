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
    /// What a shell's values are split at.
    pub(super) separators: Separators,
    /// `PATH` may be another one by now.
    pub(super) is_path_doubtful: bool,
}

/// `IFS`. A shell does not take it from its environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Separators {
    #[default]
    Usual,
    Known(String),
    Unknown,
}

impl Place {
    /// A value that is too long to be a path or an option is as one that is not known: each command has a copy of them all.
    pub(super) fn set(&mut self, name: &str, value: String) {
        const LONGEST: usize = 4096;
        match value.contains(UNKNOWN) || value.len() > LONGEST {
            true => self.forget(name),
            false => {
                match name {
                    "IFS" if value == " \t\n" => self.separators = Separators::Usual,
                    "IFS" => self.separators = Separators::Known(value.clone()),
                    "PATH" => self.is_path_doubtful = false,
                    _ => {}
                }
                self.env.insert(name.to_owned(), value);
            }
        }
    }

    /// Somebody set it, and nobody knows to what. What was found by the search path may still be found there.
    pub(super) fn forget(&mut self, name: &str) {
        match name {
            "PATH" => self.is_path_doubtful = true,
            "IFS" => self.separators = Separators::Unknown,
            _ => drop(self.env.remove(name)),
        }
    }

    /// Any of them may have been set.
    pub(super) fn forget_all(&mut self) {
        self.env.retain(|name, _| name == "PATH");
        self.is_path_doubtful = true;
        self.separators = Separators::Unknown;
    }

    /// What is as it is in both.
    pub(super) fn common(&mut self, other: &Self) {
        self.is_path_doubtful |= other.is_path_doubtful || self.env.get("PATH") != other.env.get("PATH");
        self.env.retain(|name, value| name == "PATH" || other.env.get(name) == Some(value));
        if self.separators != other.separators {
            self.separators = Separators::Unknown;
        }
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

    pub(super) fn fields(&self, word: &Word) -> Vec<String> {
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
            let Some(separators) = self.separators_of(&text) else {
                open.get_or_insert_default().push(UNKNOWN);
                continue;
            };
            for c in text.chars() {
                match c {
                    c if separators.contains(c) => fields.extend(open.take()),
                    '*' | '?' | '[' => open.get_or_insert_default().push(UNKNOWN),
                    c => open.get_or_insert_default().push(c),
                }
            }
        }
        fields.extend(open);
        fields
    }

    /// What a text is split at, where only blanks are.
    fn separators_of(&self, text: &str) -> Option<&str> {
        match &self.separators {
            Separators::Usual => Some(" \t\n"),
            Separators::Known(known) => {
                let is_blank = |c: char| matches!(c, ' ' | '\t' | '\n');
                let parts = |c: char| known.contains(c) && !is_blank(c);
                (!text.contains(parts)).then_some(known)
            }
            Separators::Unknown => text.is_empty().then_some(""),
        }
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
            "@" | "*" if self.separators != Separators::Usual => None,
            "PATH" if self.is_path_doubtful => None,
            "@" | "*" => Some(arguments()?.get(1..).unwrap_or_default().join(" ")),
            "#" if arguments()?.iter().any(|argument| argument.contains(UNKNOWN)) => None,
            "#" => Some(arguments()?.len().saturating_sub(1).to_string()),
            "PWD" => self.folder.clone(),
            number if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                let at = number.parse::<usize>().unwrap_or(usize::MAX);
                // What is not known may be several.
                let known = arguments()?.iter().take_while(|argument| !argument.contains(UNKNOWN));
                match known.count() {
                    count if at < count => arguments()?.get(at).cloned(),
                    count => (count == arguments()?.len()).then(String::new),
                }
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
