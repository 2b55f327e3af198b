//! Waiting for a registry from a thread that may block.

use std::path::Path;

use tokio::runtime::{Builder, Handle, Runtime};

use super::BuildError;
use crate::io::files::FileError;

/// What waits.
pub(super) enum Waiting {
    /// Within a run there is a runtime already.
    Within(Handle),
    /// A caller without one gets its own for as long as this lives.
    Own(Runtime),
}

impl Waiting {
    /// `place`: the folder that this is for, for the words of the error.
    ///
    /// # Errors
    /// [`BuildError::File`] where the system gives no thread.
    pub(super) fn for_folder(place: &Path) -> Result<Self, BuildError> {
        if let Ok(handle) = Handle::try_current() {
            return Ok(Self::Within(handle));
        }
        let own = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let own = own.map_err(|source| FileError::Read {
            path: place.to_owned(),
            source,
        })?;
        Ok(Self::Own(own))
    }

    /// Waits for an answer.
    pub(super) fn on<F: Future>(&self, answer: F) -> F::Output {
        match self {
            Self::Within(handle) => handle.block_on(answer),
            Self::Own(own) => own.block_on(answer),
        }
    }
}
