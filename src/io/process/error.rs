//! Why a program did not do its work.

use std::io;

/// Why a program did not do its work.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum ProcessError {
    /// It could not be started.
    #[error("cannot start {program}")]
    #[diagnostic(code(io::process), help("is {program} installed and on the PATH?"))]
    Start { program: String, source: io::Error },
    /// It ended with another status than 0.
    #[error("{program} failed ({status}): {tail}")]
    #[diagnostic(code(io::process))]
    Failed {
        /// The program and its first arguments.
        program: String,
        status: String,
        /// The last lines it wrote to stderr.
        tail: String,
    },
}
