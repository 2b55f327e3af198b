//! Where things of the checkout lie in the image, and the layer of them.

use std::collections::BTreeMap;
use std::collections::btree_map;
use std::io;
use std::path::{Path, PathBuf};

use crate::io::files::{self, FileError};
use crate::io::hash::Hashing;
use crate::io::oci_layout::OciLayout;
use crate::model::digest::Digest;
use crate::stage::build::assembly::{Below, Sort as Lies};
use crate::stage::build::assembly::{LayerWriter, NewLayer};
use crate::stage::build::{BuildError, NativeError};

/// One thing, and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    /// In the image: clean, relative to its root.
    pub(super) path: String,
    pub(super) sort: Sort,
    /// What it is of, for a person: `assets/a.css`.
    pub(super) of: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sort {
    Folder,
    File {
        source: Seen,
        mode: u32,
    },
    /// A symbolic link, as it is written.
    Link(String),
    /// Something that another layer brings.
    Taken,
}

/// A file as it was before anything was compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) root: PathBuf,
    /// Relative to the root.
    pub(super) path: PathBuf,
    pub(super) size: u64,
    pub(super) digest: Digest,
}

impl Seen {
    /// Reads it, and follows no link.
    ///
    /// # Errors
    /// [`BuildError::File`].
    pub(super) fn of(root: &Path, path: &Path) -> Result<Self, BuildError> {
        let read = || -> io::Result<(Digest, u64)> {
            let mut content = Hashing::new(files::open_below(root, path)?);
            io::copy(&mut content, &mut io::sink())?;
            let (_, digest, size) = content.finish();
            Ok((digest, size))
        };
        let (digest, size) = read().map_err(|source| FileError::Read {
            path: root.join(path),
            source,
        })?;
        Ok(Self {
            root: root.to_owned(),
            path: path.to_owned(),
            size,
            digest,
        })
    }

    /// Copies it, if it still is what it was.
    fn copy(&self, layer: &mut LayerWriter, to: &str, mode: u32) -> Result<(), BuildError> {
        let whole = self.root.join(&self.path);
        let changed = |reason: String| NativeError::Changed {
            path: whole.clone(),
            reason,
        };
        let file = files::open_below(&self.root, &self.path).map_err(|error| changed(error.to_string()))?;
        let size = file.metadata().map_err(|error| changed(error.to_string()))?.len();
        if size != self.size {
            return Err(changed(format!("it had {} bytes and has {size}", self.size)).into());
        }
        if layer.copy(to, mode, size, &whole, file)? != self.digest {
            return Err(changed("its content is another one".to_owned()).into());
        }
        Ok(())
    }
}

/// Everything that is put into the image, by its path.
#[derive(Debug, Default)]
pub(super) struct Placement {
    things: BTreeMap<String, Placed>,
    /// Some of it is ignored by git.
    pub(super) of_the_ignored: bool,
    /// A file of it, relative to the root, whose bytes are not those that git keeps.
    pub(super) differs: Option<PathBuf>,
}

impl Placement {
    pub(super) fn is_empty(&self) -> bool {
        self.things.is_empty()
    }

    /// True where something other than a folder lies at a path.
    pub(super) fn has(&self, path: &str) -> bool {
        self.things.get(path).is_some_and(|placed| placed.sort != Sort::Folder)
    }

    /// Puts a thing at its place, and folders above it.
    ///
    /// # Errors
    /// [`NativeError::Collision`].
    pub(super) fn put(&mut self, placed: Placed) -> Result<(), NativeError> {
        for (end, _) in placed.path.match_indices('/') {
            self.put_one(Placed {
                path: placed.path[..end].to_owned(),
                sort: Sort::Folder,
                of: placed.of.clone(),
            })?;
        }
        self.put_one(placed)
    }

    fn put_one(&mut self, placed: Placed) -> Result<(), NativeError> {
        match self.things.entry(placed.path.clone()) {
            btree_map::Entry::Vacant(place) => drop(place.insert(placed)),
            btree_map::Entry::Occupied(there) if there.get().sort == Sort::Folder && placed.sort == Sort::Folder => {}
            btree_map::Entry::Occupied(there) => {
                return Err(NativeError::Collision {
                    path: format!("/{}", placed.path),
                    first: there.get().of.clone(),
                    second: placed.of,
                });
            }
        }
        Ok(())
    }

    /// Refuses what would lie where a program does.
    ///
    /// # Errors
    /// [`NativeError::Collision`].
    pub(super) fn leaves_room_for(&self, programs: impl Iterator<Item = String>) -> Result<(), NativeError> {
        if self.is_empty() {
            return Ok(());
        }
        let mut with_programs = Self {
            things: self.things.clone(),
            ..Self::default()
        };
        for program in programs {
            with_programs.put(Placed {
                of: format!("the program /{program}"),
                path: program,
                sort: Sort::Taken,
            })?;
        }
        Ok(())
    }

    /// Writes the layer. Folders that lie below already keep their mode and owner; what would take the place of something of another kind
    /// is refused, since a folder that takes the place of a link hides all that it leads to.
    ///
    /// # Errors
    /// [`NativeError::Files`]; what writing a layer can end with.
    pub(super) fn layer(&self, layout: &OciLayout, below: &Below, seconds: i64, created_by: &str) -> Result<NewLayer, BuildError> {
        let mut layer = LayerWriter::new(layout, seconds)?;
        for (path, placed) in &self.things {
            let there = below.get(path);
            let is_folder = there.map(|node| node.sort == Lies::Folder);
            match (&placed.sort, is_folder) {
                (Sort::Folder, Some(false)) => {
                    return Err(refused(
                        placed,
                        "is no folder in what is built upon",
                        "write the path that it leads to",
                    ));
                }
                (Sort::File { .. } | Sort::Link(_), Some(true)) => {
                    return Err(refused(placed, "is a folder in what is built upon", "give it another `to`"));
                }
                (Sort::Folder, _) => match there {
                    Some(node) => layer.folder_of(path, node.mode, (node.uid, node.gid))?,
                    None => layer.folder(path, 0o755)?,
                },
                (Sort::File { source, mode }, _) => source.copy(&mut layer, path, *mode)?,
                (Sort::Link(target), _) => layer.link(path, target)?,
                (Sort::Taken, _) => {}
            }
        }
        layer.finish(created_by)
    }
}

fn refused(placed: &Placed, reason: &str, help: &'static str) -> BuildError {
    NativeError::Files {
        from: placed.of.trim_matches('`').to_owned(),
        reason: format!("/{} {reason}", placed.path),
        help,
    }
    .into()
}
