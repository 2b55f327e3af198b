//! Sources of published crates that lie in the checkout, because cargo's home does. Whoever writes into a checkout can write them, and cargo compares them
//! with nothing after it has unpacked them; what they should be is in the archive that the lock file names by its digest.
//!
//! Source: the Cargo book, "Cargo Home" (`registry/cache`, `registry/src`, `git/checkouts`).

use std::collections::{BTreeSet, HashMap};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use cargo_metadata::Metadata;

use super::compiled;
use super::graph::Graph;
use crate::io::hash::sha256;
use crate::io::limits::Limits;
use crate::io::lockfile::cargo as lock_file;
use crate::io::{cargo, files, folder};
use crate::model::excused::Excused as _;
use crate::stage::build::BuildError;

/// What cargo writes beside the files of an archive.
const OF_CARGO: &str = ".cargo-ok";

/// What is known of the sources in cargo's home.
#[derive(Debug, Default)]
pub(super) struct Home {
    /// Folders of built packages in a home below the top of the checkout that are not known to be what the lock file says.
    pub(super) changed: BTreeSet<PathBuf>,
    /// Folders of those that are, or all of a home that lies elsewhere.
    pub(super) known: BTreeSet<PathBuf>,
}

/// Compares what lies in a home of cargo's below the top of a checkout with what the lock file says. What is of git is compared with nothing.
///
/// # Errors
/// [`BuildError::File`] for a lock file that cannot be read.
pub(super) fn unlike_the_lock(top: Option<&Path>, packages: &Metadata, graphs: &[Graph], limits: &Limits) -> Result<Home, BuildError> {
    let mut found = Home::default();
    let Some(home) = cargo::home() else { return Ok(found) };
    if top.is_none_or(|top| !home.starts_with(top)) {
        found.known.insert(home);
        return Ok(found);
    }
    let text = files::read_text(packages.workspace_root.join("Cargo.lock").as_std_path(), limits.wanted_file)?;
    let mut digests: HashMap<(&str, &str), Vec<&str>> = HashMap::new();
    let locked = lock_file::read(&text);
    for package in &locked.packages {
        let known = digests.entry((&package.name, &package.version)).or_default();
        known.extend(package.sha256.as_deref());
    }
    let sources = home.join("registry/src");
    let is_the_archives = |name: &str, version: &str, folder: &Path| {
        let below = folder
            .strip_prefix(&sources)
            .or_none("what lies elsewhere in it is in no archive")?;
        let archive = home.join("registry/cache").join(format!("{}.crate", below.display()));
        let archive = files::read(&archive, limits.wanted_file).or_none("without it nobody knows")?;
        let digest = sha256(&archive).hex();
        let is_named = digests.get(&(name, version)).is_some_and(|known| known.contains(&digest.as_str()));
        let is_same = is_named && is_unpacked_from(folder, &archive).or_none("what cannot be read is not known to be it")?;
        Some(is_same)
    };
    let built = packages.packages.iter().filter(|package| {
        let is_built = compiled::parse_id(&package.id.repr).is_ok_and(|named| graphs.iter().any(|graph| graph.has(&named)));
        is_built && package.source.is_some() && package.manifest_path.starts_with(&home)
    });
    for package in built {
        let folder = files::folder_of(package.manifest_path.as_std_path());
        match is_the_archives(package.name.as_str(), &package.version.to_string(), folder) {
            Some(true) => found.known.insert(folder.to_owned()),
            _ => found.changed.insert(folder.to_owned()),
        };
    }
    Ok(found)
}

/// True where a folder has the files of a package's archive, and none beside them.
fn is_unpacked_from(folder: &Path, archive: &[u8]) -> std::io::Result<bool> {
    let mut known: BTreeSet<PathBuf> = BTreeSet::new();
    let unpacked = flate2::read::GzDecoder::new(archive).take(Limits::NESTED_ARCHIVES);
    for entry in tar::Archive::new(unpacked).entries()? {
        let mut entry = entry?;
        // Below a folder that is called as the package.
        let path: PathBuf = entry.path()?.components().skip(1).collect();
        if entry.header().entry_type().is_dir() {
            continue;
        }
        let whole = folder.join(&path);
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        let is_file = entry.header().entry_type().is_file() && whole.symlink_metadata()?.is_file();
        if !is_file || std::fs::read(&whole)? != content {
            return Ok(false);
        }
        known.insert(path);
    }
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in folder::listed(&next)? {
            let path = entry.path();
            let below = path.strip_prefix(folder).unwrap_or(&path);
            match entry.file_type()?.is_dir() {
                true => open.push(path),
                false if known.contains(below) || below == Path::new(OF_CARGO) => {}
                false => return Ok(false),
            }
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::os::unix::fs::symlink;

    use super::*;

    fn archive(content: &[(&str, &str)]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, text) in content {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, format!("a-1.0.0/{path}"), text.as_bytes())
                .expect("written");
        }
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&tar.into_inner().expect("ended")).expect("written");
        gzip.finish().expect("ended")
    }

    #[test]
    fn sources_that_somebody_changed_added_to_or_linked_are_not_those_of_the_archive() {
        let content = [("Cargo.toml", "[package]\n"), ("src/lib.rs", "pub fn a() {}\n")];
        let archive = archive(&content);
        let whole = |change: fn(&Path)| {
            let folder = tempfile::tempdir().expect("a folder");
            for (path, text) in content.iter().chain(&[(OF_CARGO, "{\"v\":1}")]) {
                let path = folder.path().join(path);
                fs::create_dir_all(files::folder_of(&path)).expect("made");
                fs::write(path, text).expect("written");
            }
            change(folder.path());
            is_unpacked_from(folder.path(), &archive).unwrap_or(false)
        };
        assert!(whole(|_| {}), "the control");
        assert!(!whole(
            |folder| fs::write(folder.join("src/lib.rs"), "pub fn b() {}\n").expect("written")
        ));
        assert!(!whole(
            |folder| fs::write(folder.join("build.rs"), "fn main() {}\n").expect("written")
        ));
        assert!(!whole(|folder| fs::remove_file(folder.join("src/lib.rs")).expect("removed")));
        assert!(!whole(|folder| {
            fs::rename(folder.join("src/lib.rs"), folder.join(OF_CARGO)).expect("moved");
            symlink(format!("../{OF_CARGO}"), folder.join("src/lib.rs")).expect("made");
        }));
        assert!(!is_unpacked_from(Path::new("/"), &archive[..20]).unwrap_or(false));
    }
}
