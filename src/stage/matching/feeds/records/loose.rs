//! Loose records: a file each.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use crate::io::Effects;
use crate::io::files;
use crate::io::hash::sha256;
use crate::model::digest::Digest;

use super::SourceError;
use super::batch::{Batch, Named, Progress, read_all};
use super::naming::{key_of, look, pool_full};
use crate::stage::matching::index::Builder;
use crate::stage::matching::record::parsed::Target;

/// The records in a folder, in the order of their keys, and what they look like together; nothing where there is no folder.
pub(super) fn loose_files(folder: &Path) -> Result<(Vec<String>, String), SourceError> {
    let failed = |source| SourceError::Read {
        path: folder.to_owned(),
        source,
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Default::default()),
        Err(error) => return Err(failed(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if !name.as_encoded_bytes().ends_with(b".json") {
            continue;
        }
        // A record that nobody can ask for by its name is not the same as none.
        let name = name
            .into_string()
            .map_err(|name| failed(io::Error::other(format!("the name of {} is not UTF-8", name.display()))))?;
        if name != "retrieval.json" && !name.starts_with('.') {
            // What a link leads to is what is read.
            let found = std::fs::metadata(entry.path()).map_err(failed)?;
            files.push((name, look(&found)));
        }
    }
    if files.is_empty() {
        return Ok(Default::default());
    }
    files.sort_by(|(a, _), (b, _)| key_of(a).cmp(key_of(b)));
    let text: String = files.iter().map(|(name, look)| format!("{name}\0{look}\n")).collect();
    Ok((
        files.into_iter().map(|(name, _)| name).collect(),
        sha256(text.as_bytes()).to_string(),
    ))
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
    names: &[String],
    builder: &mut Builder,
    target: Target<'_>,
    effects: &Effects,
) -> Result<Digest, SourceError> {
    let progress = Progress::new(effects, target, names.len() as u64);
    let limit = effects.limits.advisory;
    let read = |unit: std::ops::Range<usize>| {
        let mut batch = Batch::new(target);
        let mut digests = String::new();
        for name in &names[unit] {
            let (bytes, line) = read_one(folder, name, limit)?;
            digests.push_str(&line);
            let file = Named {
                name,
                key: key_of(name),
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
    fn a_record_whose_name_nobody_can_write_is_not_the_same_as_none() {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join("A-1.json"), "{}").expect("written");
        std::fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"\xff.txt")), "").expect("written");
        assert_eq!(loose_files(folder.path()).expect("the control").0, ["A-1.json"]);
        std::fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"\xff.json")), "{}").expect("written");
        let error = loose_files(folder.path()).expect_err("refused");
        assert!(matches!(error, SourceError::Read { .. }), "{error}");
    }
}
