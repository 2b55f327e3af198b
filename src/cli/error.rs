//! What can go wrong before a stage runs, and how any error becomes an exit code.

use std::io;
use std::path::PathBuf;

use crate::gate::GateError;
use crate::github::ApiError;
use crate::io::document::DocumentError;
use crate::io::files::FileError;
use crate::io::git::GitError;
use crate::io::registry::RegistryError;
use crate::model::exit_kind::ExitKind;
use crate::stage::policy::recheck::MergeError;
use crate::stage::publish::PublishError;

/// Why a verb did not end with an answer.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum CliError {
    /// `-C` names no folder.
    #[error("cannot work in {}", path.display())]
    #[diagnostic(code(cli::directory), help("-C must name a folder that is there"))]
    Directory { path: PathBuf, source: io::Error },
    /// Neither the user's home nor the folder itself is named.
    #[error("neither HOME nor {name} is set to an absolute path: there is no folder of yours for what must be kept")]
    #[diagnostic(
        code(cli::home),
        help("set HOME, or XDG_CACHE_HOME and XDG_STATE_HOME, to folders that only you can write to")
    )]
    NoHome { name: &'static str },
    /// A folder for results that a link leads out of the project.
    #[error("{} leads to {}, out of the project", link.display(), target.display())]
    #[diagnostic(
        code(cli::output),
        help("remove the link, or name another folder with --output: nothing is written through a link of a commit")
    )]
    OutputElsewhere { link: PathBuf, target: PathBuf },
    /// Another run keeps its results in the folder, and is at work.
    #[error("another run is at work in {}", folder.display())]
    #[diagnostic(
        code(cli::in_use),
        help("let it finish and run again, or name another folder with --output: one run's results would lie between the other's")
    )]
    InUse { folder: PathBuf },
    /// A cache or state folder that others can change.
    #[error("{} {problem}", folder.display())]
    #[diagnostic(
        code(cli::foreign_folder),
        help("what others can write is not believed: make a folder of your own, and name it with {name}")
    )]
    ForeignFolder {
        folder: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// The variable that names it.
        name: &'static str,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileError),
    /// The configuration is invalid.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Document(#[from] DocumentError),
    /// Git could not be asked.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Git(#[from] GitError),
    /// A registry could not be asked.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Registry(RegistryError),
    /// An image's verdict does not hold: nothing is rolled out.
    #[error("the rollout is refused")]
    #[diagnostic(
        code(rollout::refused),
        help("`portcullis gate` judges and publishes; --unverified REASON goes without, and is recorded")
    )]
    Distrusted(#[source] PublishError),
    /// A setting means nothing.
    #[error("{key}: {problem}")]
    #[diagnostic(code(cli::setting))]
    Setting {
        /// The key or flag.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A verb needs something that is not there.
    #[error("{problem}")]
    #[diagnostic(code(cli::missing), help("{help}"))]
    Missing { problem: String, help: String },
    /// A stored result that does not hold together.
    #[error("{} is no result to report: {problem}", file.display())]
    #[diagnostic(
        code(cli::stored),
        help("run the gate again: what was changed after the run, or is of another version, says nothing of it")
    )]
    Stored {
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Shares of a fleet that make no answer.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Shares(#[from] MergeError),
    /// Arguments that contradict each other.
    #[error("{problem}")]
    #[diagnostic(code(cli::usage), help("{help}"))]
    Usage { problem: String, help: String },
    /// A result that JSON cannot hold.
    #[error("the result cannot be written as JSON")]
    #[diagnostic(code(cli::json), help("this is a defect of portcullis, please report it"))]
    Json(#[from] serde_json::Error),
    /// GitHub does not show it.
    #[error(transparent)]
    #[diagnostic(transparent)]
    GitHub(#[from] ApiError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Gate(#[from] GateError),
}

impl CliError {
    /// A setting that means nothing.
    pub fn setting(key: &'static str, problem: impl Into<String>) -> Self {
        Self::Setting {
            key,
            problem: problem.into(),
        }
    }

    /// How the run ends.
    #[must_use]
    pub fn exit_kind(&self) -> ExitKind {
        match self {
            Self::OutputElsewhere { .. } | Self::ForeignFolder { .. } => ExitKind::Usage,
            Self::Directory { .. }
            | Self::NoHome { .. }
            | Self::Document(_)
            | Self::Setting { .. }
            | Self::Missing { .. }
            | Self::Usage { .. }
            | Self::Git(_) => ExitKind::Usage,
            Self::InUse { .. } => ExitKind::Locked,
            Self::Stored { .. } | Self::Shares(_) => ExitKind::Undecidable,
            Self::Distrusted(_) => ExitKind::Refused,
            Self::Json(_) => ExitKind::Bug,
            Self::File(error) => error.exit_kind(),
            Self::Registry(error) => error.exit_kind(),
            Self::GitHub(error) => error.exit_kind(),
            Self::Gate(error) => error.exit_kind(),
        }
    }
}
