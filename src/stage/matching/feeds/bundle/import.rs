//! A bundle into the places of copies.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{Bundle, Contents, DOCUMENTS, MANIFEST, SCHEMA, cannot, documents, hashed, is_record_file, problem};
use crate::io::Effects;
use crate::io::files::folder_of;
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
/// It fills the cache alone: a folder or file that the plan names is its owner's. Every file is unpacked beside its place and checked against the
/// manifest before any takes the place of an old one; where one cannot, the old ones come back.
///
/// # Errors
/// [`MatchingError::OwnFiles`] where its copies would go into files of the user's; [`MatchingError::Bundle`] for a file that is no bundle, is cut off, or does not hold what it says.
pub fn import(from: &Path, plan: &FeedsPlan, effects: &Effects) -> Result<Bundle, MatchingError> {
    let (mut file, digest, size) = hashed(from)?;
    file.rewind().map_err(cannot(from))?;
    let mut archive = tar::Archive::new(file);
    let mut entries = archive.entries().map_err(|error| problem(from, error.to_string()))?;
    let place = FeedSource::parse(&plan.osv);
    if let FeedSource::Folder(path) = place {
        return Err(MatchingError::OwnFiles {
            key: "osv".to_owned(),
            path,
        });
    }
    fs::create_dir_all(&plan.cache).map_err(cannot(&plan.cache))?;
    temporary::sweep(&plan.cache);
    let temporary = temporary::folder_in(&plan.cache).map_err(cannot(&plan.cache))?;
    let contents = read_manifest(entries.next(), from, effects)?;
    documents::may_be_put(contents.documents.keys(), plan)?;
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
    let mut moves = Vec::new();
    for (base, retrieved) in &contents.ecosystems {
        moves.push(prepared(&place, base, *retrieved, temporary.path(), plan, digest)?);
    }
    for (name, retrieved) in &contents.documents {
        let unpacked = temporary.path().join(DOCUMENTS).join(name);
        let new = documents::prepared(name, &unpacked, *retrieved, digest, plan, effects)?;
        if new.is_empty() {
            effects.note(
                Stage::Matching,
                format!("the bundle holds {name}, which this configuration does not use"),
            );
        }
        moves.extend(new);
    }
    put_in_place(&moves, &temporary.path().join("before"))?;
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
        .take(effects.limits.feed_list)
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

/// An ecosystem's new folder, whole, and its place.
fn prepared(
    place: &FeedSource,
    base: &str,
    retrieved: Option<Timestamp>,
    unpacked: &Path,
    plan: &FeedsPlan,
    bundle: Digest,
) -> Result<(PathBuf, PathBuf), MatchingError> {
    let new = unpacked.join(file_name(base));
    let retrieval = Retrieval {
        url: place.shown(),
        retrieved,
        bundle: Some(bundle),
        ..Retrieval::default()
    };
    retrieval.save(&new).map_err(cache_error)?;
    Ok((new, place.folder(base, &plan.cache)))
}

/// Puts each new file or folder in its place, or none of them: what was there waits in `before`, and comes back where a later one cannot be put.
fn put_in_place(moves: &[(PathBuf, PathBuf)], before: &Path) -> Result<(), MatchingError> {
    fs::create_dir_all(before).map_err(cannot(before))?;
    for (done, (new, place)) in moves.iter().enumerate() {
        let Err(error) = exchanged(new, place, &before.join(done.to_string())) else {
            continue;
        };
        for (at, (new, place)) in moves[..=done].iter().enumerate().rev() {
            let old = before.join(at.to_string());
            if at < done {
                fs::rename(place, new).map_err(cannot(place))?;
            }
            if old.symlink_metadata().is_ok() {
                fs::rename(&old, place).map_err(cannot(place))?;
            }
        }
        return Err(error);
    }
    Ok(())
}

fn exchanged(new: &Path, place: &Path, old: &Path) -> Result<(), MatchingError> {
    let parent = folder_of(place);
    fs::create_dir_all(parent).map_err(cannot(parent))?;
    if place.symlink_metadata().is_ok() {
        fs::rename(place, old).map_err(cannot(place))?;
    }
    fs::rename(new, place).map_err(cannot(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_put_in_place_whole_leaves_everything_as_it_was() {
        let folder = tempfile::tempdir().expect("folder");
        let at = |name: &str| folder.path().join(name);
        for name in ["new", "place"] {
            fs::create_dir(at(name)).expect("folder");
            fs::write(at(name).join("a"), name).expect("written");
        }
        fs::write(at("new-b"), "new").expect("written");
        fs::write(at("b"), "place").expect("written");
        let read = |name: &str| fs::read_to_string(at(name)).expect("read");
        let good = [(at("new"), at("place")), (at("new-b"), at("b"))];
        // The third has nothing to be put: the first two are taken back.
        let mut bad = good.to_vec();
        bad.push((at("nothing"), at("c")));
        assert!(put_in_place(&bad, &at("before-1")).is_err());
        assert_eq!([read("place/a"), read("b")], ["place", "place"]);
        assert!(!at("c").exists());
        // The control: without it both are put.
        put_in_place(&good, &at("before-2")).expect("put");
        assert_eq!([read("place/a"), read("b")], ["new", "new"]);
    }
}
