//! Why records cannot be read.

use std::io;
use std::path::PathBuf;

use crate::io::files::FileError;
use crate::stage::matching::index::{BuildError, IndexError};

/// Why a source cannot be read. The feed is a gap then.
#[derive(Debug, thiserror::Error)]
pub(in crate::stage::matching) enum SourceError {
    /// The disk's reason.
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// An archive that is cut off or damaged.
    #[error("{} is damaged: {problem}", path.display())]
    Archive {
        path: PathBuf,
        /// Which entry, and what is wrong with it.
        problem: String,
    },
    /// Past a limit.
    #[error("{} goes past a limit: {problem}", path.display())]
    Limit { path: PathBuf, problem: String },
    /// The index of before turned out damaged while it was read: without it all is read.
    #[error(transparent)]
    Earlier(IndexError),
    /// The index cannot be written.
    #[error(transparent)]
    Write(FileError),
    /// Somebody asked to stop.
    #[error("interrupted")]
    Cancelled,
}

impl From<BuildError> for SourceError {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Write(error) => Self::Write(error),
            BuildError::TooMuch(problem) => Self::Limit {
                path: PathBuf::from("the feed"),
                problem: problem.to_owned(),
            },
        }
    }
}

impl From<FileError> for SourceError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Read { path, source } | FileError::Write { path, source } | FileError::WriteResult { path, source } => {
                Self::Read { path, source }
            }
            FileError::TooLarge { path, limit } => Self::Limit {
                path,
                problem: format!("larger than {limit} bytes"),
            },
            FileError::Encoding { path, offset } => Self::Archive {
                path,
                problem: format!("not UTF-8 from byte {offset} on"),
            },
            FileError::Outside { path } => Self::Archive {
                path,
                problem: "a link out of the folder".to_owned(),
            },
            FileError::NotRegular { path, what } => Self::Archive {
                path,
                problem: what.to_owned(),
            },
        }
    }
}
