//! Errors as they may be shown: text of a commit moves no cursor, and a key that stands where a path belongs stays hidden.

use std::error::Error;
use std::fmt;

use miette::{Diagnostic, LabeledSpan, Severity, SourceCode};

use super::error::CliError;
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
    visible_lines(&without_keys(text))
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
