//! Folders, listed whole or not at all.

use std::fs::{self, DirEntry};
use std::io;
use std::path::Path;

/// What lies in a folder, in the system's order.
///
/// # Errors
/// The system's reason, also where only one entry could not be told: half of a folder is not a folder.
pub fn listed(folder: &Path) -> io::Result<Vec<DirEntry>> {
    fs::read_dir(folder)?.collect()
}

/// The same, and nothing where there is no such folder.
///
/// # Errors
/// As [`listed`].
pub fn entries(folder: &Path) -> io::Result<Vec<DirEntry>> {
    match listed(folder) {
        Ok(entries) => Ok(entries),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_listed_is_not_an_empty_one() {
        let home = tempfile::tempdir().expect("a folder");
        let link = home.path().join("link");
        std::os::unix::fs::symlink("link", &link).expect("made");
        assert!(entries(&link).is_err(), "a link in a circle");
        assert!(entries(&home.path().join("absent")).is_ok_and(|entries| entries.is_empty()));
        assert!(listed(&home.path().join("absent")).is_err());
        assert_eq!(entries(home.path()).expect("listed").len(), 1);
    }
}
