//! The output folder holds one run: a signed verdict of yesterday beside today's refusal would be taken for today's.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::GateError;
use crate::io::files::FileError;
use crate::io::folder;
use crate::model::excused::Excused as _;
use crate::stage::policy::evidence_file::EVIDENCE_FILE;

/// What tells of a verdict or a rollout.
const OF_A_VERDICT: [&str; 12] = [
    EVIDENCE_FILE,
    "findings.json",
    "findings.sarif",
    "verdict.json",
    "vex.openvex.json",
    "rollout.json",
    "summary.md",
    "report.html",
    "rollout-summary.md",
    "rollout-report.html",
    "junit.xml",
    "gl-container-scanning-report.json",
];
/// Of those and of an image's SBOMs, what others write by the same name: a test run, a documentation, another scanner.
const OF_OTHERS_TOO: [&str; 8] = [
    "summary.md",
    "report.html",
    "junit.xml",
    "gl-container-scanning-report.json",
    "vex.openvex.json",
    "crates.cdx.json",
    "sbom.cdx.json",
    "sbom.spdx.json",
];
/// What only a run of ours begins or leaves: where one of these is, the rest is a run's as well.
const SIGNS: [&str; 6] = [
    "events.ndjson",
    EVIDENCE_FILE,
    "findings.json",
    "verdict.json",
    "rollout.json",
    "image",
];
/// What tells of an image's content.
const OF_AN_INVENTORY: [&str; 3] = ["crates.cdx.json", "sbom.cdx.json", "sbom.spdx.json"];
/// Signed envelopes end so, and the bundles that prove those of a keyless signature.
const SIGNED: [&str; 2] = [".dsse.json", ".sigstore.json"];

/// Removes what earlier runs have left, but for what `files` names: those are of this one. SBOMs stay where the run makes none (`scan`), since
/// one of them may be what is scanned.
///
/// # Errors
/// [`GateError::File`] naming what could not be removed.
pub fn leave_only(folder: &Path, files: &[String], builds: bool) -> Result<(), GateError> {
    let failed = |name: &str| {
        let path = folder.join(name);
        move |source| GateError::File(FileError::WriteResult { path, source })
    };
    for entry in folder::entries(folder).map_err(failed(""))? {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let is_ours = OF_A_VERDICT.contains(&name.as_str()) || is_signed(&name) || (builds && OF_AN_INVENTORY.contains(&name.as_str()));
        if !is_ours || files.contains(&name) {
            continue;
        }
        match fs::remove_file(entry.path()) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&name)(error)),
        }
    }
    Ok(())
}

/// Files of somebody else's that a run would remove or write over: they have the names of a run's, and nothing in the folder is a sign of one.
/// For a run that builds, SBOMs count too.
///
/// # Errors
/// [`GateError::File`] naming the folder that cannot be listed.
pub fn foreign(folder: &Path, builds: bool) -> Result<Vec<PathBuf>, GateError> {
    let there = |name: &&str| folder.join(name).symlink_metadata().is_ok();
    if SIGNS.iter().any(there) {
        return Ok(Vec::new());
    }
    let entries = folder::entries(folder).map_err(|source| {
        let path = folder.to_owned();
        GateError::File(FileError::WriteResult { path, source })
    })?;
    let is_at_stake = |name: &str| OF_OTHERS_TOO.contains(&name) && (builds || !OF_AN_INVENTORY.contains(&name)) || is_signed(name);
    let mut found: Vec<PathBuf> = entries
        .into_iter()
        .filter(|entry| entry.file_name().to_str().is_some_and(is_at_stake))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    Ok(found)
}

fn is_signed(name: &str) -> bool {
    SIGNED.iter().any(|end| name.ends_with(end))
}

/// The signed envelopes and bundles in the folder, sorted.
///
/// # Errors
/// [`GateError::File`].
pub(super) fn signed(folder: &Path) -> Result<Vec<String>, GateError> {
    let failed = |source| {
        GateError::File(FileError::Read {
            path: folder.to_owned(),
            source,
        })
    };
    let mut names = Vec::new();
    for entry in folder::listed(folder).map_err(failed)? {
        names.extend(
            entry
                .file_name()
                .into_string()
                .or_none("no text: not a name that we gave")
                .filter(|name| is_signed(name)),
        );
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_left_by_a_name_of_ours_is_theirs_until_a_run_was_there() {
        let dir = tempfile::tempdir().expect("folder");
        let (place, found) = (dir.path(), |builds| foreign(dir.path(), builds).expect("listed"));
        assert!(found(true).is_empty());
        fs::write(place.join("notes.txt"), "x").expect("written");
        assert!(found(true).is_empty(), "no name of ours");
        // A scan reads SBOMs, and leaves them.
        fs::write(place.join("sbom.cdx.json"), "x").expect("written");
        assert_eq!((found(false), found(true)), (Vec::new(), vec![place.join("sbom.cdx.json")]));
        fs::write(place.join("junit.xml"), "x").expect("written");
        assert_eq!(found(true), [place.join("junit.xml"), place.join("sbom.cdx.json")]);
        fs::write(place.join("verdict.json"), "x").expect("written");
        assert!(found(false).is_empty() && found(true).is_empty());
        assert!(foreign(&place.join("nowhere"), true).expect("nothing").is_empty());
    }

    #[test]
    fn a_signed_verdict_of_before_does_not_stay_beside_a_run_that_has_none() {
        let folder = tempfile::tempdir().expect("folder");
        let there = [
            "verdict.dsse.json",
            "verdict.sigstore.json",
            "verdict.json",
            "rollout.json",
            "sbom.cdx.json",
            "notes.json",
            "mine.txt",
        ];
        for name in there {
            fs::write(folder.path().join(name), "x").expect("written");
        }
        let left = |files: &[&str], builds| {
            let files: Vec<String> = files.iter().map(|name| (*name).to_owned()).collect();
            leave_only(folder.path(), &files, builds).expect("removed");
            let is_there = |name: &&&str| folder.path().join(name).exists();
            there.iter().filter(is_there).copied().collect::<Vec<_>>()
        };
        // A scan's own verdict stays, what it did not write goes, and an SBOM may be its input.
        assert_eq!(
            left(&["verdict.json"], false),
            ["verdict.json", "sbom.cdx.json", "notes.json", "mine.txt"]
        );
        assert_eq!(left(&[], true), ["notes.json", "mine.txt"]);
        assert!(leave_only(&folder.path().join("nowhere"), &[], true).is_ok());
    }
}
