//! Files that are never seen half written.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use super::temporary;
use crate::model::exit_kind::ExitKind;
use rustix::fs::{Mode, OFlags};

/// What could not be read or written, and why.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum FileError {
    #[error("cannot read {}", path.display())]
    #[diagnostic(code(io::read))]
    Read { path: PathBuf, source: io::Error },
    /// A write failed; nothing is left under the final name.
    #[error("cannot write {}", path.display())]
    #[diagnostic(code(io::write), help("{}", write_help(source, false)))]
    Write { path: PathBuf, source: io::Error },
    /// The same for a result of a run, whose folder `--output` names.
    #[error("cannot write {}", path.display())]
    #[diagnostic(code(io::write), help("{}", write_help(source, true)))]
    WriteResult { path: PathBuf, source: io::Error },
    /// A file is larger than it may be.
    #[error("{} is larger than {limit} bytes", path.display())]
    #[diagnostic(code(io::too_large))]
    TooLarge {
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// A link that leads out of the folder.
    #[error("{} is a link out of the folder", path.display())]
    #[diagnostic(code(io::outside))]
    Outside { path: PathBuf },
    /// A document that is no regular file.
    #[error("{} is {what}, and must be a regular file", path.display())]
    #[diagnostic(
        code(io::not_regular),
        help("put the file itself there: what a link leads to is not reviewed with the commit")
    )]
    NotRegular {
        path: PathBuf,
        /// What it is instead.
        what: &'static str,
    },
    /// A text file that is not UTF-8.
    #[error("{} is not UTF-8 from byte {offset} on", path.display())]
    #[diagnostic(code(io::encoding))]
    Encoding {
        path: PathBuf,
        /// Where the first bad byte is.
        offset: usize,
    },
}

impl FileError {
    /// The system's own error where there is one, for an error that names the file itself; else this one.
    #[must_use]
    pub fn into_io(self) -> io::Error {
        match self {
            Self::Read { source, .. } | Self::Write { source, .. } | Self::WriteResult { source, .. } => source,
            other => io::Error::other(other),
        }
    }

    /// True where there was no room for what was to be written.
    #[must_use]
    pub fn is_of_a_full_disk(&self) -> bool {
        let source = match self {
            Self::Write { source, .. } | Self::WriteResult { source, .. } => source,
            _ => return false,
        };
        matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }

    /// How the run ends: what the user named and is not there is usage, a disk that is full or fails is "cannot know".
    #[must_use]
    pub fn exit_kind(&self) -> ExitKind {
        match self {
            Self::Read { source, .. } | Self::Write { source, .. } | Self::WriteResult { source, .. } => match source.kind() {
                io::ErrorKind::NotFound
                | io::ErrorKind::PermissionDenied
                | io::ErrorKind::ReadOnlyFilesystem
                | io::ErrorKind::NotADirectory
                | io::ErrorKind::IsADirectory => ExitKind::Usage,
                _ => ExitKind::Undecidable,
            },
            Self::TooLarge { .. } | Self::Encoding { .. } | Self::Outside { .. } | Self::NotRegular { .. } => ExitKind::Usage,
        }
    }
}

/// `elsewhere` where `--output` names the folder.
fn write_help(source: &io::Error, elsewhere: bool) -> &'static str {
    match (source.kind(), elsewhere) {
        (io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded, true) => {
            "the disk is full: make room, or name another folder with --output"
        }
        (io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded, false) => {
            "the disk is full: make room and run it again; nothing half written was left behind"
        }
        (io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::NotADirectory, true) => {
            "the folder may not be written to: change its permissions; results of a run go elsewhere with --output"
        }
        (io::ErrorKind::NotADirectory, false) => "a part of its path is a file, and no folder: correct the path",
        (io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem, false) => {
            "the folder may not be written to: change its permissions, or run it as who may"
        }
        _ => "nothing half written was left behind",
    }
}

/// Opens a file for reading, and nothing that could be waited for without an end: a pipe by name, a device. What the caller's own shell has opened
/// (`/dev/stdin`, `/dev/fd/63`) is taken as it is.
///
/// # Errors
/// As [`fs::File::open`]; for a folder, and for what is no regular file.
pub fn open(path: &Path) -> io::Result<fs::File> {
    let inherited = ["/dev/stdin", "/dev/fd/", "/proc/self/fd/"];
    if inherited
        .iter()
        .any(|prefix| path.as_os_str().as_bytes().starts_with(prefix.as_bytes()))
    {
        return fs::File::open(path);
    }
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = fs::File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let found = file.metadata()?;
    match found.file_type() {
        kind if kind.is_file() => Ok(file),
        kind if kind.is_dir() => Err(rustix::io::Errno::ISDIR.into()),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")),
    }
}

/// Opens a regular file by its path below a folder, without following a link on the way.
///
/// # Errors
/// The system's reason, also for a link and for what is no regular file.
pub fn open_below(folder: &Path, path: &Path) -> io::Result<fs::File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut at = rustix::fs::open(folder, flags | OFlags::DIRECTORY, Mode::empty())?;
    let mut parts = path.components().peekable();
    while let Some(part) = parts.next() {
        let Component::Normal(name) = part else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let kind = if parts.peek().is_some() {
            OFlags::DIRECTORY
        } else {
            OFlags::empty()
        };
        at = rustix::fs::openat(&at, name, flags | OFlags::NOFOLLOW | kind, Mode::empty())?;
    }
    let file = fs::File::from(at);
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")),
    }
}

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// [`FileError::Read`], [`FileError::TooLarge`].
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let failed = |source| FileError::Read {
        path: path.to_owned(),
        source,
    };
    let file = open(path).map_err(failed)?;
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(limit)).unwrap_or(0).saturating_add(1));
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(FileError::TooLarge {
            path: path.to_owned(),
            limit,
        });
    }
    Ok(bytes)
}

/// Reads a UTF-8 file of at most `limit` bytes.
///
/// # Errors
/// [`FileError::Read`], [`FileError::TooLarge`], [`FileError::Encoding`].
pub fn read_text(path: &Path, limit: u64) -> Result<String, FileError> {
    String::from_utf8(read(path, limit)?).map_err(|error| FileError::Encoding {
        path: path.to_owned(),
        offset: error.utf8_error().valid_up_to(),
    })
}

/// Reads a UTF-8 file of a folder, by a path relative to it, of at most `limit` bytes. A link may lead to another file of the folder only.
///
/// # Errors
/// As [`read_text`]; [`FileError::Outside`].
pub fn read_text_inside(folder: &Path, path: &Path, limit: u64) -> Result<String, FileError> {
    let whole = folder.join(path);
    let failed = |source| FileError::Read {
        path: whole.clone(),
        source,
    };
    let target = whole.canonicalize().map_err(failed)?;
    if !target.starts_with(folder.canonicalize().map_err(failed)?) {
        return Err(FileError::Outside { path: whole });
    }
    read_text(&whole, limit)
}

/// Reads a document that decides what is believed: a configuration, a policy, a waiver file. A link or anything but a regular file is refused
/// before a byte of it is read: what stands elsewhere was not reviewed with the commit, and no message may quote it.
///
/// # Errors
/// As [`read_text`]; [`FileError::NotRegular`].
pub fn read_document(path: &Path, limit: u64) -> Result<String, FileError> {
    let failed = |source| FileError::Read {
        path: path.to_owned(),
        source,
    };
    let found = fs::symlink_metadata(path).map_err(failed)?;
    if !found.is_file() {
        return Err(FileError::NotRegular {
            path: path.to_owned(),
            what: kind_of(&found),
        });
    }
    if let Some(link) = link_of_repository(path) {
        return Err(FileError::NotRegular {
            path: link,
            what: "a symbolic link of the repository",
        });
    }
    // The byte order mark that some editors write is no part of the text.
    let text = read_text(path, limit)?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// The first folder on the way to a file that is a link inside of a checkout: the commit decides where it leads.
fn link_of_repository(path: &Path) -> Option<PathBuf> {
    let is_link = |folder: &Path| folder.symlink_metadata().is_ok_and(|found| found.is_symlink());
    let in_checkout = |folder: &Path| {
        folder
            .ancestors()
            .skip(1)
            .any(|above| above.join(".git").symlink_metadata().is_ok())
    };
    let mut folders = path.ancestors().skip(1);
    folders.find(|folder| is_link(folder) && in_checkout(folder)).map(Path::to_owned)
}

fn kind_of(found: &fs::Metadata) -> &'static str {
    match found {
        link if link.is_symlink() => "a symbolic link",
        folder if folder.is_dir() => "a folder",
        _ => "no regular file",
    }
}

/// Writes a file under a temporary name in the same folder, flushes it to the disk and renames it. Makes the folder.
///
/// # Errors
/// [`FileError::Write`]; the old content stays then.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    persist(path, bytes, fs::File::sync_data)
}

/// The same for a result of a run: who cannot write it is told of `--output`.
///
/// # Errors
/// [`FileError::WriteResult`]; the old content stays then.
pub fn write_result(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write(path, bytes).map_err(|error| match error {
        FileError::Write { path, source } => FileError::WriteResult { path, source },
        other => other,
    })
}

/// The same as [`write()`] without waiting for the disk, for what may be lost: after a power failure the file may be empty or cut off.
///
/// # Errors
/// [`FileError::Write`]; the old content stays then.
pub fn write_unsynced(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    persist(path, bytes, |_| Ok(()))
}

/// The folder that a file lies in: the working folder for a bare name.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

fn persist(path: &Path, bytes: &[u8], sync: fn(&fs::File) -> io::Result<()>) -> Result<(), FileError> {
    let failed = |source| FileError::Write {
        path: path.to_owned(),
        source,
    };
    let folder = folder_of(path);
    may_be_replaced(path).map_err(failed)?;
    fs::create_dir_all(folder).map_err(failed)?;
    let mut file = temporary::file_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    sync(file.as_file()).map_err(failed)?;
    set_default_mode(file.path()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Refuses what a new file must not take the place of: to rename one over `/dev/null` takes the device from every program of the machine.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] for a device, a pipe or a socket.
pub fn may_be_replaced(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt as _;
    match path.symlink_metadata().map(|found| found.file_type()) {
        Ok(kind) if kind.is_char_device() || kind.is_block_device() || kind.is_fifo() || kind.is_socket() => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is a device, a pipe or a socket, and no file may take its place",
        )),
        // What cannot be looked at is told by the writing.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Temporary files are private; results are for everybody that the folder is for.
pub(crate) fn set_default_mode(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}

/// An absolute path without `.` and `..`, by its text: what a link leads to is not asked.
#[must_use]
pub fn without_dots(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut plain = PathBuf::new();
    for part in whole.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}

/// A path without links, also where its last parts are not there yet: what it will be called once somebody has made them.
///
/// # Errors
/// The system's reason, where what is there cannot be looked at.
pub fn settled(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    for there in path.ancestors() {
        match there.canonicalize() {
            Ok(real) => {
                let rest: PathBuf = path.components().skip(there.components().count()).collect();
                // Joined with nothing, a path would end in a slash and be another text.
                return Ok(if rest.as_os_str().is_empty() { real } else { real.join(rest) });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_the_system_is_handed_on_and_not_its_text() {
        let source = || io::Error::from(io::ErrorKind::StorageFull);
        let path = PathBuf::from("a");
        let full = FileError::Write {
            path: path.clone(),
            source: source(),
        };
        assert_eq!(full.into_io().kind(), io::ErrorKind::StorageFull);
        assert_eq!(FileError::Outside { path }.into_io().to_string(), "a is a link out of the folder");
    }

    #[test]
    fn a_settled_path_is_one_text_before_and_after_its_folder_is_made() {
        let dir = tempfile::tempdir().expect("folder");
        let real = dir.path().canonicalize().expect("there");
        std::os::unix::fs::symlink(&real, real.join("link")).expect("link");
        let path = real.join("link/a/state");
        let before = settled(&path).expect("settled");
        assert_eq!(before.as_os_str(), real.join("a/state").as_os_str());
        fs::create_dir_all(&path).expect("made");
        assert_eq!(settled(&path).expect("settled").as_os_str(), before.as_os_str());
    }

    #[test]
    fn a_failed_write_leaves_the_old_content() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("a/b.json");
        write(&path, b"one").expect("written");
        write(&path, b"two").expect("written");
        assert_eq!(read(&path, 10).expect("read"), b"two");
        assert!(write(&path.join("c"), b"x").is_err());
        assert_eq!(fs::read_dir(dir.path().join("a")).expect("listed").count(), 1);
    }

    #[test]
    fn no_file_takes_the_place_of_a_device_or_a_socket() {
        use std::os::unix::fs::FileTypeExt as _;
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("socket");
        let _socket = std::os::unix::net::UnixListener::bind(&path).expect("bound");
        assert!(matches!(write(&path, b"x"), Err(FileError::Write { .. })));
        assert!(path.symlink_metadata().expect("there").file_type().is_socket());
        assert!(may_be_replaced(Path::new("/dev/null")).is_err());
        // The controls.
        assert!(may_be_replaced(&dir.path().join("new")).is_ok());
        write(&dir.path().join("new"), b"x").expect("written");
    }

    #[test]
    fn a_file_over_the_limit_is_refused() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("x");
        write(&path, b"12345").expect("written");
        assert!(matches!(read(&path, 4), Err(FileError::TooLarge { limit: 4, .. })));
    }
}
