//! The list of what a plain tar holds: on disk, from its headers alone, or as it comes.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::error::{LayerError, LayerProblem};
use super::stream::{Arriving, Chunks, Stream};
use super::{Visitor, walk};
use crate::io::limits::Limits;

/// Bytes read for a header and what may lie close by.
const CHUNK: usize = 16 * 1024;

/// Walks over a plain tar file without reading the contents that the visitor does not ask for, and gives the number of entries.
///
/// # Errors
/// [`LayerError`].
pub fn index(file: &File, path: &Path, limits: &Limits, visitor: &mut dyn Visitor) -> Result<u64, LayerError> {
    let failed = |problem, offset| LayerError {
        layer: path.display().to_string(),
        offset,
        unpacked: false,
        problem,
    };
    let end = file.metadata().map_err(|error| failed(LayerProblem::Read(error), 0))?.len();
    let mut stream = Stream::new(Jumps { file, at: 0, end });
    walk::walk(&mut stream, limits, visitor).map_err(|problem| failed(problem, stream.offset()))
}

/// Walks over a plain tar on the caller's thread, verifies nothing, and gives the number of entries. `name` is what to call it in errors.
///
/// # Errors
/// [`LayerError`].
pub fn plain(tar: impl Read, name: &str, limits: &Limits, visitor: &mut dyn Visitor) -> Result<u64, LayerError> {
    let mut stream = Stream::new(Arriving(tar));
    walk::walk(&mut stream, limits, visitor).map_err(|problem| LayerError {
        layer: name.to_owned(),
        offset: stream.offset(),
        unpacked: true,
        problem,
    })
}

struct Jumps<'f> {
    file: &'f File,
    at: u64,
    end: u64,
}

impl Chunks for Jumps<'_> {
    fn next(&mut self, mut spent: Vec<u8>) -> Result<Option<Vec<u8>>, LayerProblem> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        spent.resize(CHUNK.min(left), 0);
        self.file.read_exact_at(&mut spent, self.at).map_err(LayerProblem::Read)?;
        self.at += spent.len() as u64;
        Ok((!spent.is_empty()).then_some(spent))
    }

    fn pass_over(&mut self, bytes: u64) -> u64 {
        let passed = bytes.min(self.end - self.at);
        self.at += passed;
        passed
    }
}
