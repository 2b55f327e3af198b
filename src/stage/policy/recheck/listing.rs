//! Where the stored inventories are.

use std::path::{Path, PathBuf};

use crate::io::folder;
use crate::stage::policy::document;
use crate::stage::policy::evidence_file::EVIDENCE_FILE;

/// A file that holds an inventory or the evidence of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// What results call it: the file relative to the folder, or the image.
    pub name: String,
    /// The file that holds it, or why there is none.
    pub content: Result<PathBuf, String>,
}

/// The stored inventories of a file or a folder (every `*.json` below it), sorted. Of the output folder of a run only its
/// evidence is one: the run's other files say the same in other words. What cannot be listed is one that cannot be judged.
#[must_use]
pub fn stored(path: &Path) -> Vec<Stored> {
    let name = |file: &Path| match file.strip_prefix(path) {
        Ok(inside) if !inside.as_os_str().is_empty() => inside.display().to_string(),
        _ => document::file_name(file),
    };
    let mut found = Vec::new();
    let mut add = |path: &Path, content| {
        found.push(Stored { name: name(path), content });
    };
    collect(path, 0, &mut add);
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// Deeper folders are not listed.
const DEEPEST: usize = 8;

/// What a run leaves beside its evidence.
const OF_A_RUN: [&str; 7] = [
    "crates.cdx.json",
    "findings.json",
    "rollout.json",
    "sbom.cdx.json",
    "sbom.spdx.json",
    "verdict.json",
    "vex.openvex.json",
];

fn collect(path: &Path, depth: usize, add: &mut impl FnMut(&Path, Result<PathBuf, String>)) {
    if !path.is_dir() {
        return add(path, Ok(path.to_owned()));
    }
    if depth > DEEPEST {
        return add(
            path,
            Err(format!("it lies more than {DEEPEST} folders deep, and was not looked into")),
        );
    }
    let entries = match folder::listed(path) {
        Ok(entries) => entries,
        Err(error) => return add(path, Err(format!("the folder cannot be listed: {error}"))),
    };
    let is_run = path.join(EVIDENCE_FILE).is_file();
    for entry in entries.into_iter().map(|entry| entry.path()) {
        let name = entry
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        if entry.is_dir() {
            let is_of_run = is_run && ["image", "work"].contains(&name.as_str());
            if !is_of_run {
                collect(&entry, depth + 1, add);
            }
        } else if name.ends_with(".json")
            && !(is_run && (OF_A_RUN.contains(&name.as_str()) || name.ends_with(".dsse.json") || name.ends_with(".sigstore.json")))
        {
            add(&entry, Ok(entry.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::files;

    fn names(folder: &Path) -> Vec<String> {
        stored(folder).into_iter().map(|stored| stored.name).collect()
    }

    #[test]
    fn the_files_of_a_run_are_no_undecidable_inventories() {
        let folder = tempfile::tempdir().expect("folder");
        let files = [
            "verdict.json",
            "sbom.cdx.json",
            "verdict.dsse.json",
            "verdict.sigstore.json",
            "other.json",
            "image/index.json",
            "more/x.json",
        ];
        for name in files {
            files::write(&folder.path().join(name), b"{}").expect("written");
        }
        // Without evidence beside them they are what somebody has put there.
        assert_eq!(names(folder.path()).len(), files.len());
        files::write(&folder.path().join(EVIDENCE_FILE), b"{}").expect("written");
        assert_eq!(names(folder.path()), ["evidence.json", "more/x.json", "other.json"]);
    }

    #[test]
    fn a_folder_that_is_too_deep_is_undecidable_and_not_passed_over() {
        let folder = tempfile::tempdir().expect("folder");
        let deep = "d/".repeat(DEEPEST + 2);
        files::write(&folder.path().join(deep).join("x.json"), b"{}").expect("written");
        let all = stored(folder.path());
        assert!(matches!(all.as_slice(), [only] if only.content.is_err()), "{all:?}");
    }

    #[test]
    fn the_deepest_folder_that_is_looked_into_is_read() {
        let folder = tempfile::tempdir().expect("folder");
        let deep = "d/".repeat(DEEPEST);
        files::write(&folder.path().join(deep).join("x.json"), b"{}").expect("written");
        let all = stored(folder.path());
        assert!(matches!(all.as_slice(), [only] if only.name.ends_with("x.json")), "{all:?}");
    }
}
