//! The content of one file on disk, because it is too large to hold in memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, Write};
use std::os::unix::fs::FileExt;

use super::error::LayerProblem;

/// A file's content on disk, under no name that anybody else could find.
#[derive(Debug)]
pub struct Spilled {
    file: File,
    size: u64,
}

impl Spilled {
    /// An empty one in the folder for temporary files.
    pub(super) fn new() -> Result<Self, LayerProblem> {
        let file = tempfile::tempfile().map_err(LayerProblem::Spill)?;
        Ok(Self { file, size: 0 })
    }

    /// A file that lies on disk already.
    #[must_use]
    pub fn of(file: File, size: u64) -> Self {
        Self { file, size }
    }

    /// Room for the next file. Not by truncating: ext4 writes a file that was truncated to the disk when it is closed, and nobody wants this one
    /// there.
    pub(super) fn cleared(last: &mut Option<Self>) -> Result<&mut Self, LayerProblem> {
        Ok(last.insert(Self::new()?))
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), LayerProblem> {
        self.file.write_all(bytes).map_err(LayerProblem::Spill)?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Bytes of content.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Fills a buffer from an offset.
    ///
    /// # Errors
    /// When there are not so many bytes.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    /// Its content as a stream from the start that can be sought in. One at a time.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn reader(&self) -> io::Result<impl BufRead + Seek> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        Ok(BufReader::new(file))
    }
}

#[cfg(test)]
impl From<&[u8]> for Spilled {
    fn from(bytes: &[u8]) -> Self {
        let mut spilled = Self::new().expect("a temporary file");
        spilled.push(bytes).expect("written");
        spilled
    }
}
