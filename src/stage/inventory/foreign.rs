//! Folders in a source tree that are not the project's: built, fetched, or nobody's business.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::DirEntry;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use super::vendored_crates::VendoredCrates;
use crate::io::{Effects, files, folder, git};
use crate::model::coverage::{Gap, GapKind};
use crate::model::event::Stage;
use crate::model::passed_over::{Exclusion, PassedOver, PassedReason};
use crate::model::plain_path::plain;

/// The folders of version control itself, each with a file that it always has: a folder that is only called so is one like any other.
const VERSIONS: [(&str, &str); 3] = [(".git", "HEAD"), (".hg", "requires"), (".svn", "wc.db")];
/// What builds and package managers make, unless git tracks something in it.
const MADE: [&str; 2] = ["node_modules", "target"];
/// Which folders are passed over, and which were.
#[derive(Debug, Default)]
pub(super) struct Foreign {
    /// Folders that git ignores and in which it tracks nothing.
    ignored: BTreeSet<PathBuf>,
    /// Every folder that holds a tracked file, also in folders below it; `None` without git.
    tracked: Option<BTreeSet<PathBuf>>,
    /// Folders that a configuration of cargo's names as the place of vendored crates.
    vendored: BTreeSet<PathBuf>,
    /// What tells a vendored crate from a folder that only looks like one.
    crates: VendoredCrates,
    root: PathBuf,
    /// What the configuration leaves out, with its reason.
    excluded: BTreeMap<PathBuf, String>,
    passed: BTreeMap<(PassedReason, Option<String>), Vec<PathBuf>>,
}

impl Foreign {
    /// Asks git and cargo's configuration. Where git does not answer, nothing is passed over for its sake, and there is a gap.
    pub(super) fn of(root: &Path, exclude: &[Exclusion], effects: &Effects, gaps: &mut Vec<Gap>) -> Self {
        let mut foreign = Self::default();
        let excluded = exclude
            .iter()
            .filter_map(|one| Some((plain(Path::new(&one.path))?, one.reason.clone())));
        foreign.excluded = excluded.collect();
        for path in foreign.excluded.keys().filter(|path| root.join(path).symlink_metadata().is_err()) {
            effects.warn(
                Stage::Inventory,
                format!("[[inventory.exclude]] names {}, which is not there", path.display()),
            );
        }
        let asked = git::ignored_folders(root).and_then(|ignored| Ok((ignored, git::tracked_files(root)?)));
        match asked {
            Ok((ignored, tracked)) => {
                // Somebody who names an ignored folder wants to know about it.
                let is_all = ignored.iter().any(|path| path.components().all(|part| part == Component::CurDir));
                if !is_all {
                    foreign.ignored = ignored.into_iter().collect();
                }
                foreign.tracked = tracked.map(|files| {
                    let folders = files.iter().flat_map(|file| file.ancestors().skip(1));
                    folders.map(Path::to_owned).collect()
                });
            }
            Err(error) => gaps.push(Gap {
                kind: GapKind::UnreadablePath,
                subject: ".git".to_owned(),
                detail: format!("nobody knows which files are tracked: {error}").replace(&format!("{}/", root.display()), ""),
                location: None,
            }),
        }
        foreign.vendored = vendored(root, effects);
        if !foreign.vendored.is_empty() {
            foreign.crates = VendoredCrates::of(root, effects);
        }
        root.clone_into(&mut foreign.root);
        foreign
    }

    /// True for a folder or file, relative to the root, that is not looked into.
    pub(super) fn passes_over(&mut self, path: &Path, is_folder: bool) -> bool {
        let is_own =
            |(name, mark): &(&str, &str)| path.file_name().is_some_and(|own| own == *name) && self.root.join(path).join(mark).exists();
        if is_folder && VERSIONS.iter().any(is_own) && !self.is_tracked(path) {
            return true;
        }
        let why = match self.excluded.get(path) {
            Some(statement) => Some((PassedReason::Excluded, Some(statement.clone()))),
            None if is_folder => self.reason(path).map(|reason| (reason, None)),
            // Cargo reads the lock file of nobody whom it builds for somebody else.
            None if path.file_name().is_some_and(|name| name == "Cargo.lock") && self.is_in_vendored(path) => {
                Some((PassedReason::VendoredCrates, None))
            }
            None => None,
        };
        let Some(why) = why else { return false };
        self.passed.entry(why).or_default().push(path.to_owned());
        true
    }

    /// True for a folder with a file in it, or in one below it, that git tracks.
    fn is_tracked(&self, folder: &Path) -> bool {
        self.tracked.as_ref().is_some_and(|tracked| tracked.contains(folder))
    }

    /// Within a folder that cargo could take for a vendored crate.
    fn is_in_vendored(&self, path: &Path) -> bool {
        let mut folders = path.ancestors().skip(1);
        folders.any(|folder| {
            folder.parent().is_some_and(|parent| self.vendored.contains(parent)) && self.crates.has_sums(&self.root.join(folder))
        })
    }

    fn reason(&self, folder: &Path) -> Option<PassedReason> {
        let name = folder.file_name()?;
        let is_tracked = self.is_tracked(folder);
        if !is_tracked && MADE.iter().any(|made| name == *made) {
            return Some(PassedReason::BuiltOrInstalled);
        }
        if !is_tracked && self.ignored.contains(folder) {
            return Some(PassedReason::IgnoredByGit);
        }
        let is_vendored = folder.parent().is_some_and(|parent| self.vendored.contains(parent));
        (is_vendored && self.crates.is_whole(&self.root.join(folder))).then_some(PassedReason::VendoredCrates)
    }

    /// What was passed over, by reason; the files of version control are nobody's question.
    pub(super) fn passed_over(&self) -> Vec<PassedOver> {
        let said = |((reason, statement), paths): (&(PassedReason, Option<String>), &Vec<PathBuf>)| {
            let mut named: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
            named.sort();
            named.truncate(PassedOver::NAMED);
            PassedOver {
                reason: *reason,
                statement: statement.clone(),
                count: paths.len(),
                paths: named,
            }
        };
        self.passed.iter().map(said).collect()
    }
}

#[derive(Deserialize)]
struct CargoConfig {
    #[serde(default)]
    source: BTreeMap<String, Source>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Source {
    directory: Option<PathBuf>,
    replace_with: Option<String>,
}

/// The folders of vendored crates: those that another source is replaced with, in the configuration of the root's cargo. A folder that nothing
/// is replaced with, and crates without a `.cargo-checksum.json`, are the project's own. Source: the Cargo book, "Source Replacement".
fn vendored(root: &Path, effects: &Effects) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for name in [".cargo/config.toml", ".cargo/config"] {
        // One that cannot be read names no folder: everything is looked into.
        let Ok(text) = files::read_text_inside(root, Path::new(name), effects.limits.document) else {
            continue;
        };
        let Ok(config) = toml::from_str::<CargoConfig>(&text) else {
            continue;
        };
        let replacements: BTreeSet<&String> = config.source.values().filter_map(|source| source.replace_with.as_ref()).collect();
        for (name, source) in &config.source {
            if let Some(directory) = &source.directory
                && replacements.contains(name)
            {
                found.extend(plain(directory));
            }
        }
    }
    let has_sums = |entry: &DirEntry| !entry.path().is_dir() || entry.path().join(".cargo-checksum.json").is_file();
    // One that cannot be listed is no folder of vendored crates: it is looked into, and is a gap there.
    let is_whole = found
        .iter()
        .all(|folder| folder::entries(&root.join(folder)).is_ok_and(|entries| entries.iter().all(has_sums)));
    // Cargo refuses a folder in which one crate has no checksums: then it is something else.
    if is_whole { found } else { BTreeSet::new() }
}
