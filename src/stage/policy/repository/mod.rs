//! What the repository says: base images, actions, who wrote which waiver.
//!
//! Takes a folder. Gives the part of `Context` that rules decide on. Invariant: a file that cannot be read is a gap, never "no findings".

mod blame;
mod dockerfile;
mod workflow;

pub use blame::waiver_authors;
pub use dockerfile::base_images;
pub use workflow::action_uses;

use std::path::{Path, PathBuf};

use crate::io::{files, git};

use crate::io::{Effects, limits::Limits};
use crate::model::context::Context;
use crate::model::coverage::{Gap, GapKind};

use super::Waivers;

/// Which Dockerfiles count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dockerfiles {
    /// Every tracked one: `check`, or a scan of a source tree.
    Tracked,
    /// These, relative to the root: those that the build uses. None of them for a build without one.
    These(Vec<PathBuf>),
}

/// Folders that hold other people's files.
const FOREIGN: [&str; 4] = [".git", "target", "node_modules", "vendor"];

/// How deep and how many, where there is no git to ask.
const MAX_DEPTH: usize = 8;
const MAX_FILES: usize = 100_000;

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
    let tracked = tracked(root);
    // A file that is tracked and deleted is nowhere to be read; asking so only of what counts keeps large repositories quick.
    let is_there = |path: &str| root.join(path).is_file();
    for path in tracked.iter().filter(|path| workflow::is_workflow(path) && is_there(path)) {
        match read(root, path, GapKind::UnreadableWorkflow, &effects.limits) {
            Ok(text) => context.actions.extend(action_uses(path, &text)),
            Err(gap) => context.gaps.push(gap),
        }
    }
    let chosen: Vec<String> = match dockerfiles {
        Dockerfiles::Tracked => tracked
            .into_iter()
            .filter(|path| dockerfile::is_dockerfile(path) && is_there(path))
            .collect(),
        Dockerfiles::These(paths) => paths.iter().map(|path| path.to_string_lossy().into_owned()).collect(),
    };
    for path in &chosen {
        match read(root, path, GapKind::UnreadableDockerfile, &effects.limits) {
            Ok(text) => context.base_images.extend(base_images(path, &text)),
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

fn read(root: &Path, path: &str, kind: GapKind, limits: &Limits) -> Result<String, Gap> {
    files::read_text(&root.join(path), limits.document).map_err(|error| Gap {
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

/// Every tracked file below the root, sorted, relative to it.
fn tracked(root: &Path) -> Vec<String> {
    let mut paths: Vec<String> = match git::tracked_files(root) {
        Some(paths) => paths.into_iter().map(|path| path.to_string_lossy().into_owned()).collect(),
        None => {
            let mut found = Vec::new();
            walk(root, "", 0, &mut found);
            found
        }
    };
    paths.sort();
    paths.dedup();
    paths
}

fn walk(folder: &Path, prefix: &str, depth: usize, found: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}/{name}")
        };
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth < MAX_DEPTH && !FOREIGN.contains(&name.as_str()) => {
                walk(&entry.path(), &path, depth + 1, found);
            }
            Ok(kind) if kind.is_file() && found.len() < MAX_FILES => found.push(path),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
