//! Files that a build read, and that no commit holds: `include_str!` of what git ignores, a configuration or a toolchain file of the checkout.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::compile::target_dir;
use super::linked_in::Read;
use super::prepared::Prepared;
use crate::io::{Effects, cargo, files, folder, git};
use crate::model::event::Stage;
use crate::model::excused::Excused as _;
use crate::model::plan::{BuildPlan, NativeBuild};
use crate::stage::build::BuildError;

/// So many files that are in no commit are told by name.
const MOST_TOLD: usize = 5;

/// So many files of folders that a build names are looked at.
const MOST_LISTED: usize = 100_000;

/// git's mode of a repository within another.
const REPOSITORY: u32 = 0o160_000;

/// What the index of a checkout has, and those of the repositories within it.
#[derive(Debug)]
pub(super) struct Committed {
    top: PathBuf,
    files: BTreeSet<PathBuf>,
}

impl Committed {
    /// `top`: of the checkout, without links.
    ///
    /// # Errors
    /// [`BuildError::Git`].
    pub(super) fn of(top: &Path) -> Result<Self, BuildError> {
        let mut files = BTreeSet::new();
        let mut repositories = vec![PathBuf::new()];
        while let Some(repository) = repositories.pop() {
            for (path, tracked) in git::staged(&top.join(&repository))? {
                let path = repository.join(path);
                // One that was not fetched has nothing that could be read.
                match tracked.mode == REPOSITORY {
                    true if top.join(&path).join(".git").symlink_metadata().is_ok() => repositories.push(path),
                    true => {}
                    false => _ = files.insert(path),
                }
            }
        }
        let top = top.to_owned();
        Ok(Self { top, files })
    }

    /// True for a file of the commit, where every link on the way to it is one as well.
    pub(super) fn holds(&self, path: &Path) -> bool {
        let is_there = |path: &Path| path.strip_prefix(&self.top).is_ok_and(|below| self.files.contains(below));
        let written = files::without_dots(path);
        let links = written
            .ancestors()
            .take_while(|above| *above != self.top && above.starts_with(&self.top));
        let are_its_own = links.filter(|above| above.is_symlink()).all(is_there);
        are_its_own && path.canonicalize().is_ok_and(|real| is_there(&real))
    }

    /// Those of some files that no commit holds, but for what lies in one of the folders `of_others`. `read` are whole paths, taken by their words as cargo
    /// does; a folder stands for what is in it, and what is not there was not read.
    pub(super) fn missing(&self, read: impl IntoIterator<Item = PathBuf>, of_others: &[PathBuf]) -> BTreeSet<PathBuf> {
        let is_of_others = |path: &Path| {
            let of_git = path.strip_prefix(&self.top).is_ok_and(says_which_commit);
            of_git || of_others.iter().any(|folder| path.starts_with(folder))
        };
        let read = read
            .into_iter()
            .map(|path| files::without_dots(&path))
            .flat_map(|path| match path.is_dir() {
                true => self.files_in(path, &is_of_others),
                false => vec![path],
            });
        let read = read.filter(|path| path.is_file());
        read.filter(|path| !is_of_others(path) && !self.holds(path)).collect()
    }

    /// The files of a folder that a build script named, up to [`MOST_LISTED`]; none of one with a manifest of the commit: that is a package's own, and has
    /// what nobody reads. One that cannot be listed was not read.
    fn files_in(&self, folder: PathBuf, is_of_others: &impl Fn(&Path) -> bool) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![folder];
        while let Some(folder) = folders.pop() {
            let is_elsewhere = !folder.starts_with(&self.top) || folder == self.top;
            let is_package = self.holds(&folder.join("Cargo.toml"));
            if is_of_others(&folder) || is_elsewhere || is_package || files.len() > MOST_LISTED {
                continue;
            }
            let Some(entries) = folder::listed(&folder).or_none("what cannot be listed was not read") else {
                continue;
            };
            for path in entries.into_iter().map(|entry| entry.path()) {
                match path.symlink_metadata().is_ok_and(|found| found.is_dir()) {
                    true => folders.push(path),
                    false => files.push(path),
                }
            }
        }
        files
    }
}

/// True for files of git's that say which commit a checkout is at, by their path from its top. No commit can hold another one below a `.git`.
fn says_which_commit(below: &Path) -> bool {
    let mut parts = below.components().map(|part| part.as_os_str());
    let is_gits = parts.next().is_some_and(|part| part == ".git");
    let names: Vec<_> = parts.collect();
    let last = names
        .last()
        .is_some_and(|last| ["HEAD", "index", "packed-refs", "ORIG_HEAD"].iter().any(|name| last == name));
    is_gits && (names.is_empty() || last || names.iter().any(|name| *name == "refs" || *name == "logs"))
}

/// Tells of whole folders of sources: those that no commit holds, of which some lie in cargo's home and are not known to be what the lock file says
/// (`changed`), and those that lie outside of the workspace.
pub(super) fn told_of_folders(
    uncommitted: &BTreeSet<PathBuf>,
    changed: &BTreeSet<PathBuf>,
    outside: &BTreeSet<PathBuf>,
    effects: &Effects,
) {
    let tell = |folder: &Path, what: &str| effects.warn(Stage::Build, format!("{} {what}", folder.display()));
    for folder in changed.iter().take(MOST_TOLD) {
        let what =
            "lies in the checkout with cargo's home, and is not known to be what Cargo.lock names: the image is not called reproducible";
        tell(folder, what);
    }
    if changed.len() > MOST_TOLD {
        let more = changed.len() - MOST_TOLD;
        effects.warn(
            Stage::Build,
            format!("so are {more} more folders of crates: keep CARGO_HOME outside of the checkout"),
        );
    }
    // Of what lies outside of the workspace it is said below.
    for folder in uncommitted.difference(outside).filter(|folder| !changed.contains(*folder)) {
        tell(folder, "holds sources that are in no commit: the image is not called reproducible");
    }
    for folder in outside {
        let what = "lies outside of the workspace: cargo makes the digest depend on where the checkout lies; make it a member";
        tell(folder, what);
    }
}

/// Tells what a build read of a clean commit's checkout and is in no commit, beside whole folders of sources (`folders`): `read`, what the settings have
/// linked, the `manifests` of local packages, the configurations, those of a home of cargo's in the checkout too, the toolchain files, the lock file.
/// True where there is nothing: the commit alone says what is in the image.
///
/// # Errors
/// [`BuildError::Git`].
pub(super) fn told(
    plan: &BuildPlan,
    build: &NativeBuild,
    prepared: &Prepared,
    read: Option<Read>,
    (folders, manifests): (&BTreeSet<PathBuf>, &BTreeSet<PathBuf>),
    effects: &Effects,
) -> Result<bool, BuildError> {
    let is_clean = plan.commit.as_ref().is_some_and(|commit| !commit.dirty);
    let Some(top) = prepared.tree.top().filter(|_| is_clean) else {
        return Ok(true);
    };
    let Some(Read { compiled, mut linked }) = read else {
        let what = "cargo does not say which files were compiled: the image is not called reproducible";
        effects.warn(Stage::Build, what);
        return Ok(false);
    };
    linked.add_settings(&plan.root, build, &prepared.configurations);
    let of_others: Vec<PathBuf> = folders.iter().cloned().chain([target_dir(plan)]).chain(cargo::home()).collect();
    let linked = linked.files(top, effects.limits.document);
    let configurations = prepared.configurations.iter().map(|known| known.settled.clone());
    let configurations = configurations.filter(|path| path.starts_with(top));
    // No list of what was compiled names a manifest, and its features and paths decide as much as a source does.
    let manifests = manifests
        .iter()
        .filter(|path| path.starts_with(top) && !folders.iter().any(|folder| path.starts_with(folder)))
        .cloned();
    let own = prepared
        .tree
        .toolchain_files()
        .chain([prepared.project.workspace.join("Cargo.lock")]);
    let committed = Committed::of(top)?;
    let mut missing = committed.missing(compiled.into_iter().chain(linked), &of_others);
    missing.extend(committed.missing(configurations.chain(own).chain(manifests), &[]));
    for path in missing.iter().take(MOST_TOLD) {
        let what = "is in no commit, and was read by the build: the image is not called reproducible";
        effects.warn(Stage::Build, format!("{} {what}", path.display()));
    }
    if missing.len() > MOST_TOLD {
        let more = missing.len() - MOST_TOLD;
        effects.warn(
            Stage::Build,
            format!("{more} more files are in no commit, and were read by the build"),
        );
    }
    Ok(missing.is_empty())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_folder_that_a_build_names_is_read_with_all_that_is_in_it_and_of_git_what_says_the_commit() {
        let folder = tempfile::tempdir().expect("a folder");
        let top = folder.path().canonicalize().expect("there");
        for path in [
            "gen/a.txt",
            "gen/deep/b.txt",
            "gen/pkg/Cargo.toml",
            "gen/pkg/c.txt",
            "own/Cargo.toml",
            "assets/.git/x.txt",
            ".git/pay/x.txt",
            ".git/HEAD",
            ".git/refs/heads/main",
        ] {
            fs::create_dir_all(top.join(path).parent().expect("a folder")).expect("made");
            fs::write(top.join(path), "x").expect("written");
        }
        let committed = Committed {
            top: top.clone(),
            files: ["gen/a.txt", "gen/pkg/Cargo.toml"].map(PathBuf::from).into(),
        };
        let missing = |path: &str| -> Vec<String> {
            let found = committed.missing([top.join(path)], &[]);
            let below = |path: PathBuf| path.strip_prefix(&top).expect("below").display().to_string();
            found.into_iter().map(below).collect()
        };
        assert_eq!(missing("gen"), ["gen/deep/b.txt"]);
        assert_eq!(missing("gen/../gen/deep"), ["gen/deep/b.txt"]);
        // A manifest that no commit holds makes no package of a folder.
        assert_eq!(missing("own"), ["own/Cargo.toml"]);
        assert_eq!(missing("assets/.git/x.txt"), ["assets/.git/x.txt"]);
        assert_eq!(missing(".git/pay/x.txt"), [".git/pay/x.txt"]);
        // The controls.
        assert!(missing(".git/HEAD").is_empty() && missing(".git/refs/heads/main").is_empty() && missing(".git").is_empty());
        assert!(missing("gen/pkg").is_empty() && missing(".").is_empty() && missing("gen/a.txt").is_empty());
    }

    #[test]
    fn a_file_is_elsewhere_with_every_link_on_the_way_to_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let top = folder.path().canonicalize().expect("there");
        for (path, text) in [("src/main.rs", ""), ("gen/x.txt", ""), (".git/HEAD", ""), ("elsewhere", "")] {
            let path = top.join(path);
            fs::create_dir_all(path.parent().expect("one")).expect("made");
            fs::write(path, text).expect("written");
        }
        symlink("src", top.join("known")).expect("made");
        symlink("src", top.join("unknown")).expect("made");
        symlink("gen", top.join("led")).expect("made");
        let committed = Committed {
            files: ["src/main.rs", "known", "led"].map(PathBuf::from).into(),
            top: top.clone(),
        };
        let holds = |path: &str| committed.holds(&top.join(path));
        assert!(holds("src/main.rs") && holds("known/main.rs") && holds("gen/../src/main.rs"));
        assert!(!holds("gen/x.txt") && !holds("unknown/main.rs") && !holds("led/x.txt"));
        let read = ["src/main.rs", "gen/x.txt", ".git/HEAD", "src", "absent", "elsewhere"].map(|path| top.join(path));
        let missing = committed.missing(read, &[top.join("elsewhere")]);
        assert_eq!(missing, [top.join("gen/x.txt")].into());
    }
}
