//! Why a file could not be imported.

use crate::model::exit_kind::ExitKind;

/// Why a file could not be imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum ImportError {
    /// Its name tells no format.
    #[error("{0} is not a name that tells what the file is")]
    #[diagnostic(
        code(policy::import),
        help("known are .trivyignore, .trivyignore.yaml, .grype.yaml, osv-scanner.toml, audit.toml, deny.toml and OpenVEX as .json")
    )]
    UnknownFormat(String),
    /// It cannot be read.
    #[error("{file}{}: {problem}", line.map(|line| format!(", line {line}")).unwrap_or_default())]
    #[diagnostic(code(policy::import))]
    Malformed {
        file: String,
        /// The line, where it is known, from 1.
        line: Option<usize>,
        problem: String,
    },
}

impl ImportError {
    /// How the run ends.
    #[must_use]
    pub fn exit_kind(&self) -> ExitKind {
        ExitKind::Usage
    }
}
