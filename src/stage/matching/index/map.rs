//! The one place that maps a file into memory.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;

/// A file's bytes, read from the disk as they are touched.
pub(super) struct Mapped(memmap2::Mmap);

impl Mapped {
    /// Maps a whole file.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // An index is written under another name and renamed, never changed in place, and nobody but us writes to the cache. Whoever cuts the
        // file off under us ends the process (SIGBUS), which fails closed.
        #[expect(
            unsafe_code,
            reason = "a map is what makes opening an index cost nothing; see above for why it holds"
        )]
        let map = unsafe { memmap2::Mmap::map(&file)? };
        Ok(Self(map))
    }
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
