//! The folder that an image is put together in.

use std::fs;
use std::path::{Path, PathBuf};

use super::BuildError;
use crate::io::files::{self, FileError};
use crate::io::oci_layout::OciLayout;
use crate::io::temporary;

/// A layout beside the final one, which takes its place when it is whole.
pub(super) struct Target {
    pub(super) layout: OciLayout,
    /// For what else comes and goes with the build.
    pub(super) folder: temporary::Folder,
}

impl Target {
    /// Makes the folder.
    ///
    /// # Errors
    /// [`BuildError::File`], [`BuildError::Layout`].
    pub(super) fn new(last: &Path) -> Result<Self, BuildError> {
        let parent = files::folder_of(last);
        let failed = |source| FileError::Write {
            path: last.to_owned(),
            source,
        };
        fs::create_dir_all(parent).map_err(failed)?;
        // What a run left that was killed.
        temporary::sweep(parent);
        let folder = temporary::folder_in(parent).map_err(failed)?;
        Ok(Self {
            layout: OciLayout::create(folder.path().join("image"))?,
            folder,
        })
    }

    /// Puts the layout where it belongs.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(super) fn keep(self, last: &Path) -> Result<PathBuf, BuildError> {
        let failed = |source| FileError::Write {
            path: last.to_owned(),
            source,
        };
        if last.exists() {
            // A folder that is no layout is somebody's own.
            OciLayout::open(last)?;
            fs::rename(last, self.folder.path().join("old")).map_err(failed)?;
        }
        fs::rename(self.layout.dir(), last).map_err(failed)?;
        Ok(last.to_owned())
    }
}
