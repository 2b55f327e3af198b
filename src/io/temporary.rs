//! Temporary files and folders beside the place that they are made for, and the removal of those whose maker was killed.
//!
//! Each is locked (`flock`) for as long as its maker lives: the system takes the lock back however the maker ends, in whatever container it ran.

use super::folder;
use crate::model::excused::Excused as _;

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use tempfile::{Builder, NamedTempFile, TempDir};

/// What their names begin with.
const PREFIX: &str = ".portcullis-";
/// Where the file system has no locks, what is older than this has no maker any more.
const OLD: Duration = Duration::from_secs(6 * 3600);

/// A new file in a folder.
///
/// # Errors
/// The system's reason.
pub fn file_in(folder: &Path) -> io::Result<NamedTempFile> {
    loop {
        let file = Builder::new().prefix(PREFIX).tempfile_in(folder)?;
        if is_held(file.as_file(), file.path())? {
            return Ok(file);
        }
    }
}

/// A folder that goes, with all that is in it, when it is dropped.
#[derive(Debug)]
pub struct Folder {
    folder: TempDir,
    _lock: File,
}

impl Folder {
    /// The folder, until this value is dropped.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// A new folder in a folder.
///
/// # Errors
/// The system's reason.
pub fn folder_in(folder: &Path) -> io::Result<Folder> {
    loop {
        let made = Builder::new().prefix(PREFIX).tempdir_in(folder)?;
        let lock = File::open(made.path())?;
        if is_held(&lock, made.path())? {
            return Ok(Folder { folder: made, _lock: lock });
        }
    }
}

/// Locks what was just made; false where somebody swept it away before it was locked.
fn is_held(file: &File, path: &Path) -> io::Result<bool> {
    file.lock().dismissed("a file system without locks is none to fail on");
    match fs::symlink_metadata(path) {
        Ok(there) => Ok(there.ino() == file.metadata()?.ino()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes from a folder what makers left behind that were killed; nothing that a living one still holds. What cannot be removed stays.
pub fn sweep(folder: &Path) {
    for entry in folder::entries(folder).or_empty("what cannot be removed stays") {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        if !is_ours {
            continue;
        }
        let path = entry.path();
        let Ok(file) = File::open(&path) else { continue };
        let is_left = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(_)) => is_old(&file),
        };
        if is_left {
            let removed = match file.metadata().is_ok_and(|found| found.is_dir()) {
                true => fs::remove_dir_all(&path),
                false => fs::remove_file(&path),
            };
            removed.dismissed("what cannot be removed stays");
        }
    }
}

fn is_old(file: &File) -> bool {
    let changed = file.metadata().and_then(|found| found.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    changed.elapsed().is_ok_and(|age| age > OLD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_stays_and_what_nobody_holds_goes() {
        let folder = tempfile::tempdir().expect("folder");
        let held = file_in(folder.path()).expect("a file");
        let held_folder = folder_in(folder.path()).expect("a folder");
        fs::write(held_folder.path().join("inside"), "x").expect("written");
        // As a maker leaves them that was killed.
        let (_, left) = file_in(folder.path()).expect("a file").keep().expect("kept");
        fs::create_dir_all(folder.path().join(".portcullis-left/inside")).expect("made");
        fs::write(folder.path().join("npm.idx"), "x").expect("written");
        sweep(folder.path());
        assert!(held.path().exists() && held_folder.path().join("inside").exists());
        assert!(!left.exists() && !folder.path().join(".portcullis-left").exists());
        assert!(folder.path().join("npm.idx").exists());
        drop((held, held_folder));
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1);
    }
}
