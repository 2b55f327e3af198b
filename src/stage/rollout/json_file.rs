//! Files of JSON in the state folder that are read whole and written whole.

use crate::stage::rollout::error::BoxError;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::target::TargetError;
use crate::io::files;

/// `None` for a file that is not there.
///
/// # Errors
/// [`TargetError::Caused`] for one that cannot be read, or has more than `limit` bytes: what it says is not known then.
pub(super) fn read<T: DeserializeOwned>(path: &Path, limit: u64) -> Result<Option<T>, TargetError> {
    let failed = |error: BoxError| TargetError::caused(format!("{} cannot be read", path.display()), error);
    if !path.try_exists().map_err(|error| failed(error.into()))? {
        return Ok(None);
    }
    let bytes = files::read(path, limit).map_err(|error| failed(error.into()))?;
    serde_json::from_slice(&bytes).map(Some).map_err(|error| failed(error.into()))
}

/// # Errors
/// [`TargetError::Caused`]; the old content stays then.
pub(super) fn write(path: &Path, content: &impl Serialize) -> Result<(), TargetError> {
    let failed = |error: BoxError| TargetError::caused(format!("{} cannot be written", path.display()), error);
    let bytes = serde_json::to_vec(content).map_err(|error| failed(error.into()))?;
    files::write(path, &bytes).map_err(|error| failed(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_is_told_from_one_that_cannot_be_read() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("kept.json");
        assert!(matches!(read::<Vec<u8>>(&path, 10), Ok(None)));
        write(&path, &vec![1u8, 2]).expect("written");
        assert!(matches!(read::<Vec<u8>>(&path, 10), Ok(Some(kept)) if kept == [1, 2]));
        assert!(read::<Vec<u8>>(&path, 2).is_err(), "longer than the limit");
        assert!(read::<String>(&path, 10).is_err(), "something else");
    }
}
