//! The folders of a repository in which a service may lie.

use std::path::{Path, PathBuf};

use crate::io::files::FileError;
use crate::io::folder;

/// How far below the folder services are looked for: `services/payments/api`.
const DEPTH: usize = 3;
/// Folders that are looked into. A repository with more says with -C where its service is.
const FOLDERS: usize = 2000;
/// What holds other people's files, or results.
const PASSED: [&str; 6] = ["node_modules", "target", "vendor", "dist", "build", "fixtures"];

/// The folder itself and those below it, sorted, relative to it.
///
/// # Errors
/// [`FileError::Read`] for the folder itself. One below that cannot be listed holds no service of ours.
pub(super) fn folders(root: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut found = vec![PathBuf::new()];
    let mut next = 0;
    while next < found.len() && found.len() < FOLDERS {
        let here = found[next].clone();
        next += 1;
        if here.components().count() == DEPTH {
            continue;
        }
        let listed = match folder::listed(&root.join(&here)) {
            Ok(listed) => listed,
            Err(source) if here.as_os_str().is_empty() => {
                return Err(FileError::Read {
                    path: root.to_owned(),
                    source,
                });
            }
            Err(_) => continue,
        };
        let mut below: Vec<PathBuf> = Vec::new();
        for entry in listed {
            // Not through links: they lead to what lies elsewhere.
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if is_folder && !name.starts_with('.') && !PASSED.contains(&&*name) {
                below.push(here.join(&*name));
            }
        }
        below.sort();
        found.extend(below);
    }
    found.truncate(FOLDERS);
    Ok(found)
}
