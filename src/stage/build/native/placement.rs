//! Where things of the checkout lie in the image, and the layer of them.

use std::collections::BTreeMap;
use std::collections::btree_map;
use std::path::PathBuf;

use super::below::{self, Below};
use crate::io::oci_layout::OciLayout;
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
        source: PathBuf,
        size: u64,
        mode: u32,
    },
    /// A symbolic link, as it is written.
    Link(String),
    /// Something that another layer brings.
    Taken,
}

/// Everything that is put into the image, by its path.
#[derive(Debug, Default)]
pub(super) struct Placement {
    things: BTreeMap<String, Placed>,
    /// Some of it is ignored by git.
    pub(super) of_the_ignored: bool,
}

impl Placement {
    pub(super) fn is_empty(&self) -> bool {
        self.things.is_empty()
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
            of_the_ignored: false,
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
            let is_folder = there.map(|node| node.sort == below::Sort::Folder);
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
                (Sort::File { source, size, mode }, _) => layer.copy(path, *mode, *size, source)?,
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
