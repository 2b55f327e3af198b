//! Errors as they may be shown: text of a commit moves no cursor, and a key that stands where a path belongs stays hidden.

use std::error::Error;
use std::fmt;

use miette::{Diagnostic, LabeledSpan, Severity, SourceCode};

use super::error::CliError;
use crate::model::logins;
use crate::model::visible::{visible_lines, without_keys};

/// An error with every text of it made safe.
#[derive(Debug)]
pub(super) struct Shown<'e> {
    error: &'e CliError,
    pub message: String,
    pub help: Option<String>,
    pub cause: Option<Box<Cause>>,
}

#[derive(Debug)]
pub(super) struct Cause {
    pub message: String,
    pub cause: Option<Box<Cause>>,
}

impl<'e> Shown<'e> {
    #[must_use]
    pub(super) fn of(error: &'e CliError) -> Self {
        Self {
            error,
            message: safe(&error.to_string()),
            help: error.help().map(|help| safe(&help.to_string())),
            cause: cause_of(error),
        }
    }
}

fn cause_of(error: &dyn Error) -> Option<Box<Cause>> {
    error.source().map(|cause| {
        Box::new(Cause {
            message: safe(&cause.to_string()),
            cause: cause_of(cause),
        })
    })
}

fn safe(text: &str) -> String {
    visible_lines(&without_keys(&without_logins(text)))
}

/// The words of a message without the logins in them: addresses, and references to images (`bob:password@host/name`).
fn without_logins(text: &str) -> String {
    let cleaned = logins::taken_out(text);
    let text = cleaned.as_deref().unwrap_or(text);
    let hide = |word: &str| {
        let start = word.find(|c: char| !"`\"'(".contains(c)).unwrap_or(0);
        let (quote, body) = word.split_at(start);
        let is_login = body.split_once('@').is_some_and(|(before, after)| {
            before.contains(':') && !before.starts_with("pkg:") && !after.starts_with("sha256:") && after.contains('/')
        });
        match is_login {
            true => format!("{quote}{}", logins::of_reference(body)),
            false => word.to_owned(),
        }
    };
    text.split_inclusive(char::is_whitespace).map(hide).collect()
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Shown<'_> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

impl Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.error.code()
    }

    fn severity(&self) -> Option<Severity> {
        self.error.severity()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    /// Documents hide their control characters themselves, with every offset kept: see `io::document`.
    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.error.source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.error.labels()
    }
}

#[cfg(test)]
mod tests {
    use super::without_logins;

    #[test]
    fn logins_are_taken_out_of_the_words_of_a_message() {
        let said = without_logins("cannot read `bob:hunter2@r.example/app`, nor https://bob:hunter2@r.example/x");
        assert_eq!(said, "cannot read `…@r.example/app`, nor https://r.example/x");
        // The controls.
        for text in [
            "pkg:npm/a@1.0/x",
            "git@github.com:acme/x",
            "r.example:5000/a@sha256:0/",
            "npm:left-pad@1.0.0  b",
            "two\nlines",
        ] {
            assert_eq!(without_logins(text), text);
        }
    }
}
