//! Whether a program of an image can run on this machine's own libraries: the target `process` starts it outside of its image.

use std::path::{Path, PathBuf};

use crate::io::elf::Elf;
use crate::io::files;
use crate::io::layers::Spilled;
use crate::io::random_access::{OnDisk, RandomAccess as _};
use crate::model::excused::Excused as _;

/// Bytes of a script's first line that the kernel looks at.
const LINE: u64 = 256;
/// The most that is read of the loader's cache.
const CACHE: u64 = 64 << 20;
/// Where the loader looks without being told.
const FOLDERS: [&str; 4] = ["/lib", "/usr/lib", "/lib64", "/usr/lib64"];

/// Fails with the name of what this machine has not: the interpreter of a script, the loader, or a library that the program names itself.
///
/// What those libraries need in their turn is not looked at. `env` are the image's variables.
pub(super) fn check(program: &Path, env: &[String]) -> Result<(), String> {
    let opened = files::open(program).and_then(|file| Ok((file.metadata()?.len(), file)));
    let Ok((size, file)) = opened else {
        // Whoever starts it says why it cannot be read.
        return Ok(());
    };
    let content = Spilled::of(file, size);
    let content = OnDisk::new(&content);
    let head = content.at(0, size.min(LINE)).unwrap_or_default();
    if let Some(first) = head.strip_prefix(b"#!") {
        let line = first.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        return match line.split_whitespace().next() {
            Some(interpreter) => on_this_machine(interpreter),
            None => Ok(()),
        };
    }
    let Some(elf) = Elf::new(&content) else { return Ok(()) };
    let Ok(Some(loader)) = elf.interpreter() else { return Ok(()) };
    on_this_machine(&loader)?;
    let linked = elf.linked();
    // The loader's own folders have one for each architecture below them; those that it is told are looked into as they are.
    let multiarch = format!("{}-linux-gnu", std::env::consts::ARCH);
    let mut folders: Vec<PathBuf> = FOLDERS
        .iter()
        .flat_map(|folder| [PathBuf::from(folder), Path::new(folder).join(&multiarch)])
        .collect();
    folders.extend(linked.folders.iter().map(|folder| of_origin(folder, program)));
    let told = env.iter().filter_map(|pair| pair.strip_prefix("LD_LIBRARY_PATH="));
    folders.extend(
        told.flat_map(|value| value.split(':'))
            .filter(|one| !one.is_empty())
            .map(PathBuf::from),
    );
    let cache = files::read(Path::new("/etc/ld.so.cache"), CACHE).or_none("a machine without the cache has its folders");
    let cached = |name: &str| {
        let name = [b"\0", name.as_bytes(), b"\0"].concat();
        cache.as_ref().is_some_and(|cache| memchr::memmem::find(cache, &name).is_some())
    };
    let missing = |name: &&String| match name.contains('/') {
        true => !Path::new(name).exists(),
        false => !cached(name) && !folders.iter().any(|folder| folder.join(name).exists()),
    };
    match linked.libraries.iter().find(missing) {
        Some(name) => Err(format!(
            "its program is linked to {name}, which this machine has not, and the target `process` runs it on this machine's own libraries"
        )),
        None => Ok(()),
    }
}

fn on_this_machine(interpreter: &str) -> Result<(), String> {
    match Path::new(interpreter).exists() {
        true => Ok(()),
        false => Err(format!(
            "its program is run by {interpreter}, which this machine has not, and the target `process` runs it on this machine itself"
        )),
    }
}

/// `$ORIGIN/../lib` as the loader takes it.
fn of_origin(folder: &str, program: &Path) -> PathBuf {
    let origin = program.parent().map_or_else(String::new, |parent| parent.display().to_string());
    PathBuf::from(folder.replace("${ORIGIN}", &origin).replace("$ORIGIN", &origin))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The program that runs this test, with every `from` in it replaced by as long a `to`.
    fn changed(from: &str, to: &str) -> (tempfile::TempDir, PathBuf) {
        assert_eq!(from.len(), to.len());
        let dir = tempfile::tempdir().expect("folder");
        let mut bytes = fs::read("/proc/self/exe").expect("self");
        let places: Vec<usize> = memchr::memmem::find_iter(&bytes, from).collect();
        assert!(!places.is_empty(), "{from} is not in it");
        for place in places {
            bytes[place..place + to.len()].copy_from_slice(to.as_bytes());
        }
        let path = dir.path().join("program");
        fs::write(&path, bytes).expect("written");
        (dir, path)
    }

    #[test]
    fn a_program_whose_libraries_are_not_here_is_named_with_the_library() {
        let (_dir, path) = changed("libc.so.6", "libq.so.6");
        let refused = check(&path, &[]).expect_err("there is no libq");
        assert!(refused.contains("libq.so.6"), "{refused}");
        // The controls: as it is, and where the image says that it lies.
        let (dir, path) = changed("libc.so.6", "libc.so.6");
        assert_eq!(check(&path, &[]), Ok(()));
        let (_dir, path) = changed("libc.so.6", "libq.so.6");
        fs::write(dir.path().join("libq.so.6"), "").expect("written");
        assert_eq!(check(&path, &[format!("LD_LIBRARY_PATH={}", dir.path().display())]), Ok(()));
        // Debian's `node` looks in `$ORIGIN/../lib`, and its library lies in a folder below that: there the loader looks only in its own.
        let multiarch = dir.path().join(format!("{}-linux-gnu", std::env::consts::ARCH));
        fs::create_dir(&multiarch).expect("created");
        fs::rename(dir.path().join("libq.so.6"), multiarch.join("libq.so.6")).expect("moved");
        assert!(check(&path, &[format!("LD_LIBRARY_PATH={}", dir.path().display())]).is_err());
    }

    #[test]
    fn a_program_for_another_loader_and_a_script_without_its_interpreter_are_refused() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("script");
        fs::write(&path, "#!/no/such/shell -e\n").expect("written");
        assert!(check(&path, &[]).expect_err("no shell").contains("/no/such/shell"));
        fs::write(&path, "#!/bin/sh\n").expect("written");
        assert_eq!(check(&path, &[]), Ok(()));
        let (_dir, path) = changed("/ld-linux", "/ld-other");
        assert!(check(&path, &[]).expect_err("no loader").contains("/ld-other"));
    }
}
