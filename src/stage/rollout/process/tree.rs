//! What lies in a folder, as one sum: what was unpacked is held against it before it is used again.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use crate::io::hash::Hashing;
use crate::model::digest::Digest;

/// A folder's content: every path with its kind, its mode, and its bytes or where it leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sum {
    digest: Digest,
    entries: u64,
    bytes: u64,
}

/// The sum of a folder. With `expected`, it ends as soon as there is more than that.
///
/// # Errors
/// The system's reason; what an image's folder does not hold: pipes, sockets, devices; more than was expected.
pub(super) fn sum(root: &Path, expected: Option<&Sum>) -> io::Result<Sum> {
    let wrong = |reason: &str, path: &Path| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {reason}", path.display()));
    let mut hashing = Hashing::new(io::sink());
    let (mut entries, mut bytes) = (0u64, 0u64);
    let mut open: Vec<PathBuf> = vec![root.to_owned()];
    while let Some(path) = open.pop() {
        let found = fs::symlink_metadata(&path)?;
        entries += 1;
        if found.is_file() {
            bytes = bytes.saturating_add(found.len());
        }
        if expected.is_some_and(|expected| entries > expected.entries || bytes > expected.bytes) {
            return Err(wrong("there is more than was unpacked", &path));
        }
        let name = path.strip_prefix(root).map_err(io::Error::other)?;
        tell(&mut hashing, name.as_os_str().as_bytes())?;
        hashing.write_all(&found.mode().to_be_bytes())?;
        if found.is_dir() {
            let mut inside = Vec::new();
            for entry in fs::read_dir(&path)? {
                inside.push(entry?.path());
            }
            inside.sort();
            open.extend(inside.into_iter().rev());
        } else if found.is_symlink() {
            tell(&mut hashing, fs::read_link(&path)?.as_os_str().as_bytes())?;
        } else if found.is_file() {
            tell(&mut hashing, of_file(&path)?.bytes())?;
        } else {
            return Err(wrong("neither a file nor a folder nor a link", &path));
        }
    }
    let (_, digest, _) = hashing.finish();
    Ok(Sum { digest, entries, bytes })
}

/// The digest of a regular file's bytes.
///
/// # Errors
/// The system's reason; for a link, and for what is no regular file.
pub(super) fn of_file(path: &Path) -> io::Result<Digest> {
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW;
    let file = File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    // What is appended meanwhile is not waited for.
    let mut hashing = Hashing::new(io::sink());
    io::copy(&mut file.take(found.len()), &mut hashing)?;
    Ok(hashing.finish().1)
}

/// Bytes behind their length, so that no two lists of them are written alike.
fn tell(into: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    into.write_all(&(bytes.len() as u64).to_be_bytes())?;
    into.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("folder");
        fs::create_dir_all(dir.path().join("bin/deep")).expect("made");
        fs::write(dir.path().join("bin/srv"), "one").expect("written");
        fs::write(dir.path().join("bin/deep/b"), "two").expect("written");
        symlink("bin/srv", dir.path().join("link")).expect("link");
        dir
    }

    #[test]
    fn whatever_is_changed_in_a_folder_changes_its_sum() {
        type Change = fn(&Path) -> io::Result<()>;
        let changes: [(&str, Change); 8] = [
            ("content of one length", |root| fs::write(root.join("bin/srv"), "two")),
            ("mode", |root| {
                fs::set_permissions(root.join("bin/srv"), fs::Permissions::from_mode(0o777))
            }),
            ("mode of a folder", |root| {
                fs::set_permissions(root.join("bin"), fs::Permissions::from_mode(0o700))
            }),
            ("a file more", |root| fs::write(root.join("bin/new"), "")),
            ("a file less", |root| fs::remove_file(root.join("bin/deep/b"))),
            ("another name", |root| fs::rename(root.join("bin/srv"), root.join("bin/srw"))),
            ("a link that leads elsewhere", |root| {
                fs::remove_file(root.join("link"))?;
                symlink("bin/srw", root.join("link"))
            }),
            ("a link in place of a file", |root| {
                fs::remove_file(root.join("bin/srv"))?;
                symlink("deep/b", root.join("bin/srv"))
            }),
        ];
        for (what, change) in changes {
            let dir = folder();
            let before = sum(dir.path(), None).expect("read");
            // The control: nothing changed.
            assert_eq!(sum(dir.path(), Some(&before)).expect("read"), before);
            change(dir.path()).expect("changed");
            assert_ne!(sum(dir.path(), None).expect("read"), before, "{what}");
        }
    }

    #[test]
    fn a_folder_with_more_in_it_than_expected_is_not_read_to_its_end() {
        let dir = folder();
        let before = sum(dir.path(), None).expect("read");
        let large = File::create(dir.path().join("large")).expect("made");
        large.set_len(1 << 42).expect("sparse");
        assert!(sum(dir.path(), Some(&before)).is_err());
    }

    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let dir = folder();
        rustix::fs::mkfifoat(rustix::fs::CWD, dir.path().join("bin/pipe"), rustix::fs::Mode::RWXU).expect("pipe");
        assert!(sum(dir.path(), None).is_err());
        assert!(of_file(&dir.path().join("bin/pipe")).is_err());
        assert!(of_file(&dir.path().join("link")).is_err());
    }
}
