//! What git keeps of single files.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::GitError;
use super::question::{answer, output, question, refused};
use super::top_level::top_level;
use crate::model::excused::Excused as _;

/// One entry of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracked {
    /// `0o100644`, `0o100755`; `0o120000` for a link, `0o160000` for a submodule.
    pub mode: u32,
    /// Hexadecimal digits.
    pub blob: String,
}

/// Every entry of the index below `root`, relative to it; none outside of a checkout.
///
/// # Errors
/// [`GitError`] when there is a checkout and git does not answer for it.
pub fn staged(root: &Path) -> Result<Vec<(PathBuf, Tracked)>, GitError> {
    if top_level(root)?.is_none() {
        return Ok(Vec::new());
    }
    let out = output(root, &["ls-files", "--stage", "-z"])?;
    if !out.status.success() {
        return Err(refused(root, &out));
    }
    let lines = out.stdout.split(|byte| *byte == 0).filter(|line| !line.is_empty());
    let read = |line: &[u8]| {
        let tab = line.iter().position(|byte| *byte == b'\t')?;
        let head = std::str::from_utf8(&line[..tab]).or_none("the caller says that the answer is odd")?;
        let mut words = head.split(' ');
        let mode = u32::from_str_radix(words.next()?, 8).or_none("the caller says that the answer is odd")?;
        let blob = words.next()?.to_owned();
        Some((PathBuf::from(OsStr::from_bytes(&line[tab + 1..])), Tracked { mode, blob }))
    };
    let odd = |line: &[u8]| answer("ls-files", &String::from_utf8_lossy(line));
    lines.map(|line| read(line).ok_or_else(|| odd(line))).collect()
}

/// The names that git would give the bytes of files, relative to `root`, as they lie there. No path may have a line end in it.
///
/// # Errors
/// [`GitError`].
pub fn blobs(root: &Path, files: &[&Path]) -> Result<Vec<String>, GitError> {
    /// Their answer fits into a pipe while the question is still being written.
    const AT_ONCE: usize = 500;
    let mut names = Vec::new();
    for some in files.chunks(AT_ONCE) {
        let mut asked = Vec::new();
        for file in some {
            asked.extend_from_slice(file.as_os_str().as_bytes());
            asked.push(b'\n');
        }
        let said = question(root)
            .args(["hash-object", "--no-filters", "--stdin-paths"])
            .stdout_of(&asked)?;
        let said = String::from_utf8_lossy(&said).into_owned();
        names.extend(said.lines().map(str::to_owned));
    }
    if names.len() != files.len() {
        return Err(answer("hash-object", "not one name for each file"));
    }
    Ok(names)
}
