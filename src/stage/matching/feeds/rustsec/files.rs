//! The files of the database, in a folder or in a tarball.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::io::Effects;
use crate::io::files;
use crate::io::folder;
use crate::io::git;
use crate::model::excused::Excused as _;
use crate::stage::matching::feeds::records::SourceError;

/// One advisory as it lies in the database.
pub(super) struct Entry {
    /// `crates/NAME/RUSTSEC-….md`
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    pub(super) changed: Option<i64>,
}

/// Packs the advisories of a folder into a tarball: equal advisories give equal bytes.
pub(in crate::stage::matching) fn pack(root: &Path, to: &Path) -> io::Result<()> {
    let mut archive = tar::Builder::new(io::BufWriter::new(File::create(to)?));
    // The time of the commit tells how old a tarball's data is.
    let time = commit_time(root).map_or(0, |time| u64::try_from(time).unwrap_or(0));
    for path in advisories_in(root).map_err(io::Error::other)? {
        let bytes = fs::read(&path)?;
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(time);
        header.set_cksum();
        archive.append_data(&mut header, path.strip_prefix(root).unwrap_or(&path), bytes.as_slice())?;
    }
    io::Write::flush(&mut archive.into_inner()?)
}

/// Unpacks the advisories of a tarball into a folder. Nothing but advisories is written, under their own names.
pub(in crate::stage::matching) fn unpack(tarball: &Path, into: &Path, effects: &Effects) -> Result<(), SourceError> {
    for entry in read_tarball(tarball, effects)? {
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        if entry.name.split('/').all(|part| plain(part) && !part.starts_with('.')) {
            crate::io::files::write_unsynced(&into.join(&entry.name), &entry.bytes)?;
        }
    }
    Ok(())
}

pub(super) fn advisories_in(root: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let list = |folder: &Path| -> Result<Vec<PathBuf>, SourceError> {
        let failed = |source| SourceError::Read {
            path: folder.to_owned(),
            source,
        };
        Ok(folder::entries(folder).map_err(failed)?.iter().map(fs::DirEntry::path).collect())
    };
    let mut files = Vec::new();
    for package in list(&root.join("crates"))? {
        files.extend(list(&package)?.into_iter().filter(|file| is_advisory(&file.to_string_lossy())));
    }
    files.sort();
    Ok(files)
}

/// `…/crates/NAME/RUSTSEC-2024-0001.md`; drafts (`RUSTSEC-0000-0000.md`) are not published yet.
pub(super) fn is_advisory(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let file = parts.next().unwrap_or_default();
    let collection = parts.nth(1);
    collection == Some("crates") && file.starts_with("RUSTSEC-") && !file.starts_with("RUSTSEC-0000-") && file.ends_with(".md")
}

pub(super) fn read_folder(root: &Path, effects: &Effects) -> Result<Vec<Entry>, SourceError> {
    let mut entries = Vec::new();
    for path in advisories_in(root)? {
        let bytes = crate::io::files::read(&path, effects.limits.advisory)?;
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        entries.push(Entry {
            name,
            bytes,
            changed: None,
        });
    }
    Ok(entries)
}

pub(super) fn read_tarball(path: &Path, effects: &Effects) -> Result<Vec<Entry>, SourceError> {
    let failed = |source| SourceError::Read {
        path: path.to_owned(),
        source,
    };
    let damaged = |problem: std::io::Error| SourceError::Archive {
        path: path.to_owned(),
        problem: problem.to_string(),
    };
    let mut file = files::open(path).map_err(failed)?;
    let mut magic = [0; 2];
    let packed = file.read_exact(&mut magic).is_ok() && magic == [0x1f, 0x8b];
    let file = files::open(path).map_err(failed)?;
    let stream: Box<dyn Read> = if packed {
        Box::new(flate2::read::GzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let mut archive = tar::Archive::new(stream.take(effects.limits.feed_unpacked));
    let mut entries = Vec::new();
    for (count, entry) in archive.entries().map_err(damaged)?.enumerate() {
        let mut entry = entry.map_err(damaged)?;
        if count as u64 > effects.limits.entries {
            return Err(SourceError::Limit {
                path: path.to_owned(),
                problem: "it has too many entries".to_owned(),
            });
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if !is_advisory(&name) || !entry.header().entry_type().is_file() {
            continue;
        }
        let changed = entry
            .header()
            .mtime()
            .or_none("of no known time, and an unknown age is not fresh")
            .and_then(|time| i64::try_from(time).or_none("of no known time, and an unknown age is not fresh"));
        let mut bytes = Vec::new();
        (&mut entry)
            .take(effects.limits.advisory)
            .read_to_end(&mut bytes)
            .map_err(damaged)?;
        let at = name.rfind("crates/").unwrap_or_default();
        entries.push(Entry {
            name: name[at..].to_owned(),
            bytes,
            changed,
        });
    }
    let mut names = BTreeSet::new();
    if let Some(twice) = entries.iter().find(|entry| !names.insert(entry.name.as_str())) {
        return Err(SourceError::Archive {
            path: path.to_owned(),
            problem: format!(
                "two of its entries have the name `{}`, and readers differ in which of them counts",
                twice.name
            ),
        });
    }
    Ok(entries)
}

/// The time of a checkout's commit; none where the folder is no checkout.
pub(super) fn commit_time(root: &Path) -> Option<i64> {
    root.join(".git").exists().then_some(())?;
    // Data whose age nobody can tell is not fresh: whoever asks treats `None` so.
    git::commit_time(root)
        .or_none("of no known time, and an unknown age is not fresh")?
        .map(jiff::Timestamp::as_second)
}
