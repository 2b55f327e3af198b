//! The entries of a layer on the disk. Nothing that an archive says leads out of the folder.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::ops::Bound;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::path_in_root::resolve;
use crate::io::layers::{Entry, Kind, LayerProblem, Need, Visitor};

pub(super) struct Folder<'a> {
    root: &'a Path,
    /// What this layer wrote: an opaque folder hides what lower layers put there, not this.
    written: BTreeSet<PathBuf>,
    /// The file whose content comes.
    file: Option<File>,
}

/// Why an entry cannot be put on the disk.
enum Trouble {
    System(io::Error),
    Refused(&'static str),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

fn told(entry: &Entry<'_>, trouble: Trouble) -> LayerProblem {
    let why = match trouble {
        Trouble::System(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
            format!("the disk is full ({error})")
        }
        Trouble::System(error) => error.to_string(),
        Trouble::Refused(why) => why.to_owned(),
    };
    LayerProblem::Unpack(format!("`{}`: {why}", entry.path.escape_debug()))
}

impl Visitor for Folder<'_> {
    fn entry(&mut self, entry: &Entry<'_>) -> Result<Need, LayerProblem> {
        self.put(entry).map_err(|trouble| told(entry, trouble))
    }

    fn content(&mut self, _entry: &Entry<'_>, _bytes: &[u8]) {}

    fn piece(&mut self, entry: &Entry<'_>, at: u64, bytes: &[u8]) -> Result<(), LayerProblem> {
        let written = self.file.as_ref().map(|file| file.write_all_at(bytes, at));
        let written = written.ok_or(Trouble::Refused("its content comes before it"));
        written.and_then(|written| Ok(written?)).map_err(|trouble| told(entry, trouble))
    }
}

impl<'a> Folder<'a> {
    pub(super) const fn new(root: &'a Path) -> Self {
        Self {
            root,
            written: BTreeSet::new(),
            file: None,
        }
    }

    fn put(&mut self, entry: &Entry<'_>) -> Result<Need, Trouble> {
        let path = path(entry.raw);
        let (Some(name), Some(parent)) = (path.file_name(), path.parent()) else {
            return Ok(Need::Nothing);
        };
        let parent = self.folder(parent)?;
        if let Some(hidden) = name.as_bytes().strip_prefix(b".wh.") {
            self.hide(&parent, hidden)?;
            return Ok(Need::Nothing);
        }
        let place = parent.join(name);
        let mode = entry.mode & 0o777;
        let mut need = Need::Nothing;
        match entry.kind {
            Kind::Directory => {
                if !is_real_folder(&place) {
                    clear(&place)?;
                    fs::create_dir(&place)?;
                }
                fs::set_permissions(&place, fs::Permissions::from_mode(mode | 0o700))?;
            }
            Kind::File => {
                clear(&place)?;
                let file = File::options().write(true).create_new(true).mode(mode | 0o600).open(&place)?;
                if entry.sparse {
                    file.set_len(entry.size)?;
                }
                self.file = Some(file);
                need = Need::Pieces;
            }
            Kind::Symlink(to) => {
                clear(&place)?;
                symlink(std::ffi::OsStr::from_bytes(to), &place)?;
            }
            Kind::HardLink(to) => self.link(path_of_target(to)?, &place)?,
            // Devices and pipes: the service has those of the machine.
            Kind::Special => return Ok(Need::Nothing),
        }
        self.written.insert(place);
        Ok(need)
    }

    fn link(&self, (parent, name): (&Path, &std::ffi::OsStr), place: &Path) -> Result<(), Trouble> {
        let existing = self.folder(parent)?.join(name);
        if !fs::symlink_metadata(&existing).is_ok_and(|meta| meta.is_file() || meta.is_symlink()) {
            return Err(Trouble::Refused("it is a hard link to a file that is not there"));
        }
        if existing != place {
            clear(place)?;
            fs::hard_link(&existing, place)?;
        }
        Ok(())
    }

    fn hide(&self, parent: &Path, hidden: &[u8]) -> Result<(), Trouble> {
        if hidden != b".wh..opq" {
            if hidden.is_empty() || hidden == b"." || hidden == b".." {
                return Err(Trouble::Refused("a whiteout that names nothing"));
            }
            return Ok(clear(&parent.join(std::ffi::OsStr::from_bytes(hidden)))?);
        }
        for entry in fs::read_dir(parent)? {
            let path = entry?.path();
            // What lies in a folder comes right behind it.
            let mut from = self.written.range::<Path, _>((Bound::Included(path.as_path()), Bound::Unbounded));
            if !from.next().is_some_and(|written| written.starts_with(&path)) {
                clear(&path)?;
            }
        }
        Ok(())
    }

    /// The real folder of a path, made where it is missing.
    fn folder(&self, path: &Path) -> Result<PathBuf, Trouble> {
        let found = resolve(self.root, path)?;
        if !is_real_folder(&found) {
            fs::create_dir_all(&found)?;
        }
        Ok(found)
    }
}

fn path(raw: &[u8]) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(raw))
}

fn path_of_target(raw: &[u8]) -> Result<(&Path, &std::ffi::OsStr), Trouble> {
    let path = path(raw);
    let parts = path.parent().zip(path.file_name());
    parts.ok_or(Trouble::Refused("it is a hard link to nothing"))
}

fn is_real_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}

fn clear(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
