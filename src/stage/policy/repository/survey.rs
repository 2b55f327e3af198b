//! The files of a repository that rules look at: Dockerfiles and workflows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::blame::waiver_authors;
use super::dockerfile::base_images;
use crate::io::workflow::{self, action_uses};
use crate::io::{Effects, limits::Limits};
use crate::io::{files, folder, git};
use crate::model::context::Context;
use crate::model::coverage::{Gap, GapKind};
use crate::model::dockerfile::is_dockerfile;
use crate::model::passed_over::Exclusion;
use crate::model::plan::Builder;
use crate::stage::policy::Waivers;

/// Which Dockerfiles of the repository say what the image is built from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dockerfiles {
    /// Every tracked one: `check`. What workflows use counts wherever it is.
    Tracked {
        /// But for what the configuration leaves out.
        exclude: Vec<Exclusion>,
        /// Among them those that the build uses.
        built: Built,
    },
    /// Those that the build uses. None of them for a build without one.
    These(Built),
}

/// The Dockerfiles that a build uses, and the arguments that it gives them: these win over defaults, also in `FROM`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Built {
    /// Relative to the root.
    pub paths: Vec<PathBuf>,
    /// By the names of the arguments.
    pub args: BTreeMap<String, String>,
}

impl Built {
    /// Those of a builder.
    #[must_use]
    pub fn of(builder: &Builder) -> Self {
        let args = match builder {
            Builder::Dockerfile { build, .. } => build.args.clone(),
            Builder::Native(_) | Builder::Image(_) => BTreeMap::new(),
        };
        Self {
            paths: builder.dockerfiles(),
            args,
        }
    }

    /// The arguments for a file, by its path relative to the root.
    fn args_of(&self, path: &str) -> BTreeMap<String, String> {
        let plain = Path::new(path);
        match self
            .paths
            .iter()
            .any(|built| built.strip_prefix(".").unwrap_or(built) == plain || built == plain)
        {
            true => self.args.clone(),
            false => BTreeMap::new(),
        }
    }
}

/// Folders that hold other people's files.
const FOREIGN: [&str; 4] = [".git", "target", "node_modules", "vendor"];

/// Fills base images, actions and the authors of waivers into a context. `waiver_file` is the waiver file's path.
///
/// Files are those that git tracks; without git those below `root` that no known folder of foreign files holds.
pub fn survey(
    root: &Path,
    dockerfiles: &Dockerfiles,
    waivers: &Waivers,
    waiver_file: Option<&Path>,
    effects: &Effects,
    context: &mut Context,
) {
    let tracked = tracked(root, &effects.limits, &mut context.gaps);
    // A file that is tracked and deleted is nowhere to be read; asking so only of what counts keeps large repositories quick.
    let is_there = |path: &str| root.join(path).symlink_metadata().is_ok_and(|found| !found.is_dir());
    for path in tracked.iter().filter(|path| workflow::is_workflow(path) && is_there(path)) {
        match read(root, path, GapKind::UnreadableWorkflow, &effects.limits) {
            Ok(text) => {
                let (uses, gaps) = action_uses(path, &text);
                context.actions.extend(uses);
                context.gaps.extend(gaps);
            }
            Err(gap) => context.gaps.push(gap),
        }
    }
    let chosen: Vec<String> = match dockerfiles {
        Dockerfiles::Tracked { exclude, .. } => tracked
            .into_iter()
            .filter(|path| is_dockerfile(path) && is_there(path))
            .filter(|path| !exclude.iter().any(|one| Path::new(path).starts_with(&one.path)))
            .collect(),
        Dockerfiles::These(built) => built.paths.iter().map(|path| path.to_string_lossy().into_owned()).collect(),
    };
    let (Dockerfiles::Tracked { built, .. } | Dockerfiles::These(built)) = dockerfiles;
    for path in &chosen {
        match read(root, path, GapKind::UnreadableDockerfile, &effects.limits) {
            Ok(text) => {
                let (images, gaps) = base_images(path, &text, &built.args_of(path));
                context.base_images.extend(images);
                context.gaps.extend(gaps);
            }
            Err(gap) => context.gaps.push(gap),
        }
    }
    if let Some(file) = waiver_file {
        context.waiver_authors = waiver_authors(file, waivers);
    }
    context.actions.sort();
    context.base_images.sort();
    context.gaps.sort();
}

pub(super) fn read(root: &Path, path: &str, kind: GapKind, limits: &Limits) -> Result<String, Gap> {
    files::read_text_inside(root, Path::new(path), limits.document).map_err(|error| Gap {
        kind,
        subject: path.to_owned(),
        detail: format!("its pins cannot be checked: {}", without_folder(&error.to_string(), root)),
        location: None,
    })
}

/// A folder of this machine in a gap would make equal verdicts differ.
fn without_folder(text: &str, root: &Path) -> String {
    text.replace(&format!("{}/", root.display()), "")
}

/// Every tracked file below the root, sorted, relative to it. Where git does not answer, or there is none, every file that can be a part of
/// the project; what could not be looked at is a gap.
pub(super) fn tracked(root: &Path, limits: &Limits, gaps: &mut Vec<Gap>) -> Vec<String> {
    let listed = git::tracked_files(root).unwrap_or_else(|error| {
        gaps.extend(unseen(".", &without_folder(&error.to_string(), root)));
        None
    });
    let mut paths: Vec<String> = match listed {
        Some(paths) => paths.into_iter().map(|path| path.to_string_lossy().into_owned()).collect(),
        None => {
            let mut walk = Walk {
                limits,
                found: Vec::new(),
                gaps,
            };
            walk.folder(root, "", 0);
            walk.found
        }
    };
    paths.sort();
    paths.dedup();
    paths
}

/// A folder that may hold Dockerfiles and workflows which nobody has seen.
fn unseen(subject: &str, why: &str) -> [Gap; 2] {
    [GapKind::UnreadableDockerfile, GapKind::UnreadableWorkflow].map(|kind| Gap {
        kind,
        subject: subject.to_owned(),
        detail: format!("what is in it cannot be checked for pins: {why}"),
        location: None,
    })
}

pub(super) struct Walk<'w> {
    pub(super) limits: &'w Limits,
    pub(super) found: Vec<String>,
    pub(super) gaps: &'w mut Vec<Gap>,
}

impl Walk<'_> {
    pub(super) fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) {
        let named = if prefix.is_empty() { "." } else { prefix };
        if depth > self.limits.depth {
            self.gaps.extend(unseen(named, "it is nested too deeply"));
            return;
        }
        let entries = match folder::listed(folder) {
            Ok(entries) => entries,
            Err(error) => {
                self.gaps.extend(unseen(named, &error.to_string()));
                return;
            }
        };
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if prefix.is_empty() {
                name.clone()
            } else {
                format!("{prefix}/{name}")
            };
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !FOREIGN.contains(&name.as_str()) => self.folder(&entry.path(), &path, depth + 1),
                Ok(kind) if kind.is_dir() => {}
                Ok(_) if self.found.len() as u64 >= self.limits.entries => {
                    self.gaps.extend(unseen(named, "there are too many files"));
                    return;
                }
                Ok(_) => self.found.push(path),
                Err(error) => self.gaps.extend(unseen(&path, &error.to_string())),
            }
        }
    }
}
