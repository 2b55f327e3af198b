//! Why there is no index.

use crate::io::files::FileError;
use crate::stage::matching::feeds::records::SourceError;
use crate::stage::matching::index::IndexError;

/// Why there is no index.
#[derive(Debug, thiserror::Error)]
pub(in crate::stage::matching) enum StoreError {
    /// The records cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// What was just built cannot be opened.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The cache cannot be written.
    #[error(transparent)]
    Write(#[from] FileError),
}
