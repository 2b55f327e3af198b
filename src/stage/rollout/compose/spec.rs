//! What a run's instances are made from, kept so that they can be made again as they were.

use crate::io::state_folder;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::copied::Copied;
use crate::io::folder;
use crate::model::digest::Digest;
use crate::stage::rollout::json_file;
use crate::stage::rollout::release::Deployed;
use crate::stage::rollout::target::TargetError;

/// Bytes of the largest one.
const LARGEST: u64 = 8 << 20;

/// `specs/<run>.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Spec {
    pub(super) schema: String,
    pub(super) deployed: Deployed,
    /// The engine's id of the image.
    pub(super) image_id: String,
    /// Of what the Compose files said; none where the instance was not started from here.
    pub(super) hash: Option<Digest>,
    pub(super) replicas: usize,
    /// Where an instance listens.
    pub(super) port: u16,
    /// True where only one version can run at a time.
    pub(super) alone: bool,
    /// `container_name`, where the file has one.
    pub(super) name: Option<String>,
    /// What the engine is asked to create.
    pub(super) body: Value,
    /// What is copied into it before it is started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) copied: Vec<Copied>,
}

/// The folder of them.
#[derive(Debug, Clone)]
pub(super) struct Specs {
    folder: PathBuf,
}

impl Specs {
    pub(super) fn new(state: &Path) -> Self {
        Self {
            folder: state.join("specs"),
        }
    }

    fn path(&self, run: &str) -> PathBuf {
        self.folder.join(format!("{run}.json"))
    }

    /// `None` if the run has none. `run` is one that [`is_run`] has accepted.
    pub(super) fn of(&self, run: &str) -> Result<Option<Spec>, TargetError> {
        json_file::read(&self.path(run), LARGEST)
    }

    /// The newest one of a digest that is not `run`'s own.
    pub(super) fn before(&self, run: &str, digest: &Digest) -> Result<Option<Spec>, TargetError> {
        let failed = |error: std::io::Error| TargetError::caused(self.folder.display().to_string(), error);
        let mut names: Vec<String> = folder::entries(&self.folder)
            .map_err(failed)?
            .iter()
            .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".json").map(ToOwned::to_owned))
            .filter(|name| name != run && is_run(name))
            .collect();
        // Run ids sort by time.
        names.sort_unstable_by(|a, b| b.cmp(a));
        for name in names {
            if let Some(spec) = self.of(&name)?.filter(|spec| spec.deployed.release.digest == *digest) {
                return Ok(Some(spec));
            }
        }
        Ok(None)
    }

    /// Environments hold passwords: nobody else may read them.
    pub(super) fn save(&self, spec: &Spec) -> Result<(), TargetError> {
        let failed = |error: std::io::Error| TargetError::caused(self.folder.display().to_string(), error);
        state_folder::private_folder(&self.folder).map_err(failed)?;
        json_file::write(&self.path(&spec.deployed.run), spec)
    }

    /// Removes those of other runs.
    pub(super) fn clean(&self, runs: &[&str]) -> std::io::Result<()> {
        for entry in folder::entries(&self.folder)? {
            let name = entry.file_name();
            let run = name.to_str().and_then(|name| name.strip_suffix(".json"));
            if run.is_some_and(|run| !runs.contains(&run)) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

/// True for what may be a run of ours: a label is anybody's to write, and a run names a file.
pub(super) fn is_run(text: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    text.len() <= 100 && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_that_names_another_file_is_no_run() {
        assert!(is_run("20261121T124500.123Z-3f9a1c"));
        for bad in ["", "../lock", ".x", "a/b", &"a".repeat(101)] {
            assert!(!is_run(bad), "{bad}");
        }
    }
}
