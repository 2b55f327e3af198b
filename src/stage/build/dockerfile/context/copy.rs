//! The copy of a build context.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use super::walk::{Item, ItemKind};
use crate::io::Effects;
use crate::io::files::FileError;
use crate::stage::build::BuildError;

/// Copies items of one folder to another. Each has the time `epoch` (seconds since 1970), files are readable by all and executable where their
/// owner may execute them: git knows no more of a mode, and a umask or the hour of a checkout must not reach the image.
///
/// # Errors
/// [`BuildError::File`]; [`BuildError::Interrupted`].
pub(in crate::stage::build::dockerfile) fn copy(
    from: &Path,
    items: &[Item],
    to: &Path,
    epoch: i64,
    effects: &Effects,
) -> Result<(), BuildError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| BuildError::from(FileError::Write { path, source })
    };
    fs::create_dir_all(to).map_err(failed(to))?;
    for item in items {
        if effects.is_cancelled() {
            return Err(BuildError::Interrupted);
        }
        let (source, target) = (from.join(&item.path), to.join(&item.path));
        let parent = target.parent().unwrap_or(to);
        let made = fs::create_dir_all(parent).and_then(|()| put(item, &source, &target));
        made.map_err(failed(&target))?;
    }
    // Folders last: what is made in them changes their times.
    let folders = items.iter().rev().filter(|item| item.kind != ItemKind::File);
    for target in folders.map(|item| to.join(&item.path)).chain([to.to_owned()]) {
        date(&target, epoch).map_err(failed(&target))?;
    }
    let files = items.iter().filter(|item| item.kind == ItemKind::File);
    for target in files.map(|item| to.join(&item.path)) {
        date(&target, epoch).map_err(failed(&target))?;
    }
    Ok(())
}

fn put(item: &Item, source: &Path, target: &Path) -> io::Result<()> {
    let mode = match item.kind {
        ItemKind::Link => return symlink(fs::read_link(source)?, target),
        ItemKind::Folder => {
            fs::create_dir_all(target)?;
            0o755
        }
        ItemKind::File => {
            fs::copy(source, target)?;
            let is_executable = fs::metadata(target)?.permissions().mode() & 0o100 != 0;
            if is_executable { 0o755 } else { 0o644 }
        }
    };
    fs::set_permissions(target, fs::Permissions::from_mode(mode))
}

/// Also of a link itself.
fn date(path: &Path, epoch: i64) -> io::Result<()> {
    let at = Timespec { tv_sec: epoch, tv_nsec: 0 };
    let times = Timestamps {
        last_access: at,
        last_modification: at,
    };
    Ok(utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// For tests: a time in the form of the standard library.
#[cfg(test)]
fn at(epoch: i64) -> std::time::SystemTime {
    std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(u64::try_from(epoch).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::super::walk::walk;
    use super::*;
    use crate::io::limits::Limits;

    #[test]
    fn neither_the_time_nor_the_umask_of_a_checkout_is_copied_and_what_is_ignored_stays_behind() {
        let (from, to) = (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
        let root = from.path();
        for (name, mode) in [
            ("src/main.js", 0o600),
            ("run.sh", 0o711),
            ("node_modules/x/y.js", 0o644),
            ("keep/no/yes", 0o644),
        ] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().expect("parent")).expect("made");
            fs::write(&path, name).expect("written");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("mode");
        }
        symlink("/etc/shadow", root.join("src/link")).expect("linked");
        fs::write(root.join(".dockerignore"), "node_modules\nkeep\n!keep/no/yes\n").expect("written");
        let apart = [root.join("apart")];
        fs::create_dir(&apart[0]).expect("made");
        let items = walk(root, &[root.join("none"), root.join(".dockerignore")], &apart, &Limits::default()).expect("walked");
        let paths: Vec<&str> = items.iter().map(|item| item.path.as_str()).collect();
        assert_eq!(paths, [".dockerignore", "keep/no/yes", "run.sh", "src", "src/link", "src/main.js"]);

        let effects = Effects::plain(root.to_owned());
        copy(root, &items, to.path(), 1_700_000_000, &effects).expect("copied");
        for (name, mode) in [("src/main.js", 0o644), ("run.sh", 0o755), ("keep/no/yes", 0o644), ("src", 0o755)] {
            let found = fs::symlink_metadata(to.path().join(name)).expect("copied");
            assert_eq!(found.permissions().mode() & 0o7777, mode, "{name}");
            assert_eq!(found.modified().expect("a time"), at(1_700_000_000), "{name}");
        }
        assert_eq!(fs::read_link(to.path().join("src/link")).expect("a link"), Path::new("/etc/shadow"));
    }
}
