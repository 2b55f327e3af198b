//! TOML documents that people write: parsed strictly, with errors that point at the span and suggest the nearest key.

use std::path::Path;

use miette::{Diagnostic, NamedSource, SourceSpan};
use serde::de::DeserializeOwned;

use super::merge_conflict;
use crate::model::visible::{masked, visible};

/// What is wrong with a document, and where.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{problem}")]
#[diagnostic(code(document::invalid))]
pub struct DocumentError {
    /// One line: what is wrong.
    pub problem: String,
    /// The document.
    #[source_code]
    pub text: NamedSource<String>,
    /// Where in the text, in bytes.
    #[label("{label}")]
    pub span: SourceSpan,
    /// The word at the place.
    pub label: String,
    /// What is allowed, and the nearest of it.
    #[help]
    pub help: Option<String>,
}

impl DocumentError {
    /// A problem at a byte range of a document.
    pub fn at(name: &str, text: &str, span: std::ops::Range<usize>, problem: impl Into<String>, help: Option<String>) -> Self {
        Self {
            problem: visible(&problem.into()).into_owned(),
            // Whoever wrote the document does not write to the terminal.
            text: NamedSource::new(visible(name), masked(text).into_owned()),
            span: SourceSpan::from(span),
            label: "here".to_owned(),
            help: help.map(|help| visible(&help).into_owned()),
        }
    }
}

impl DocumentError {
    /// The same for a document that people write secrets into by mistake: of its text only tables, keys and what the error points at are shown,
    /// every offset kept; and the message repeats no text of it.
    #[must_use]
    pub fn without_values(mut self) -> Self {
        // A text where something else belongs may be anything.
        let quoted = self.problem.split_once("string \"");
        let plain = quoted.and_then(|(before, rest)| Some(format!("{before}a text{}", rest.rsplit_once('"')?.1)));
        // So may a table or a list.
        let is_whole = ["map", "sequence"]
            .iter()
            .any(|kind| self.problem.contains(&format!("type: {kind}")));
        let length = if plain.is_some() || is_whole { 0 } else { self.span.len() };
        let text = self.text.inner();
        let shown = self.span.offset()..self.span.offset() + length;
        let mut hidden = String::with_capacity(text.len());
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let keep = if line.trim_start().starts_with('[') && line.trim_end().ends_with(']') {
                line.len()
            } else {
                line.find('=').map_or(0, |equals| equals + 1)
            };
            for (place, c) in line.char_indices() {
                let is_shown = place < keep || shown.contains(&(at + place)) || c.is_whitespace();
                match is_shown {
                    true => hidden.push(c),
                    false => hidden.extend(std::iter::repeat_n('*', c.len_utf8())),
                }
            }
            at += line.len();
        }
        self.text = NamedSource::new(self.text.name(), hidden);
        self.problem = plain.unwrap_or(self.problem);
        self
    }
}

/// Parses a TOML document.
///
/// # Errors
/// [`DocumentError`] for a syntax error, an unknown key (with the nearest known one), a wrong type or an impossible value.
pub fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, DocumentError> {
    toml::from_str(text).map_err(|error| from_toml(&path.display().to_string(), text, &error))
}

/// Turns a TOML error into a diagnostic.
#[must_use]
pub fn from_toml(name: &str, text: &str, error: &toml::de::Error) -> DocumentError {
    let span = error.span().unwrap_or(0..0);
    if let Some(line) = merge_conflict::begins_at(text) {
        let at = text
            .split_inclusive('\n')
            .take(usize::try_from(line).unwrap_or(0) - 1)
            .map(str::len)
            .sum();
        let problem = merge_conflict::told(text).unwrap_or_default();
        return DocumentError::at(name, text, at..at + "<<<<<<<".len(), problem, None);
    }
    let message = error.message().trim();
    let (problem, help) = match unknown_word(message) {
        Some((kind, word, allowed)) => {
            let help = match nearest(word, &allowed) {
                Some(near) => format!("did you mean `{near}`? Allowed here: {}", allowed.join(", ")),
                None => format!("allowed here: {}", allowed.join(", ")),
            };
            (format!("unknown {kind} `{word}`"), Some(help))
        }
        None => {
            let problem = plain_words(message.lines().next().unwrap_or("invalid document"));
            let value = text.get(span.start..).unwrap_or_default();
            match key_before(text, span.start) {
                Some(key) if is_bare_word(message, value) => (
                    format!("`{key}`: a text stands in quotes"),
                    Some(format!("write {key} = \"…\", with the word between the quotes")),
                ),
                // The only table of which one key is wanted is an enumeration: whichever is given says which it is.
                Some(key) if problem.starts_with("wanted exactly 1 element") => {
                    (format!("`{key}`: it takes one of its keys, not several"), None)
                }
                Some(key) if problem.contains("expected") => (format!("`{key}`: {problem}"), None),
                _ if problem == "duplicate key" => {
                    let key = text.get(span.clone()).unwrap_or_default();
                    (format!("`{key}` is given twice"), Some("leave one of the two out".to_owned()))
                }
                _ => (problem, None),
            }
        }
    };
    DocumentError::at(name, text, span, problem, help)
}

/// The key whose value begins at an offset, where it stands on the same line.
fn key_before(text: &str, at: usize) -> Option<&str> {
    let before = text.get(..at)?;
    let line = &before[before.rfind('\n').map_or(0, |end| end + 1)..];
    let (key, between) = line.split_once('=')?;
    let key = key.trim();
    let is_key = |c: char| c.is_alphanumeric() || "-_.\"' ".contains(c);
    (between.trim().is_empty() && !key.is_empty() && key.len() <= 64 && key.chars().all(is_key)).then_some(key)
}

/// True where somebody wrote a word where TOML takes numbers, dates, true and false: it says "invalid float" of `native`.
fn is_bare_word(message: &str, value: &str) -> bool {
    let word: &str = value
        .split(|c: char| !c.is_alphanumeric() && !"-_.".contains(c))
        .next()
        .unwrap_or_default();
    let is_word = word.starts_with(|c: char| c.is_alphabetic()) && !["true", "false", "nan", "inf"].contains(&word);
    is_word && (message.starts_with("invalid") || message.starts_with("string values must be quoted"))
}

/// Serde names kinds of values as Rust does; a person wants to know what to write.
fn plain_words(message: &str) -> String {
    let kinds = [
        ("a sequence", "a list in brackets, `[…]`"),
        ("a map", "a table of keys and values"),
        ("a string", "a text in quotes"),
        ("a boolean", "true or false"),
    ];
    for (name, plain) in kinds {
        if let Some(rest) = message.strip_suffix(&format!("expected {name}")) {
            return format!("{rest}expected {plain}");
        }
    }
    let numbers = [
        ("u8", u8::MAX.to_string()),
        ("u16", u16::MAX.to_string()),
        ("u32", u32::MAX.to_string()),
    ];
    for (name, most) in numbers {
        if let Some(rest) = message.strip_suffix(&format!("expected {name}")) {
            return format!("{rest}expected a whole number from 0 to {most}");
        }
    }
    message.to_owned()
}

/// Reads serde's "unknown field `x`, expected one of `a`, `b`".
fn unknown_word(message: &str) -> Option<(&'static str, &str, Vec<&str>)> {
    let (kind, rest) = match message.strip_prefix("unknown field ") {
        Some(rest) => ("key", rest),
        None => ("value", message.strip_prefix("unknown variant ")?),
    };
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let word = quoted.next()?;
    Some((kind, word, quoted.collect()))
}

/// The candidate that is most like a word, if any is like it at all. Of two that are as near the one with the same letters is meant.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    let letters = sorted(word);
    candidates
        .iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(word, candidate),
                sorted(candidate) != letters,
                *candidate,
            )
        })
        .filter(|(distance, _, candidate)| *distance <= 1 + candidate.len().min(word.len()) / 3)
        .min()
        .map(|(.., candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[expect(dead_code, reason = "only its name matters")]
        expires: String,
        #[serde(default)]
        #[expect(dead_code, reason = "only its type matters")]
        number: u16,
    }

    #[test]
    fn what_people_mistype_is_told_in_their_words() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[expect(dead_code, reason = "only errors are asked for")]
        enum One {
            Json(String),
            Header(String),
        }
        #[derive(Debug, serde::Deserialize)]
        #[expect(dead_code, reason = "only errors are asked for")]
        struct Document {
            using: Option<String>,
            version: Option<One>,
            port: Option<u16>,
        }
        let told = |text: &str| {
            let error = parse::<Document>(Path::new("x.toml"), text).expect_err(text);
            (error.problem, error.help.unwrap_or_default())
        };
        for word in ["native", "foo", "true-ish", "inner"] {
            let (problem, help) = told(&format!("using = {word}\n"));
            assert_eq!(problem, "`using`: a text stands in quotes", "{word}");
            assert!(help.contains("using = \"…\""), "{help}");
        }
        assert_eq!(
            told("version = { json = \"/v\", header = \"x\" }\n").0,
            "`version`: it takes one of its keys, not several"
        );
        assert_eq!(told("port = 1\nport = 2\n").0, "`port` is given twice");
        // The control: a number that is none is still told as one.
        assert!(!told("port = 1x\n").0.contains("quotes"));
    }

    #[test]
    fn of_two_candidates_as_near_the_one_with_the_same_letters_is_meant() {
        assert_eq!(nearest("amr64", &["amd64", "arm64"]), Some("arm64"));
        assert_eq!(nearest("amd46", &["amd64", "arm64"]), Some("amd64"));
    }

    #[test]
    fn no_value_is_shown_of_a_document_that_may_hold_secrets() {
        let texts = [
            "[sgin]\npassword = \"hunter2\"\n",
            "expire = \"hunter2\"\ntoken = 'hunter2'\n",
            "expires = 'x'\nexpire = [\n  \"hunter2\",\n]\n# hunter2\n",
            "expires = 'x'\nlogin = { user = \"b\", password = \"hunter2\" }\n",
            "expires = 'x'\nlogin = \"\"\"\nhunter2\n\"\"\"\n",
            "expires = [\"hunter2\"",
            "number = \"bob:hunter2\"",
            "expires = { user = \"hunter2\" }",
            "expires = [\"hunter2\"]",
        ];
        for text in texts {
            let error = parse::<Sample>(Path::new("p.toml"), text).expect_err(text).without_values();
            let said = format!("{} {} {:?}", error.problem, error.text.inner(), error.help);
            assert!(!said.contains("hunter2"), "{said}");
            assert_eq!(error.text.inner().len(), text.len());
        }
        // The control: what the error points at is shown.
        let error = parse::<Sample>(Path::new("p.toml"), "expires = 3\n")
            .expect_err("a number")
            .without_values();
        assert_eq!(&error.text.inner()[error.span.offset()..][..error.span.len()], "3");
    }

    #[test]
    fn an_unknown_key_points_at_itself_and_suggests_the_nearest() {
        let error = parse::<Sample>(Path::new("w.toml"), "expire = \"2026-01-01\"\n").expect_err("unknown key");
        assert_eq!(error.problem, "unknown key `expire`");
        assert_eq!((error.span.offset(), error.span.len()), (0, 6));
        assert!(error.help.expect("help").contains("did you mean `expires`?"));
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_told_with_its_key_and_what_to_write() {
        #[derive(Debug, serde::Deserialize)]
        struct Kinds {
            #[serde(rename = "tags")]
            _tags: Option<Vec<String>>,
            #[serde(rename = "plain")]
            _plain: Option<bool>,
            #[serde(rename = "name")]
            _name: Option<String>,
        }
        let problem = |text: &str| parse::<Kinds>(Path::new("x.toml"), text).expect_err(text).without_values().problem;
        assert_eq!(
            problem("tags = \"a\"\n"),
            "`tags`: invalid type: a text, expected a list in brackets, `[…]`"
        );
        assert_eq!(problem("plain = 1\n"), "`plain`: invalid type: integer `1`, expected true or false");
        assert_eq!(
            problem("x = {}\nname = []\n"),
            "`name`: invalid type: sequence, expected a text in quotes"
        );
        // The control: a text of the user's is never taken for a key.
        assert!(key_before("\"a = b\" = 1", 11).is_none());
    }
}
