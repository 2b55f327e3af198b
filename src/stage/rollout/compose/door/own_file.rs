//! A file of a front door's configuration that is written from here alone.

use std::path::PathBuf;

use crate::io::files;
use crate::model::error_chain::chain;
use crate::stage::rollout::error::BoxError;
use crate::stage::rollout::target::TargetError;

/// Bytes of the largest one that is read.
const LARGEST: u64 = 1 << 20;

#[derive(Debug)]
pub(super) struct OwnFile {
    pub(super) path: PathBuf,
}

impl OwnFile {
    /// Why nothing can be written there.
    pub(super) fn trouble(&self) -> Option<String> {
        let folder = files::folder_of(&self.path);
        (!folder.is_dir()).then(|| format!("[rollout.front] file: {} is no folder", folder.display()))
    }

    /// `None` where there is none yet.
    pub(super) fn text(&self) -> Result<Option<String>, TargetError> {
        let failed = |error: BoxError| TargetError::caused(format!("{} cannot be read", self.path.display()), error);
        match self.path.try_exists() {
            Ok(false) => Ok(None),
            Ok(true) => files::read_text(&self.path, LARGEST)
                .map(Some)
                .map_err(|error| failed(error.into())),
            Err(error) => Err(failed(error.into())),
        }
    }

    pub(super) fn write(&self, text: &str) -> Result<(), TargetError> {
        files::write(&self.path, text.as_bytes()).map_err(TargetError::other)
    }

    /// As it was before it was written.
    ///
    /// # Errors
    /// Why it is not, in words.
    pub(super) fn put_back(&self, before: Option<&str>) -> Result<(), String> {
        match before {
            Some(before) => self.write(before).map_err(|error| chain(&error)),
            None => std::fs::remove_file(&self.path).map_err(|error| error.to_string()),
        }
    }
}

/// What is said behind the reason why a front door did not take it.
pub(super) fn and_back(back: Result<(), String>) -> String {
    back.map_or_else(
        |error| format!("; and the file before could not be put back: {error}"),
        |()| String::new(),
    )
}

/// Said where what served is gone and a front door does not take that it leads nowhere.
pub(super) fn not_led_away(door: &str, reason: &str) -> TargetError {
    TargetError::Failed(format!(
        "every instance is stopped and removed, and {door} may lead to an address that the next container gets: {reason}"
    ))
}
