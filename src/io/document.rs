//! TOML documents that people write: parsed strictly, with errors that point at the span and suggest the nearest key.

use std::path::Path;

use miette::{Diagnostic, NamedSource, SourceSpan};
use serde::de::DeserializeOwned;

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
    let message = error.message().trim();
    let (problem, help) = match unknown_word(message) {
        Some((kind, word, allowed)) => {
            let help = match nearest(word, &allowed) {
                Some(near) => format!("did you mean `{near}`? Allowed here: {}", allowed.join(", ")),
                None => format!("allowed here: {}", allowed.join(", ")),
            };
            (format!("unknown {kind} `{word}`"), Some(help))
        }
        None => (plain_words(message.lines().next().unwrap_or("invalid document")), None),
    };
    DocumentError::at(name, text, span, problem, help)
}

/// Serde names numbers as Rust does; a person wants to know which are allowed.
fn plain_words(message: &str) -> String {
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

/// The candidate that is most like a word, if any is like it at all.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    candidates
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().min(word.len()) / 3)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[expect(dead_code, reason = "only its name matters")]
        expires: String,
    }

    #[test]
    fn an_unknown_key_points_at_itself_and_suggests_the_nearest() {
        let error = parse::<Sample>(Path::new("w.toml"), "expire = \"2026-01-01\"\n").expect_err("unknown key");
        assert_eq!(error.problem, "unknown key `expire`");
        assert_eq!((error.span.offset(), error.span.len()), (0, 6));
        assert!(error.help.expect("help").contains("did you mean `expires`?"));
    }
}
