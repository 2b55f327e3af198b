//! The file of an index, written from its beginning to its end: what is written takes no memory.

use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::layout::{BLOCK, Header, SECTIONS, Section};
use crate::io::files::{self, FileError, folder_of};
use crate::io::temporary;

/// Bytes that are written at a time; whole blocks.
const AT_ONCE: usize = 256 * BLOCK;

/// A file that is being written under another name.
pub(super) struct Writer {
    path: PathBuf,
    file: NamedTempFile,
    buffer: Vec<u8>,
    checks: Vec<u8>,
    /// Bytes of the file so far, those in the buffer included.
    at: u64,
    sections: [(u64, u64); SECTIONS],
    /// Sections that are complete.
    done: usize,
}

impl Writer {
    pub(super) fn new(path: &Path) -> Result<Self, FileError> {
        let failed = |source| FileError::Write {
            path: path.to_owned(),
            source,
        };
        let folder = folder_of(path);
        files::may_be_replaced(path).map_err(failed)?;
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mut file = temporary::file_in(folder).map_err(failed)?;
        file.write_all(&[0; BLOCK]).map_err(failed)?;
        let mut sections = [(0, 0); SECTIONS];
        sections[0].0 = BLOCK as u64;
        Ok(Self {
            path: path.to_owned(),
            file,
            buffer: Vec::with_capacity(AT_ONCE),
            checks: Vec::new(),
            at: BLOCK as u64,
            sections,
            done: 0,
        })
    }

    fn failed(&self, source: io::Error) -> FileError {
        FileError::Write {
            path: self.path.clone(),
            source,
        }
    }

    /// How long the section is so far.
    pub(super) fn length(&self) -> u64 {
        self.at - self.sections[self.done].0
    }

    pub(super) fn put(&mut self, mut bytes: &[u8]) -> Result<(), FileError> {
        self.at += bytes.len() as u64;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(AT_ONCE - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            if self.buffer.len() == AT_ONCE {
                self.flush()?;
            }
            bytes = later;
        }
        Ok(())
    }

    pub(super) fn put_words(&mut self, words: &[u32]) -> Result<(), FileError> {
        for word in words {
            self.put(&word.to_le_bytes())?;
        }
        Ok(())
    }

    /// Writes what is buffered. Only the last time it is not in whole blocks.
    fn flush(&mut self) -> Result<(), FileError> {
        for block in self.buffer.chunks(BLOCK) {
            self.checks.extend_from_slice(&crc32fast::hash(block).to_le_bytes());
        }
        self.file.write_all(&self.buffer).map_err(|error| self.failed(error))?;
        self.buffer.clear();
        Ok(())
    }

    /// Ends a section; they come in their order.
    pub(super) fn end(&mut self, section: Section) {
        assert_eq!(section as usize, self.done, "sections come in their order");
        self.sections[self.done].1 = self.length();
        self.done += 1;
        self.sections[self.done].0 = self.at;
    }

    /// Ends the file and puts it in its place. It checks itself when it is opened: nobody has to wait for the disk.
    pub(super) fn finish(mut self) -> Result<(), FileError> {
        self.flush()?;
        let checks = std::mem::take(&mut self.checks);
        self.sections[Section::Checks as usize].1 = checks.len() as u64;
        let header = Header {
            length: self.at + checks.len() as u64,
            sections: self.sections,
            checks: crc32fast::hash(&checks),
        };
        let done = self.file.write_all(&checks);
        let done = done.and_then(|()| self.file.seek(SeekFrom::Start(0)).map(drop));
        let done = done.and_then(|()| self.file.write_all(&header.encode()));
        let done = done.and_then(|()| files::set_default_mode(self.file.path()));
        done.map_err(|error| self.failed(error))?;
        let Self { file, path, .. } = self;
        file.persist(&path)
            .map_err(|error| FileError::Write { path, source: error.error })?;
        Ok(())
    }
}
