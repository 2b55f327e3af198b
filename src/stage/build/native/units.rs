//! What went into each unit that cargo compiled, those of published crates too, by what rustc and their build scripts wrote beside it. What cargo itself writes
//! beside a program leaves out published crates, with the local ones that only these need.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::linked_in::LinkedIn;
use super::script_output::said;
use super::{compiled, dep_info};
use crate::io::files;
use crate::io::limits::Limits;
use crate::model::excused::Excused as _;

/// What went into programs.
#[derive(Debug, Clone, Default)]
pub(super) struct Read {
    /// Files that were compiled in.
    pub(super) compiled: BTreeSet<PathBuf>,
    /// Files and folders that build scripts say they read, each with cargo's identity of its package, whose folder it may be relative to.
    pub(super) named: Vec<(String, PathBuf)>,
    pub(super) linked: LinkedIn,
}

impl Read {
    /// Both.
    pub(super) fn and(mut self, more: Self) -> Self {
        self.compiled.extend(more.compiled);
        self.named.extend(more.named);
        self.linked.extend(more.linked);
        self
    }
}

/// Units of a build.
#[derive(Debug, Default)]
pub(super) struct Units {
    /// The files that were made of each.
    made: Vec<Vec<PathBuf>>,
    /// Packages whose build script ran, and the folders that these wrote in.
    scripts: Vec<(String, Option<PathBuf>)>,
}

impl Units {
    pub(super) fn add(&mut self, made: Vec<PathBuf>) {
        self.made.push(made);
    }

    pub(super) fn add_script(&mut self, id: &str, out: Option<PathBuf>) {
        self.scripts.push((id.to_owned(), out));
    }

    /// All files that rustc read for them, which works in the workspace's folder, and what the build scripts name. `None` where one of them does not say it.
    pub(super) fn read(&self, workspace: &Path, limits: &Limits) -> Option<Read> {
        let mut read = Read::default();
        for made in &self.made {
            let compiled = dep_info::of_unit(made, limits)?;
            read.compiled.extend(compiled.into_iter().map(|path| workspace.join(path)));
        }
        for (id, out) in &self.scripts {
            let printed = files::folder_of(out.as_deref()?).join("output");
            let printed = files::read(&printed, limits.document).or_none("the caller tells it")?;
            let printed = String::from_utf8_lossy(&printed);
            // Arguments hold for programs of the package itself: those of a published one reach nothing that is built here.
            let folder = compiled::folder_of(id);
            for (key, said) in said(&printed) {
                match key {
                    "rerun-if-changed" => read.named.push((id.clone(), PathBuf::from(said.trim()))),
                    // rustc and what links for the package see it, those of a published one too.
                    "rustc-env" => read.linked.add_env(said),
                    _ if folder.is_some() => read.linked.add_said(key, said),
                    _ => {}
                }
            }
            read.linked.works_in(folder);
        }
        Some(read)
    }
}
