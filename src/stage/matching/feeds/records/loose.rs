//! Loose records: a file each.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use crate::io::Effects;
use crate::io::files::{self, FileError};
use crate::io::folder;
use crate::io::hash::sha256;
use crate::model::digest::Digest;

use super::SourceError;
use super::batch::{Batch, Named, Progress, read_all};
use super::naming::{OVERLAY, key_of, look, pool_full};
use crate::stage::matching::feeds::feed_source::Retrieval;
use crate::stage::matching::index::Builder;
use crate::stage::matching::record::parsed::Target;

/// A record in a file of its own.
#[derive(Debug)]
pub(in crate::stage::matching) struct Laid {
    /// Its file, from the ecosystem's folder.
    pub(super) file: String,
    /// What tells it from others.
    pub(super) key: String,
}

impl Laid {
    /// True for one that was fetched by itself and takes the place of the archive's. Whoever laid another beside the archive did not say which holds.
    pub(super) fn is_newer(&self) -> bool {
        self.file.starts_with(OVERLAY)
    }
}

/// Whether a file's name is one of a record.
pub(in crate::stage::matching) fn is_record(name: &str) -> bool {
    name.ends_with(".json") && name != Retrieval::FILE && !name.starts_with('.')
}

/// The records in an ecosystem's folder, or in the one below it of those that were fetched by themselves: in the order of their keys, and what they look
/// like together; nothing where there is no folder.
pub(super) fn loose_files(root: &Path, below: Option<&str>) -> Result<(Vec<Laid>, String), SourceError> {
    let folder = below.map_or_else(|| root.to_owned(), |below| root.join(below));
    let failed = |source| SourceError::Read {
        path: folder.clone(),
        source,
    };
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Default::default()),
        Err(error) => return Err(failed(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let is_own = below.is_none() && name != Retrieval::FILE && name != OVERLAY;
        if let Some(problem) = is_own.then(|| misplaced(&entry.path())).transpose().map_err(failed)?.flatten() {
            return Err(failed(io::Error::other(problem)));
        }
        if !name.as_encoded_bytes().ends_with(b".json") {
            continue;
        }
        // A record that nobody can ask for by its name is not the same as none.
        let name = name
            .into_string()
            .map_err(|name| failed(io::Error::other(format!("the name of {} is not UTF-8", name.display()))))?;
        if is_record(&name) {
            // What a link leads to is what is read.
            let found = std::fs::metadata(entry.path()).map_err(failed)?;
            files.push((key_of(&name), name, look(&found)));
        }
    }
    if files.is_empty() {
        return Ok(Default::default());
    }
    files.sort();
    let text: String = files.iter().map(|(_, name, look)| format!("{name}\0{look}\n")).collect();
    let prefix = below.map_or_else(String::new, |below| format!("{below}/"));
    let files = files.into_iter().map(|(key, name, _)| Laid {
        file: format!("{prefix}{name}"),
        key,
    });
    Ok((files.collect(), sha256(text.as_bytes()).to_string()))
}

/// Why a file or a folder would be passed over though it may be a record, or hold some: whoever laid it there takes it for one that counts.
fn misplaced(path: &Path) -> io::Result<Option<String>> {
    let is_json = |path: &Path| path.extension().is_some_and(|end| end.eq_ignore_ascii_case("json"));
    let name = path.file_name().unwrap_or_default();
    let is_hidden = name.as_encoded_bytes().starts_with(b".");
    if is_json(path) {
        let is_one = !is_hidden && name.as_encoded_bytes().ends_with(b".json");
        return Ok((!is_one).then(|| format!("{} is no record's name: records are read from ID.json alone", path.display())));
    }
    if is_hidden || !path.is_dir() {
        return Ok(None);
    }
    for entry in fs::read_dir(path)? {
        let inner = entry?.path();
        if is_json(&inner) {
            return Ok(Some(format!(
                "{} lies in a folder of its own, where no records are read",
                inner.display()
            )));
        }
    }
    Ok(None)
}

/// Removes the records that lie beside a copy's archive, which is newer. Left there, older ones would take the place of the archive's.
pub(in crate::stage::matching) fn clear_older(folder: &Path) -> Result<(), FileError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| FileError::Write { path, source }
    };
    let overlay = folder.join(OVERLAY);
    match fs::remove_dir_all(&overlay) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(&overlay)(error)),
    }
    for entry in folder::entries(folder).map_err(failed(folder))? {
        if entry.file_name().to_str().is_some_and(is_record) {
            fs::remove_file(entry.path()).map_err(failed(&entry.path()))?;
        }
    }
    Ok(())
}

/// One loose record, as far as it is read, and its line in their digest.
pub(super) fn read_one(folder: &Path, name: &str, limit: u64) -> Result<(Vec<u8>, String), SourceError> {
    let path = folder.join(name);
    let failed = |source| SourceError::Read {
        path: path.clone(),
        source,
    };
    let mut bytes = Vec::new();
    let file = files::open(&path).map_err(failed)?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    let line = format!("{name} {}\n", sha256(&bytes));
    Ok((bytes, line))
}

/// Reads loose records; their digest is over names and contents.
pub(super) fn read_loose(
    folder: &Path,
    names: &[Laid],
    builder: &mut Builder,
    target: Target<'_>,
    effects: &Effects,
) -> Result<Digest, SourceError> {
    let progress = Progress::new(effects, target, names.len() as u64);
    let limit = effects.limits.advisory;
    let read = |unit: std::ops::Range<usize>| {
        let mut batch = Batch::new(target);
        let mut digests = String::new();
        for Laid { file: name, key } in &names[unit] {
            let (bytes, line) = read_one(folder, name, limit)?;
            digests.push_str(&line);
            let file = Named {
                name,
                key,
                overlaid: false,
            };
            let added = batch.add(&bytes, file, Default::default(), limit);
            added.map_err(|error| pool_full(folder, &error))?;
        }
        Ok((batch.part, digests))
    };
    // A file is as large as it is: a unit of a few of them holds little in any case.
    let digests = read_all(names.len(), |_| 64 << 10, read, builder, &progress)?;
    Ok(sha256(digests.concat().as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn a_record_that_would_be_passed_over_is_refused_by_its_name() {
        for (name, is_refused) in [
            ("X-1.JSON", true),
            ("X-1.Json", true),
            (".X-1.json", true),
            ("more/X-1.json", true),
            ("more/X-1.JSON", true),
            // The controls.
            ("X-1.json", false),
            ("X-1.txt", false),
            ("changed/X-1.json", false),
            (".git/X-1.json", false),
            ("more/README", false),
            ("retrieval.json", false),
        ] {
            let folder = tempfile::tempdir().expect("folder");
            std::fs::write(folder.path().join("A-1.json"), "{}").expect("written");
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(&path, "{}").expect("written");
            let found = loose_files(folder.path(), None);
            assert_eq!(found.is_err(), is_refused, "{name}");
            if let Err(SourceError::Read { source, .. }) = found {
                assert!(source.to_string().contains(name), "{source}");
            }
        }
    }

    #[test]
    fn a_record_whose_name_nobody_can_write_is_not_the_same_as_none() {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join("A-1.json"), "{}").expect("written");
        std::fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"\xff.txt")), "").expect("written");
        let files = loose_files(folder.path(), None).expect("the control").0;
        assert_eq!(files.iter().map(|laid| laid.file.as_str()).collect::<Vec<_>>(), ["A-1.json"]);
        std::fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"\xff.json")), "{}").expect("written");
        let error = loose_files(folder.path(), None).expect_err("refused");
        assert!(matches!(error, SourceError::Read { .. }), "{error}");
    }
}
