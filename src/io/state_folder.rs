//! The folder of a service's state: one that nobody else has written to, and the sockets in it.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::files;

/// Makes a folder that only its owner may look into. One that is there already must be ours: see [`own_folder`].
///
/// # Errors
/// The system's reason; somebody else's folder.
pub fn private_folder(path: &Path) -> io::Result<()> {
    if !own_folder(path)? {
        fs::create_dir_all(files::folder_of(path))?;
        let made = fs::DirBuilder::new().mode(0o700).create(path);
        // Another run of ours may have made it meanwhile; whoever else did is seen now.
        made.or_else(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => own_folder(path).map(drop),
            _ => Err(error),
        })?;
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
}

/// True for a folder that is there, belongs to this user, and that nobody else may write to; false where there is none. A folder that somebody
/// else may have written to is never repaired: what lies in it may not be ours, and its owner could change it at any time.
///
/// # Errors
/// A link, no folder, another owner, a mode that lets others write, with what to do about it; the system's reason.
pub fn own_folder(path: &Path) -> io::Result<bool> {
    const OTHERS_WRITE: u32 = 0o002;
    const GROUP_WRITES: u32 = 0o020;
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let me = rustix::process::geteuid().as_raw();
    // A group of the user's own number has nobody else in it.
    let others_write = found.mode() & OTHERS_WRITE != 0 || (found.mode() & GROUP_WRITES != 0 && found.gid() != me);
    let problem = match () {
        () if found.is_symlink() => "is a link: name the folder itself".to_owned(),
        () if !found.is_dir() => "is no folder: move it away".to_owned(),
        () if found.uid() != me => format!("belongs to user {}, not to user {me} who runs this: move it away", found.uid()),
        () if others_write => format!(
            "can be written to by others (mode {:o}), so that nobody knows who wrote what is in it: move it away",
            found.mode() & 0o7777
        ),
        () => return Ok(true),
    };
    let problem = format!("{} {problem}", path.display());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, problem))
}

/// Where a folder of ours is or will be, without links on the way to it. The folder itself must not be one, and must be ours if it is there.
///
/// # Errors
/// As [`own_folder`] and [`files::settled`].
pub fn settled_folder(path: &Path) -> io::Result<PathBuf> {
    own_folder(path)?;
    let settled = files::settled(path)?;
    own_folder(&settled)?;
    Ok(settled)
}

/// A path to a file in a folder that is short enough for a Unix socket's address (108 bytes), however deep the folder lies.
/// It is good for as long as the returned handle lives.
///
/// # Errors
/// When the folder cannot be opened.
pub fn short_path(folder: &Path, name: &str) -> io::Result<(PathBuf, fs::File)> {
    use std::os::fd::AsRawFd;
    let handle = fs::File::open(folder)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}/{name}", handle.as_raw_fd()));
    Ok((path, handle))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_others_may_have_written_to_is_refused_and_not_repaired() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("a/state");
        private_folder(&path).expect("made");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("mode");
        let told = private_folder(&path).expect_err("everybody may write").to_string();
        assert!(told.contains("mode 777") && told.contains("move it away"), "{told}");
        assert!(settled_folder(&path).is_err());
        assert_eq!(mode(&path), 0o777);
        // The control: others may have read it, which is over now.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("mode");
        private_folder(&path).expect("ours");
        assert_eq!(mode(&path), 0o700);
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).expect("link");
        assert!(private_folder(&link).is_err() && settled_folder(&link).is_err());
        fs::write(dir.path().join("file"), "").expect("written");
        assert!(private_folder(&dir.path().join("file")).is_err());
    }

    #[test]
    fn a_folder_of_another_user_is_refused() {
        let me = rustix::process::geteuid().as_raw();
        let dir = tempfile::tempdir().expect("folder");
        // Only root can give folders away; for everybody else root's are somebody else's.
        let theirs = if me == 0 {
            let path = dir.path().join("theirs");
            fs::DirBuilder::new().mode(0o700).create(&path).expect("made");
            std::os::unix::fs::chown(&path, Some(65534), Some(65534)).expect("given away");
            path
        } else {
            PathBuf::from("/usr")
        };
        let told = own_folder(&theirs).expect_err("not ours").to_string();
        assert!(told.contains("belongs to user") && told.contains("move it away"), "{told}");
        assert!(own_folder(dir.path()).expect("the control"));
    }
}
