//! Feeds in one file, to be carried over an air gap: a tar with a manifest first and every file's digest in it.
//! Equal copies give an equal file, whose digest can be pinned, or pushed to a registry as an artifact.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::io::Effects;
use crate::io::hash::Hashing;
use crate::model::digest::Digest;
use crate::model::inventory::Ecosystem;
use crate::model::plan::FeedsPlan;

use super::MatchingError;
use super::manage::{ecosystem_of, present};
use super::place::{Place, Retrieval};
use super::source::OVERLAY;
use super::store::file_name;

/// The media type of a bundle in a registry.
pub const BUNDLE_MEDIA_TYPE: &str = "application/vnd.portcullis.feeds.v1+tar";

const MANIFEST: &str = "feeds.json";
const SCHEMA: &str = "portcullis/feeds/v1";

/// What a bundle holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    schema: String,
    /// For each ecosystem: when its copy was retrieved. None for a folder's records, whose own times tell their age.
    pub ecosystems: BTreeMap<String, Option<Timestamp>>,
    /// Every file and its digest.
    files: BTreeMap<String, Digest>,
}

/// A bundle that was written or read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bundle {
    /// SHA-256 of the file.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// What is in it.
    pub contents: Contents,
}

/// Writes the copies of a plan's OSV feed into one file. No ecosystems means all that are there.
///
/// # Errors
/// [`MatchingError::Bundle`] where there is nothing to export; [`MatchingError::Cache`] where a file cannot be read or written.
pub fn export(plan: &FeedsPlan, ecosystems: &[Ecosystem], to: &Path) -> Result<Bundle, MatchingError> {
    let place = Place::parse(&plan.osv);
    let wanted: BTreeSet<String> = ecosystems.iter().map(|ecosystem| ecosystem.base().to_owned()).collect();
    let mut contents = Contents {
        schema: SCHEMA.to_owned(),
        ecosystems: BTreeMap::new(),
        files: BTreeMap::new(),
    };
    let mut paths = BTreeMap::new();
    for base in present(&place, &plan.cache)
        .into_iter()
        .filter(|base| wanted.is_empty() || wanted.contains(base))
    {
        let folder = place.folder(&base, &plan.cache);
        for file in files_of(&folder)? {
            let (_, digest, _) = hashed(&folder.join(&file))?;
            let name = format!("{}/{file}", file_name(&base));
            contents.files.insert(name.clone(), digest);
            paths.insert(name, folder.join(&file));
        }
        contents.ecosystems.insert(base, Retrieval::load(&folder).retrieved);
    }
    if let Some(missing) = wanted.iter().find(|base| !contents.ecosystems.contains_key(*base)) {
        return Err(problem(
            to,
            format!("there is no copy of {missing}: `portcullis feeds update` fetches one"),
        ));
    }
    if contents.ecosystems.is_empty() {
        return Err(problem(
            to,
            "there are no copies to export: `portcullis feeds update` fetches them".to_owned(),
        ));
    }
    write(to, contents, &paths)
}

/// The records' files in an ecosystem's folder, relative to it, sorted.
fn files_of(folder: &Path) -> Result<Vec<String>, MatchingError> {
    let mut files = Vec::new();
    for (prefix, folder) in [("", folder.to_owned()), ("changed/", folder.join(OVERLAY))] {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let entry = entry.map_err(cannot(&folder))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let name = format!("{prefix}{name}");
            if is_record_file(&name) {
                files.push(name);
            }
        }
    }
    if files.iter().any(|file| file == "all.zip") {
        files.retain(|file| file.contains('/') || !file.ends_with(".json"));
    }
    files.sort();
    Ok(files)
}

/// The only names that are written into a bundle or taken out of one.
fn is_record_file(name: &str) -> bool {
    let plain = |stem: &str| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':' | b'%');
        !stem.is_empty() && !stem.starts_with('.') && stem.bytes().all(allowed)
    };
    let record = name.strip_prefix("changed/").unwrap_or(name);
    matches!(name, "all.zip" | "modified_id.csv") || (name != "retrieval.json" && record.strip_suffix(".json").is_some_and(plain))
}

fn write(to: &Path, contents: Contents, paths: &BTreeMap<String, PathBuf>) -> Result<Bundle, MatchingError> {
    let folder = to
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(cannot(folder))?;
    let temporary = tempfile::Builder::new()
        .prefix(".portcullis-")
        .tempfile_in(folder)
        .map_err(cannot(to))?;
    let mut archive = tar::Builder::new(Hashing::new(temporary));
    let manifest = serde_json::to_vec_pretty(&contents).unwrap_or_default();
    append(&mut archive, MANIFEST, manifest.len() as u64, manifest.as_slice()).map_err(cannot(to))?;
    for (name, path) in paths {
        let file = File::open(path).map_err(cannot(path))?;
        let length = file.metadata().map_err(cannot(path))?.len();
        append(&mut archive, name, length, file).map_err(cannot(to))?;
    }
    let (mut temporary, digest, size) = archive.into_inner().map_err(cannot(to))?.finish();
    temporary.flush().map_err(cannot(to))?;
    temporary.persist(to).map_err(|error| cannot(to)(error.error))?;
    Ok(Bundle { digest, size, contents })
}

fn append<W: Write>(archive: &mut tar::Builder<W>, name: &str, length: u64, content: impl Read) -> std::io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(length);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_cksum();
    archive.append_data(&mut header, name, content)
}

/// Takes a bundle's copies for a plan's OSV feed. They are as old as the bundle says, not as the import.
///
/// Every file is unpacked beside its place and checked against the manifest before any takes the place of an old one.
///
/// # Errors
/// [`MatchingError::Bundle`] for a file that is no bundle, is cut off, or does not hold what it says.
pub fn import(from: &Path, plan: &FeedsPlan, effects: &Effects) -> Result<Bundle, MatchingError> {
    let (mut file, digest, size) = hashed(from)?;
    file.rewind().map_err(cannot(from))?;
    let mut archive = tar::Archive::new(file);
    let mut entries = archive.entries().map_err(|error| problem(from, error.to_string()))?;
    let place = Place::parse(&plan.osv);
    fs::create_dir_all(&plan.cache).map_err(cannot(&plan.cache))?;
    let temporary = tempfile::Builder::new()
        .prefix("import-")
        .tempdir_in(&plan.cache)
        .map_err(cannot(&plan.cache))?;
    let contents = read_manifest(entries.next(), from, effects)?;
    let mut left: BTreeSet<&String> = contents.files.keys().collect();
    for entry in entries {
        let mut entry = entry.map_err(|error| problem(from, error.to_string()))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let Some(expected) = contents.files.get(&name) else {
            return Err(problem(from, format!("`{name}` is not in its manifest")));
        };
        let into = temporary.path().join(&name);
        fs::create_dir_all(into.parent().unwrap_or(temporary.path())).map_err(cannot(&into))?;
        let mut hashing = Hashing::new(File::create(&into).map_err(cannot(&into))?);
        std::io::copy(&mut (&mut entry).take(effects.limits.feed), &mut hashing)
            .map_err(|error| problem(from, format!("{name}: {error}")))?;
        if hashing.finish().1 != *expected {
            return Err(problem(from, format!("`{name}` is not what its manifest says")));
        }
        left.remove(&name);
    }
    if let Some(name) = left.first() {
        return Err(problem(from, format!("`{name}` is missing: the file is cut off")));
    }
    for (base, retrieved) in &contents.ecosystems {
        put_in_place(&place, base, *retrieved, temporary.path(), plan)?;
    }
    Ok(Bundle { digest, size, contents })
}

fn read_manifest(entry: Option<std::io::Result<tar::Entry<'_, File>>>, from: &Path, effects: &Effects) -> Result<Contents, MatchingError> {
    let not_one = |why: String| problem(from, format!("it is not a bundle of feeds: {why}"));
    let entry = entry
        .ok_or_else(|| not_one("it is empty".to_owned()))?
        .map_err(|error| not_one(error.to_string()))?;
    if entry.path_bytes().as_ref() != MANIFEST.as_bytes() {
        return Err(not_one(format!("it does not begin with {MANIFEST}")));
    }
    let mut bytes = Vec::new();
    entry
        .take(effects.limits.feed)
        .read_to_end(&mut bytes)
        .map_err(|error| not_one(error.to_string()))?;
    let contents: Contents = serde_json::from_slice(&bytes).map_err(|error| not_one(error.to_string()))?;
    if contents.schema != SCHEMA {
        return Err(not_one(format!("its schema is {}", contents.schema)));
    }
    let known = |name: &str| {
        let (folder, file) = name.split_once('/')?;
        let base = ecosystem_of(folder).filter(|base| contents.ecosystems.contains_key(base))?;
        (file_name(&base) == folder && is_record_file(file)).then_some(())
    };
    match contents.files.keys().find(|name| known(name).is_none()) {
        Some(name) => Err(not_one(format!("`{name}` is no file of a feed"))),
        None => Ok(contents),
    }
}

fn put_in_place(place: &Place, base: &str, retrieved: Option<Timestamp>, unpacked: &Path, plan: &FeedsPlan) -> Result<(), MatchingError> {
    let new = unpacked.join(file_name(base));
    let folder = place.folder(base, &plan.cache);
    if matches!(place, Place::Url(_)) {
        let retrieval = Retrieval {
            url: place.shown(),
            retrieved,
            ..Retrieval::default()
        };
        retrieval.save(&new).map_err(super::retrieve::cache_error)?;
    }
    let parent = folder.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(cannot(parent))?;
    if folder.exists() {
        let old = unpacked.join(format!("{}.old", file_name(base)));
        fs::rename(&folder, old).map_err(cannot(&folder))?;
    }
    fs::rename(&new, &folder).map_err(cannot(&folder))
}

fn hashed(path: &Path) -> Result<(File, Digest, u64), MatchingError> {
    let mut hashing = Hashing::new(File::open(path).map_err(cannot(path))?);
    std::io::copy(&mut hashing, &mut std::io::sink()).map_err(cannot(path))?;
    Ok(hashing.finish())
}

fn cannot(path: &Path) -> impl Fn(std::io::Error) -> MatchingError + use<> {
    let path = path.to_owned();
    move |source| MatchingError::Cache {
        path: path.clone(),
        source,
    }
}

fn problem(path: &Path, problem: String) -> MatchingError {
    MatchingError::Bundle {
        path: path.to_owned(),
        problem,
    }
}
