//! What is kept between two builds, and when it is not believed: cargo compares times of files, and knows nothing of what a build script reads
//! without saying so.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::earlier::could_write;
use super::prepared::Prepared;
use crate::io::environment;
use crate::io::files::{self, FileError};
use crate::io::folder;
use crate::io::hash::of_json;
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::model::plan::{BuildPlan, CargoCommand, Link, NativeBuild};
use crate::stage::build::BuildError;

/// Lies in the folder from its beginning: what everything in it was compiled with.
const SETTINGS: &str = "portcullis-settings";
/// Lies in the folder while nothing is compiled: the clean commit that its local packages are of.
const COMMIT: &str = "portcullis-commit";
/// Lies in the folder: who could write into it, a name on each line.
const RAN: &str = "portcullis-ran";
/// Variables that differ from login to login and reach no program.
const PASSING: [&str; 3] = ["TERM", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"];
/// Longer than a digest or a commit.
const LIMIT: u64 = 4096;
/// Longer than the names of all crates of a workspace.
const LIMIT_OF_NAMES: u64 = 16 << 20;

/// The folder that cargo builds in, as the build before left it.
pub(super) struct Kept<'k> {
    target_dir: PathBuf,
    plan: &'k BuildPlan,
    settings: String,
    /// Local packages in it are of this very commit.
    is_of_this_commit: bool,
    /// Who could write into it since it was begun; none where nobody knows.
    ran: Option<BTreeSet<String>>,
}

impl<'k> Kept<'k> {
    /// Begins the folder anew where it was compiled with something else, or is asked to be.
    ///
    /// # Errors
    /// [`BuildError::File`].
    pub(super) fn open(plan: &'k BuildPlan, build: &NativeBuild, prepared: &Prepared, target_dir: PathBuf) -> Result<Self, BuildError> {
        let written = |name: &str, limit: u64| files::read_text(&target_dir.join(name), limit).or_none("then it is not believed");
        let settings = settings(build, prepared).to_string();
        let is_kept = !plan.fresh && written(SETTINGS, LIMIT).as_deref() == Some(settings.as_str());
        let is_of_this_commit = is_kept && clean_commit(plan).is_some_and(|sha| written(COMMIT, LIMIT).as_deref() == Some(sha));
        let ran = written(RAN, LIMIT_OF_NAMES).filter(|_| is_kept);
        let ran = ran.map(|names| names.lines().map(str::to_owned).collect());
        let kept = Self {
            target_dir,
            plan,
            settings,
            is_of_this_commit,
            ran,
        };
        if !is_kept {
            kept.begin()?;
        }
        removed(&kept.target_dir.join(COMMIT))?;
        Ok(kept)
    }

    fn begin(&self) -> Result<(), BuildError> {
        removed(&self.target_dir)?;
        Ok(files::write(&self.target_dir.join(SETTINGS), self.settings.as_bytes())?)
    }

    /// True where local packages in it are of the very commit that is built.
    pub(super) const fn is_of_this_commit(&self) -> bool {
        self.is_of_this_commit
    }

    /// Is told who runs in the build that is to come. Begins the folder anew where somebody could have written into it who does not run now: what
    /// a commit is built upon was written by nobody but those whom it names itself. What is in no commit is built upon whatever is there.
    ///
    /// # Errors
    /// [`BuildError::File`].
    pub(super) fn is_written_by(&mut self, running: BTreeSet<String>) -> Result<(), BuildError> {
        let is_believed = self.ran.as_ref().is_some_and(|ran| could_write(ran, &running));
        if clean_commit(self.plan).is_some() && !is_believed {
            self.begin()?;
        }
        self.ran = Some(running);
        self.remember()
    }

    /// Is told after a build, whatever came of it: what was compiled could write over what is remembered of the folder.
    ///
    /// # Errors
    /// [`BuildError::File`].
    pub(super) fn was_written_by_no_other(&self) -> Result<(), BuildError> {
        removed(&self.target_dir.join(COMMIT))?;
        self.remember()
    }

    fn remember(&self) -> Result<(), BuildError> {
        let path = self.target_dir.join(RAN);
        removed(&path)?;
        if let Some(ran) = &self.ran {
            let names: Vec<&str> = ran.iter().map(String::as_str).collect();
            files::write_unsynced(&path, names.join("\n").as_bytes())?;
        }
        Ok(())
    }

    /// Takes what cargo remembers of packages out of the folder, for the host and every target.
    ///
    /// # Errors
    /// [`BuildError::File`].
    pub(super) fn forget<'n>(&self, packages: impl Iterator<Item = &'n str> + Clone) -> Result<(), BuildError> {
        // `release/`, and `x86_64-unknown-linux-musl/release/`.
        for above in folders(&self.target_dir)? {
            for profile in folders(&above)?.into_iter().chain([above]) {
                for place in [".fingerprint", "build"] {
                    for folder in folders(&profile.join(place))? {
                        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
                        let is_of = |package: &str| {
                            name.strip_prefix(package)
                                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
                        };
                        if packages.clone().any(is_of) {
                            removed(&folder)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Remembers a build that ended well.
    ///
    /// # Errors
    /// [`BuildError::File`].
    pub(super) fn ended_well(&self) -> Result<(), BuildError> {
        if let Some(sha) = clean_commit(self.plan) {
            files::write_unsynced(&self.target_dir.join(COMMIT), sha.as_bytes())?;
        }
        Ok(())
    }
}

fn clean_commit(plan: &BuildPlan) -> Option<&str> {
    let commit = plan.commit.as_ref().filter(|commit| !commit.dirty)?;
    Some(commit.sha.as_str())
}

/// The digest of all that what is compiled can see beside the files: values of variables are in no file.
fn settings(build: &NativeBuild, prepared: &Prepared) -> Digest {
    let text = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
    let mut seen: Vec<(String, String)> = Vec::new();
    for (name, value) in environment::of_children() {
        if !PASSING.contains(&text(&name).as_str()) {
            seen.push((text(&name), text(&value)));
        }
    }
    for name in &build.pass_env {
        seen.push((format!("pass {name}"), format!("{:?}", environment::variable(name))));
    }
    let targets: Vec<&str> = prepared.targets.iter().map(|target| target.asked.as_str()).collect();
    let switches = (
        build.link == Link::Dynamic,
        build.cargo == CargoCommand::Zigbuild,
        build.keep_symbols,
        build.no_default_features,
    );
    let toolchain = format!("{:?}", prepared.toolchain);
    of_json(&(
        (seen, &build.env, &build.linkers, &build.profile, &build.features),
        (targets, switches, toolchain, &prepared.tools, env!("CARGO_PKG_VERSION")),
        // Build scripts of published crates read their variables, too, and cargo does not ask them again.
        prepared.configurations.texts(),
    ))
}

/// Folders in a folder; none where it is not there.
fn folders(of: &Path) -> Result<Vec<PathBuf>, BuildError> {
    if !of.is_dir() {
        return Ok(Vec::new());
    }
    let listed = folder::listed(of).map_err(|source| FileError::Read {
        path: of.to_owned(),
        source,
    })?;
    let paths = listed.into_iter().map(|entry| entry.path());
    Ok(paths
        .filter(|path| path.symlink_metadata().is_ok_and(|found| found.is_dir()))
        .collect())
}

fn removed(path: &Path) -> Result<(), BuildError> {
    let Ok(found) = path.symlink_metadata() else { return Ok(()) };
    let done = if found.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    done.map_err(|source| {
        FileError::Write {
            path: path.to_owned(),
            source,
        }
        .into()
    })
}
