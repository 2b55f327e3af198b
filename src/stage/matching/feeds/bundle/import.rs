//! A bundle into the places of copies.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::path::Path;

use jiff::Timestamp;

use super::{Bundle, Contents, DOCUMENTS, MANIFEST, SCHEMA, cannot, documents, hashed, is_record_file, problem};
use crate::io::Effects;
use crate::io::hash::Hashing;
use crate::io::temporary;
use crate::model::digest::Digest;
use crate::model::event::Stage;
use crate::model::plan::FeedsPlan;
use crate::stage::matching::error::MatchingError;
use crate::stage::matching::feeds::feed_source::{FeedSource, Retrieval};
use crate::stage::matching::feeds::manage::ecosystem_of;
use crate::stage::matching::feeds::retrieve::cache_error;
use crate::stage::matching::feeds::store::file_name;

/// Takes a bundle's copies for a plan's feeds. They are as old as the bundle says, not as the import.
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
    let place = FeedSource::parse(&plan.osv);
    fs::create_dir_all(&plan.cache).map_err(cannot(&plan.cache))?;
    temporary::sweep(&plan.cache);
    let temporary = temporary::folder_in(&plan.cache).map_err(cannot(&plan.cache))?;
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
        if !left.remove(&name) {
            return Err(problem(from, format!("`{name}` is in it twice")));
        }
    }
    if let Some(name) = left.first() {
        return Err(problem(from, format!("`{name}` is missing: the file is cut off")));
    }
    for (base, retrieved) in &contents.ecosystems {
        put_in_place(&place, base, *retrieved, temporary.path(), plan, digest)?;
    }
    for (name, retrieved) in &contents.documents {
        let unpacked = temporary.path().join(DOCUMENTS).join(name);
        if !documents::put_in_place(name, &unpacked, *retrieved, digest, plan, effects)? {
            effects.note(
                Stage::Matching,
                format!("the bundle holds {name}, which this configuration does not use"),
            );
        }
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
        if folder == DOCUMENTS {
            return contents
                .documents
                .contains_key(file)
                .then_some(())
                .filter(|()| documents::NAMES.contains(&file));
        }
        let base = ecosystem_of(folder).filter(|base| contents.ecosystems.contains_key(base))?;
        (file_name(&base) == folder && is_record_file(file)).then_some(())
    };
    match contents.files.keys().find(|name| known(name).is_none()) {
        Some(name) => Err(not_one(format!("`{name}` is no file of a feed"))),
        None => Ok(contents),
    }
}

fn put_in_place(
    place: &FeedSource,
    base: &str,
    retrieved: Option<Timestamp>,
    unpacked: &Path,
    plan: &FeedsPlan,
    bundle: Digest,
) -> Result<(), MatchingError> {
    let new = unpacked.join(file_name(base));
    let folder = place.folder(base, &plan.cache);
    if matches!(place, FeedSource::Url(_)) {
        let retrieval = Retrieval {
            url: place.shown(),
            retrieved,
            bundle: Some(bundle),
            ..Retrieval::default()
        };
        retrieval.save(&new).map_err(cache_error)?;
    }
    let parent = folder.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(cannot(parent))?;
    if folder.exists() {
        let old = unpacked.join(format!("{}.old", file_name(base)));
        fs::rename(&folder, old).map_err(cannot(&folder))?;
    }
    fs::rename(&new, &folder).map_err(cannot(&folder))
}
