//! The Rust sources of one crate, as they lie on this machine.

use std::path::{Path, PathBuf};

use super::rust_functions::{Source, read};
use crate::io::limits::Limits;
use crate::io::{files, folder};

/// More files, or deeper folders, are not looked through. The largest crates have some 5,000 files.
const MOST_FILES: usize = 20_000;
const MOST_DEPTH: usize = 32;
/// Folders at the top of a crate that are not of its library.
const BESIDE: [&str; 4] = ["tests", "benches", "examples", "target"];

/// Every file with its path in the crate: `src/lib.rs`.
pub(super) type Files = Vec<(String, Source)>;

/// Reads them all.
///
/// # Errors
/// In words that follow "its sources".
pub(super) fn of(crate_folder: &Path, limits: &Limits) -> Result<Files, String> {
    let mut found = Vec::new();
    let mut open: Vec<(PathBuf, usize)> = vec![(crate_folder.to_owned(), 0)];
    while let Some((folder, depth)) = open.pop() {
        if depth > MOST_DEPTH {
            return Err("lie in too many folders".to_owned());
        }
        for entry in folder::listed(&folder).map_err(|_| "are not there any more".to_owned())? {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type().map_err(|_| "are not there any more".to_owned())?;
            let is_beside = depth == 0 && BESIDE.contains(&name.as_str()) || name.starts_with('.');
            if kind.is_dir() && !is_beside {
                open.push((path, depth + 1));
            } else if name.ends_with(".rs") {
                if found.len() == MOST_FILES {
                    return Err("are too many".to_owned());
                }
                let text = files::read(&path, limits.document).map_err(|_| format!("cannot be read: {name}"))?;
                let inner = path.strip_prefix(crate_folder).unwrap_or(&path).display().to_string();
                found.push((inner, read(&String::from_utf8_lossy(&text))));
            }
        }
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(found)
}
