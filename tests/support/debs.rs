//! Real Debian packages, fetched by apt and unpacked without their database.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use super::tools;

/// A package that was unpacked.
pub(crate) struct Deb {
    /// The folder with its files.
    pub(crate) root: PathBuf,
    pub(crate) archive: PathBuf,
    /// The version of what it packs: without epoch, Debian's own revision and marks; after `+really` where it was set back.
    pub(crate) upstream: String,
}

/// Fetches a package and unpacks it below `folder`. Prints why the test is skipped where it cannot be had.
pub(crate) fn unpacked(name: &str, folder: &Path) -> Option<Deb> {
    let (apt, dpkg) = (tools::program("apt-get")?, tools::program("dpkg-deb")?);
    let archive = fetched(name, &apt)?;
    let root = folder.join(name);
    fs::create_dir_all(&root).unwrap();
    let done = Command::new(&dpkg).arg("-x").arg(&archive).arg(&root).status().unwrap();
    assert!(done.success(), "dpkg-deb -x {}", archive.display());
    let version = field(&archive, "Version");
    let version = version.split_once(':').map_or(version.as_str(), |(_, version)| version);
    let version = version.split_once("+really").map_or(version, |(_, version)| version);
    Some(Deb {
        root,
        archive,
        upstream: version.split(['-', '+', '~']).next().unwrap_or_default().to_owned(),
    })
}

/// A field of a package's control file.
pub(crate) fn field(archive: &Path, name: &str) -> String {
    let output = Command::new("dpkg-deb").arg("-f").arg(archive).arg(name).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Kept beside the build's files, so that a second run is quick.
fn fetched(name: &str, apt: &Path) -> Option<PathBuf> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("debs").join(name);
    let there = || {
        let entries = fs::read_dir(&folder).ok()?;
        entries
            .flatten()
            .map(|e| e.path())
            .find(|path| path.extension().is_some_and(|e| e == "deb"))
    };
    if let Some(archive) = there() {
        return Some(archive);
    }
    fs::create_dir_all(&folder).unwrap();
    // Without the sandbox's user, who may not write here.
    let got = Command::new(apt)
        .args(["-qq", "-o", "APT::Sandbox::User=root", "download", name])
        .current_dir(&folder)
        .output()
        .unwrap();
    if there().is_none() {
        println!("skipped: Debian's {name} (apt: {})", String::from_utf8_lossy(&got.stderr).trim());
    }
    there()
}
