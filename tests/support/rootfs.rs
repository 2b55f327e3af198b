//! A real Debian root file system with Node.js, npm and Python.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use super::engines::output;
use super::tools;

/// One that `PORTCULLIS_ROOTFS` names, or one that is made once and kept beside the build's files. None, with a printed reason, where the
/// long tests are not asked for, or it cannot be made.
pub(crate) fn debian() -> Option<PathBuf> {
    static MAKING: Mutex<()> = Mutex::new(());
    if std::env::var_os("PORTCULLIS_HEAVY").is_none() {
        println!("skipped: a real Debian root file system (set PORTCULLIS_HEAVY=1)");
        return None;
    }
    if let Some(root) = std::env::var_os("PORTCULLIS_ROOTFS") {
        return Some(root.into());
    }
    let (true, Some(_)) = (super::engines::is_root(), tools::program("debootstrap")) else {
        return None;
    };
    let _one_at_a_time = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("debian-bookworm");
    if !root.exists() {
        let half = root.with_extension("half");
        let _ = std::fs::remove_dir_all(&half);
        make(&half);
        std::fs::rename(&half, &root).unwrap();
    }
    Some(root)
}

fn make(root: &Path) {
    output(Command::new("debootstrap").args(["--variant=minbase", "bookworm"]).arg(root));
    // debootstrap's own resolver does not follow what npm needs: apt does.
    for name in ["resolv.conf", "hosts"] {
        let _ = std::fs::copy(Path::new("/etc").join(name), root.join("etc").join(name));
    }
    let install = "apt-get update -qq && apt-get install -y -qq --no-install-recommends nodejs npm python3-pip >/dev/null && apt-get clean";
    let mut chroot = Command::new("chroot");
    chroot
        .arg(root)
        .args(["sh", "-c", install])
        .env("DEBIAN_FRONTEND", "noninteractive");
    output(&mut chroot);
}
