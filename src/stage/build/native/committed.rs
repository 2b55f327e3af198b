//! What the index of a checkout holds, and what of some files no commit does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::of_git;
use crate::io::{files, folder, git};
use crate::model::excused::Excused as _;
use crate::stage::build::BuildError;

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
    /// does; a folder stands for what is in it, and what is not there was not read. A link in the folder of others that leads out of it is what it leads to.
    pub(super) fn missing(&self, read: impl IntoIterator<Item = PathBuf>, of_others: &[PathBuf]) -> BTreeSet<PathBuf> {
        let is_of_others = |path: &Path| of_others.iter().any(|folder| path.starts_with(folder));
        let out_of_others = |path: PathBuf| {
            let real = match is_of_others(&path) {
                true => path.canonicalize().or_none("what is not there was not read"),
                false => None,
            };
            real.filter(|real| real.starts_with(&self.top) && !is_of_others(real))
                .unwrap_or(path)
        };
        let read = read.into_iter().map(|path| out_of_others(files::without_dots(&path)));
        let read = read.filter(|path| !is_of_others(path)).flat_map(|path| match path.is_dir() {
            true => self.files_in(path, &|folder| is_of_others(folder) || self.is_a_package(folder)),
            false => vec![path],
        });
        // A link of the checkout is the checkout's own; one on the way to it leads to what others keep.
        let is_led_to_others = |path: &Path| !path.starts_with(&self.top) && path.canonicalize().is_ok_and(|real| is_of_others(&real));
        read.filter(|path| !is_of_others(path) && self.lacks(path) && !is_led_to_others(path))
            .collect()
    }

    /// Those in the folder of a package that somebody unpacked into the tree, whatever reads them.
    pub(super) fn missing_in(&self, package: &Path) -> BTreeSet<PathBuf> {
        let files = self.files_in(files::without_dots(package), &|_| false).into_iter();
        files.filter(|path| self.lacks(path)).collect()
    }

    fn lacks(&self, path: &Path) -> bool {
        path.is_file() && !of_git::says_which_commit(path) && !self.holds(path)
    }

    /// True for a folder with a manifest of the commit: it is a package's own, and has what nobody reads.
    fn is_a_package(&self, folder: &Path) -> bool {
        self.holds(&folder.join("Cargo.toml"))
    }

    /// The files of a folder, up to [`MOST_LISTED`]; none of those that are passed over, and none of git's own folder. One that cannot be listed was not read.
    fn files_in(&self, folder: PathBuf, is_passed_over: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![folder];
        while let Some(folder) = folders.pop() {
            let is_elsewhere = !folder.starts_with(&self.top) || folder == self.top || folder == self.top.join(".git");
            if is_elsewhere || is_passed_over(&folder) || files.len() > MOST_LISTED {
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
            ".git/refs/heads/own",
        ] {
            fs::create_dir_all(top.join(path).parent().expect("a folder")).expect("made");
            fs::write(top.join(path), "x").expect("written");
        }
        fs::write(top.join(".git/HEAD"), "ref: refs/heads/main\n").expect("written");
        fs::write(top.join(".git/refs/heads/main"), format!("{}\n", "0a".repeat(20))).expect("written");
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
        assert_eq!(missing(".git/refs"), [".git/refs/heads/own"]);
        let whole: Vec<PathBuf> = committed.missing_in(&top.join("gen/pkg")).into_iter().collect();
        assert_eq!(whole, [top.join("gen/pkg/c.txt")], "of what was unpacked into the tree all counts");
        // The controls.
        assert!(missing(".git/HEAD").is_empty() && missing(".git/refs/heads/main").is_empty() && missing(".git").is_empty());
        assert!(missing("gen/pkg").is_empty() && missing(".").is_empty() && missing("gen/a.txt").is_empty());
    }

    #[test]
    fn a_link_in_a_folder_of_others_is_what_it_leads_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let top = folder.path().canonicalize().expect("there");
        for path in ["gen/x.o", "own/y.o", "target/z.o"] {
            let path = top.join(path);
            fs::create_dir_all(path.parent().expect("one")).expect("made");
            fs::write(path, "").expect("written");
        }
        symlink("../gen", top.join("target/l")).expect("made");
        symlink("../gen/x.o", top.join("target/x.o")).expect("made");
        symlink("../own", top.join("target/own")).expect("made");
        let committed = Committed {
            files: [PathBuf::from("own/y.o")].into(),
            top: top.clone(),
        };
        for (path, expected) in [
            ("target/l", true),
            ("target/l/x.o", true),
            ("target/x.o", true),
            ("target/own", false),
            ("target/own/y.o", false),
            ("target/z.o", false),
        ] {
            let missing = committed.missing([top.join(path)], &[top.join("target")]);
            assert_eq!(missing.contains(&top.join("gen/x.o")), expected, "{path}: {missing:?}");
            assert_eq!(missing.len(), usize::from(expected), "{path}: {missing:?}");
        }
    }

    #[test]
    fn a_file_is_elsewhere_with_every_link_on_the_way_to_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let top = folder.path().canonicalize().expect("there");
        for (path, text) in [
            ("src/main.rs", ""),
            ("gen/x.txt", ""),
            (".git/HEAD", "ref: refs/heads/trunk\n"),
            ("elsewhere", ""),
        ] {
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
        // What others keep elsewhere, named by way of a link; and a link of the checkout to it.
        let others = tempfile::tempdir().expect("a folder");
        let home = others.path().canonicalize().expect("there").join("home");
        fs::create_dir(&home).expect("made");
        fs::write(home.join("a.rs"), "").expect("written");
        symlink(&home, others.path().join("link")).expect("made");
        symlink(home.join("a.rs"), top.join("a.rs")).expect("made");
        let read = [others.path().join("link/a.rs"), top.join("a.rs")];
        assert_eq!(committed.missing(read, &[home]), [top.join("a.rs")].into());
    }
}
