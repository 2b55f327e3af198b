//! Why git gave no answer.

use std::path::PathBuf;

use crate::io::process::ProcessError;

/// Why git could not be asked.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum GitError {
    /// The program could not be started, or ended badly.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Process(#[from] ProcessError),
    /// The folder has a repository, and git does not answer for it.
    #[error("git does not answer for {}: {reason}", folder.display())]
    #[diagnostic(
        code(io::git),
        help("a checkout that git cannot be asked about is not taken for a clean one; `git status` in the folder says the same")
    )]
    Refused {
        /// The folder that was asked about.
        folder: PathBuf,
        /// What git wrote.
        reason: String,
    },
    /// The repository's configuration says that its files lie somewhere else.
    #[error("the repository of {} is not the one that git asks: it names {}", folder.display(), says.display())]
    #[diagnostic(
        code(io::git),
        help("remove `core.worktree` from its configuration, or the repository that lies inside of the checkout")
    )]
    Elsewhere {
        /// The folder that holds `.git`.
        folder: PathBuf,
        /// What git calls the top of the checkout.
        says: PathBuf,
    },
    /// A temporary file that a question needs could not be written.
    #[error("cannot look behind the flags of git's index")]
    #[diagnostic(code(io::git))]
    Index(#[source] std::io::Error),
    /// It answered something else than expected.
    #[error("git {what} gave an answer that cannot be read: {answer}")]
    #[diagnostic(code(io::git))]
    Answer {
        what: &'static str,
        /// The answer, cut.
        answer: String,
    },
}
