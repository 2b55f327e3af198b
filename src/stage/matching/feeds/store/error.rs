//! Why there is no index.

use crate::io::files::FileError;
use crate::stage::matching::feeds::records::SourceError;
use crate::stage::matching::index::IndexError;

/// Why there is no index.
#[derive(Debug, thiserror::Error)]
pub(in crate::stage::matching) enum StoreError {
    /// The records cannot be read.
    #[error(transparent)]
    Source(SourceError),
    /// What was just built cannot be opened.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The cache cannot be written.
    #[error(transparent)]
    Write(#[from] FileError),
}

impl From<SourceError> for StoreError {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Write(error) => Self::Write(error),
            SourceError::Earlier(error) => Self::Index(error),
            other => Self::Source(other),
        }
    }
}
