//! Programs and data that tests compare with, where they are present.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A program on the PATH; prints why the test is skipped where it is not there.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    if found.is_none() {
        println!("skipped: {name} (it is not on the PATH; tests/setup gets it)");
    }
    found
}

/// Lets a file that was just written be executed. It is copied by another process: a file that this one has written may be open for writing in a
/// process that another test has forked meanwhile, and is not executed then (`ETXTBSY`).
pub(crate) fn executable(file: &Path) {
    let fresh = file.with_extension("closed");
    let status = Command::new("install").args(["-m", "755"]).arg(file).arg(&fresh).status();
    assert!(status.unwrap().success(), "{}", file.display());
    std::fs::rename(fresh, file).unwrap();
}

/// A file that `tests/setup` keeps beside its programs; prints why the test is skipped where it is not there.
pub(crate) fn file(name: &str) -> Option<PathBuf> {
    let cache = || {
        let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
        std::env::var_os("XDG_CACHE_HOME")
            .map_or_else(home, PathBuf::from)
            .join("portcullis-tests")
    };
    let file = std::env::var_os("PORTCULLIS_TOOLS").map_or_else(cache, PathBuf::from).join(name);
    let present = file.is_file();
    if !present {
        println!("skipped: {name} (tests/setup gets it)");
    }
    present.then_some(file)
}

/// The folder with real advisory data and lock files; prints why the test is skipped where it is not there.
pub(crate) fn shared() -> Option<PathBuf> {
    let folder =
        std::env::var_os("PORTCULLIS_SHARED").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let present = folder.join("lockfiles").is_dir();
    if !present {
        println!(
            "skipped: comparison with real data (none at {}; PORTCULLIS_SHARED names it)",
            folder.display()
        );
    }
    present.then_some(folder)
}

pub(crate) fn cargo_home() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cargo");
    std::env::var_os("CARGO_HOME").map_or_else(home, PathBuf::from)
}
