//! `kubernetes.json`: the pod templates that were there, whole, so that the way back brings environment, command and mounts back too.

use crate::io::state_folder;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::digest::Digest;
use crate::stage::rollout::kept;
use crate::stage::rollout::release::Deployed;
use crate::stage::rollout::target::TargetError;

/// How many templates are kept.
const KEPT: usize = 12;
/// The most that is read. A template is at most what the cluster stores of one object, 1.5 MB.
const LARGEST: u64 = 32 << 20;

/// A template of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) deployed: Deployed,
    /// As it was sent, or found.
    pub(super) template: Value,
    /// As the cluster has it, which may have filled something in.
    #[serde(default)]
    pub(super) applied: Option<Value>,
    /// What was there when the run began; `None` for what was found.
    #[serde(default)]
    pub(super) base: Option<Value>,
}

impl Known {
    pub(super) fn is(&self, template: &Value) -> bool {
        self.template == *template || self.applied.as_ref() == Some(template)
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Records {
    schema: String,
    /// The newest last.
    known: Vec<Known>,
}

#[derive(Debug)]
pub(super) struct Book {
    path: PathBuf,
}

impl Book {
    pub(super) fn new(state: &Path) -> Self {
        Self {
            path: state.join("kubernetes.json"),
        }
    }

    /// The templates that are known, the oldest first.
    pub(super) fn known(&self) -> Result<Vec<Known>, TargetError> {
        let records: Option<Records> = kept::read(&self.path, LARGEST)?;
        Ok(records.unwrap_or_default().known)
    }

    pub(super) fn find(&self, run: &str, digest: &Digest) -> Result<Option<Known>, TargetError> {
        let found = self.known()?.into_iter().rev();
        Ok(found
            .into_iter()
            .find(|known| known.deployed.run == run && known.deployed.release.digest == *digest))
    }

    /// Remembers templates before the cluster is changed; one of the same run and digest is replaced.
    pub(super) fn remember(&self, new: impl IntoIterator<Item = Known>) -> Result<(), TargetError> {
        let mut known = self.known()?;
        for one in new {
            known.retain(|old| old.deployed.run != one.deployed.run || old.deployed.release.digest != one.deployed.release.digest);
            known.push(one);
        }
        let extra = known.len().saturating_sub(KEPT);
        known.drain(..extra);
        let records = Records {
            schema: "portcullis/kubernetes/v1".to_owned(),
            known,
        };
        let failed = |error: std::io::Error| TargetError::caused(format!("{} cannot be written", self.path.display()), error);
        // Environments of pods may hold what is nobody else's business.
        if let Some(folder) = self.path.parent() {
            state_folder::private_folder(folder).map_err(failed)?;
        }
        kept::write(&self.path, &records)
    }
}
