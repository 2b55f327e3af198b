//! What a checkout tracks: what the commit brought, files and links alike.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::GitError;
use super::question::paths;
use super::top_level::top_level;
use crate::io::{files, links};
use crate::model::excused::Excused as _;

/// Every file that git tracks below `root`, relative to it, in git's order; `None` outside of a checkout.
///
/// # Errors
/// [`GitError`] when there is a checkout and git does not answer for it.
pub fn tracked_files(root: &Path) -> Result<Option<Vec<PathBuf>>, GitError> {
    if top_level(root)?.is_none() {
        return Ok(None);
    }
    paths(root, &["ls-files", "-z"]).map(Some)
}

/// True for a file that git tracks, or a folder with one, in whichever checkout it lies; false outside of one, and for what is not there.
///
/// # Errors
/// As [`tracked_files`].
pub fn is_tracked(path: &Path) -> Result<bool, GitError> {
    let Some(way) = links::way(path).or_none("what is not there is told by whoever reads it") else {
        return Ok(false);
    };
    // A link that the commit brings decides as much as a file: what it leads to is its choice.
    for link in &way.links {
        if is_listed(link)? {
            return Ok(true);
        }
    }
    Ok(way.end.exists() && is_listed(&way.end)?)
}

/// True where the checkout that a file, a link or a folder lies in tracks it, or anything in it.
fn is_listed(place: &Path) -> Result<bool, GitError> {
    let is_folder = place.symlink_metadata().is_ok_and(|found| found.is_dir());
    let (folder, name) = match is_folder {
        true => (place, None),
        false => (files::folder_of(place), place.file_name()),
    };
    if top_level(folder)?.is_none() {
        return Ok(false);
    }
    let Some(name) = name.unwrap_or(OsStr::new(".")).to_str() else {
        // Such a name cannot be asked for: what lies beside it is.
        return Ok(!paths(folder, &["ls-files", "-z"])?.is_empty());
    };
    Ok(!paths(folder, &["ls-files", "-z", "--", &format!(":(literal){name}")])?.is_empty())
}

/// The first link on the way to a path that a commit brings, and that leads out of its checkout.
///
/// # Errors
/// As [`tracked_files`].
pub fn link_out_of_the_checkout(path: &Path) -> Result<Option<PathBuf>, GitError> {
    link_of_a_commit(path, |top, leads_to| Ok(!leads_to.starts_with(top)))
}

/// The same, also for one that leads to what its checkout does not track: neither is a part of the commit.
///
/// # Errors
/// As [`tracked_files`].
pub fn link_out_of_the_commit(path: &Path) -> Result<Option<PathBuf>, GitError> {
    link_of_a_commit(path, |top, leads_to| Ok(!is_part_of(top, leads_to)?))
}

/// True for what the commit of a checkout holds: what it tracks, and what a submodule of its own does. A checkout that lies in it without being one has a
/// commit of its own.
fn is_part_of(top: &Path, place: &Path) -> Result<bool, GitError> {
    if !place.starts_with(top) || !is_listed(place)? {
        return Ok(false);
    }
    let folder = if place.is_dir() { place } else { files::folder_of(place) };
    let mut inner = top_level(folder)?;
    while let Some(checkout) = inner.filter(|inner| inner != top) {
        if !checkout.starts_with(top) || !is_submodule(&checkout)? {
            return Ok(false);
        }
        inner = top_level(files::folder_of(&checkout))?;
    }
    Ok(true)
}

/// True where the checkout around this one names a commit for it.
fn is_submodule(checkout: &Path) -> Result<bool, GitError> {
    let Some(name) = checkout.file_name().and_then(OsStr::to_str) else {
        return Ok(false);
    };
    let entries = paths(
        files::folder_of(checkout),
        &["ls-files", "-z", "--stage", "--", &format!(":(literal){name}")],
    )?;
    Ok(entries.iter().any(|entry| entry.as_os_str().as_bytes().starts_with(b"160000 ")))
}

/// The first link on the way that its checkout tracks and that `is_meant`: asked with the checkout's top and where the link leads.
fn link_of_a_commit(path: &Path, is_meant: impl Fn(&Path, &Path) -> Result<bool, GitError>) -> Result<Option<PathBuf>, GitError> {
    let Some(way) = links::way(path).or_none("what leads nowhere is told by whoever goes there") else {
        return Ok(None);
    };
    for link in way.links {
        let Some(top) = top_level(files::folder_of(&link))? else { continue };
        let Some(leads_to) = link.canonicalize().or_none("one that leads nowhere is told by whoever follows it") else {
            continue;
        };
        if is_listed(&link)? && is_meant(&top, &leads_to)? {
            return Ok(Some(link));
        }
    }
    Ok(None)
}

/// A link that the checkout tracks and that leads to `place` or above it, while nothing of `place` is tracked there: whoever stands in it by that link
/// stands in no part of the commit.
///
/// # Errors
/// As [`tracked_files`].
pub fn link_that_led_to(checkout: &Path, place: &Path) -> Result<Option<PathBuf>, GitError> {
    let Some(top) = top_level(checkout)? else { return Ok(None) };
    if is_part_of(&top, place)? {
        return Ok(None);
    }
    // `<mode> <object> <stage>\t<path>`.
    let links = paths(&top, &["ls-files", "-z", "--stage"])?.into_iter().filter_map(|entry| {
        let entry = entry.as_os_str().as_bytes().strip_prefix(b"120000 ")?.to_owned();
        let name = entry.splitn(2, |byte| *byte == b'\t').nth(1)?;
        Some(top.join(OsStr::from_bytes(name)))
    });
    let leads_there = |link: &PathBuf| {
        let leads_to = link.canonicalize();
        leads_to.is_ok_and(|leads_to| place.starts_with(leads_to))
    };
    Ok(links.into_iter().find(leads_there))
}
