//! What of a folder goes into the build context.

use std::fs;
use std::path::{Path, PathBuf};

use super::ignore::{Ignore, Matched};
use crate::io::files::{self, FileError};
use crate::io::folder;
use crate::io::limits::Limits;
use crate::stage::build::{BuildError, DockerfileError};

/// A thing in the context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::stage::build::dockerfile) struct Item {
    /// From the context's root, written with `/`.
    pub(in crate::stage::build::dockerfile) path: String,
    pub(in crate::stage::build::dockerfile) kind: ItemKind,
    /// Bytes of a file.
    pub(in crate::stage::build::dockerfile) size: u64,
}

/// What it is. Sockets, pipes and devices are left out, as by every builder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stage::build::dockerfile) enum ItemKind {
    File,
    Folder,
    Link,
}

/// Everything below a folder that no pattern leaves out, folders before what is in them, sorted. `apart` are folders of ours within it.
///
/// # Errors
/// [`BuildError::File`] for a folder that cannot be read, or a name that is not UTF-8.
pub(in crate::stage::build::dockerfile) fn walk(
    root: &Path,
    ignore_files: &[PathBuf],
    apart: &[PathBuf],
    limits: &Limits,
) -> Result<Vec<Item>, BuildError> {
    let mut walk = Walk {
        root,
        ignore: ignore(ignore_files, limits)?,
        apart,
        items: Vec::new(),
    };
    walk.folder("", &Matched::default())?;
    Ok(walk.items)
}

/// The first of the files that is there counts.
fn ignore(files: &[PathBuf], limits: &Limits) -> Result<Ignore, BuildError> {
    match files.iter().find(|path| path.symlink_metadata().is_ok()) {
        Some(path) => Ignore::parse(&files::read_document(path, limits.document)?).map_err(|bad| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let (place, reason) = (format!("{name}:{}", bad.line), bad.reason.to_owned());
            DockerfileError::Refused { place, reason }.into()
        }),
        None => Ok(Ignore::default()),
    }
}

struct Walk<'w> {
    root: &'w Path,
    ignore: Ignore,
    apart: &'w [PathBuf],
    items: Vec<Item>,
}

impl Walk<'_> {
    fn folder(&mut self, below: &str, matched: &Matched) -> Result<(), BuildError> {
        let folder = self.root.join(below);
        let failed = |source| FileError::Read {
            path: folder.clone(),
            source,
        };
        let mut entries = folder::listed(&folder).map_err(failed)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let Ok(name) = entry.file_name().into_string() else {
                let source = std::io::Error::new(std::io::ErrorKind::InvalidData, "a file name is not UTF-8");
                return Err(FileError::Read {
                    path: entry.path(),
                    source,
                }
                .into());
            };
            let path = if below.is_empty() { name } else { format!("{below}/{name}") };
            self.entry(path, &entry, matched)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: String, entry: &fs::DirEntry, folder: &Matched) -> Result<(), BuildError> {
        if self.apart.iter().any(|apart| *apart == entry.path()) {
            return Ok(());
        }
        let found = entry.metadata().map_err(|source| FileError::Read {
            path: entry.path(),
            source,
        })?;
        let (kind, size) = match found.file_type() {
            kind if kind.is_dir() => (ItemKind::Folder, 0),
            kind if kind.is_file() => (ItemKind::File, found.len()),
            kind if kind.is_symlink() => (ItemKind::Link, 0),
            _ => return Ok(()),
        };
        let (ignored, matched) = self.ignore.ignores(&path, folder);
        if !ignored {
            let path = path.clone();
            self.items.push(Item { path, kind, size });
        }
        if kind == ItemKind::Folder && (!ignored || self.ignore.has_exceptions()) {
            self.folder(&path, &matched)?;
        }
        Ok(())
    }
}
