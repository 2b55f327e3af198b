//! `kubernetes.json` and `swarm.json`: the templates that an orchestrator's controller made its pods or tasks from, whole, so that the way back brings
//! environment, command and mounts back too.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::json_file;
use super::release::Deployed;
use super::target::TargetError;
use crate::io::state_folder;
use crate::model::digest::Digest;

/// How many templates are kept.
pub(super) const KEPT: usize = 12;
/// The most that is read. A template is at most what a cluster stores of one object, 1.5 MB.
const LARGEST: u64 = 32 << 20;

/// A template of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) deployed: Deployed,
    /// As it was sent, or found.
    pub(super) template: Value,
    /// As the orchestrator has it, which may have filled something in.
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

/// How far the change of a run is, by the template that is there now.
pub(super) enum Begun {
    /// It is the run's own.
    There(Box<Known>),
    /// Neither the run's own nor what there was when it began.
    Foreign,
    NotYet,
}

#[derive(Debug)]
pub(super) struct Book {
    path: PathBuf,
    schema: String,
}

impl Book {
    /// `whose` is the target's name.
    pub(super) fn new(state: &Path, whose: &str) -> Self {
        Self {
            path: state.join(format!("{whose}.json")),
            schema: format!("portcullis/{whose}/v1"),
        }
    }

    pub(super) fn begun(&self, deployed: &Deployed, now: &Value) -> Result<Begun, TargetError> {
        Ok(match self.find(&deployed.run, &deployed.release.digest)? {
            Some(mine) if mine.is(now) => Begun::There(Box::new(mine)),
            Some(mine) if mine.base.as_ref() != Some(now) => Begun::Foreign,
            Some(_) | None => Begun::NotYet,
        })
    }

    /// Remembers the template of a run, and the one that is there `now`, of what was `found` to run by it, before anything is changed.
    pub(super) fn begin(&self, deployed: &Deployed, new: Value, now: &Value, found: Option<Deployed>) -> Result<Known, TargetError> {
        let before = found.map(|deployed| Known {
            deployed,
            template: now.clone(),
            applied: None,
            base: None,
        });
        let new = Known {
            deployed: deployed.clone(),
            template: new,
            applied: None,
            base: Some(now.clone()),
        };
        self.remember(before.into_iter().chain([new.clone()]))?;
        Ok(new)
    }

    /// True for a template that came from here, or was there when something else did.
    pub(super) fn has(&self, template: &Value) -> Result<bool, TargetError> {
        Ok(self.known()?.iter().any(|known| known.is(template)))
    }

    /// What there was when the newest run began, whatever it ran.
    pub(super) fn before_the_newest(&self) -> Result<Option<Known>, TargetError> {
        let newest = self.known()?.into_iter().next_back();
        Ok(newest.and_then(|newest| {
            let template = newest.base.clone()?;
            Some(Known {
                template,
                applied: None,
                base: None,
                ..newest
            })
        }))
    }

    /// The file's content with no more than so many templates, the newest ones.
    pub(super) fn newest(&self, count: usize) -> Result<Value, TargetError> {
        let mut known = self.known()?;
        let extra = known.len().saturating_sub(count);
        known.drain(..extra);
        let records = Records {
            schema: self.schema.clone(),
            known,
        };
        serde_json::to_value(&records).map_err(TargetError::other)
    }

    /// The templates that are known, the oldest first.
    fn known(&self) -> Result<Vec<Known>, TargetError> {
        let records: Option<Records> = json_file::read(&self.path, LARGEST)?;
        Ok(records.unwrap_or_default().known)
    }

    pub(super) fn find(&self, run: &str, digest: &Digest) -> Result<Option<Known>, TargetError> {
        let found = self.known()?.into_iter().rev();
        Ok(found
            .into_iter()
            .find(|known| known.deployed.run == run && known.deployed.release.digest == *digest))
    }

    /// Remembers templates before anything is changed; one of the same run and digest is replaced.
    pub(super) fn remember(&self, new: impl IntoIterator<Item = Known>) -> Result<(), TargetError> {
        let mut known = self.known()?;
        for one in new {
            known.retain(|old| old.deployed.run != one.deployed.run || old.deployed.release.digest != one.deployed.release.digest);
            known.push(one);
        }
        let extra = known.len().saturating_sub(KEPT);
        known.drain(..extra);
        let records = Records {
            schema: self.schema.clone(),
            known,
        };
        let failed = |error: std::io::Error| TargetError::caused(format!("{} cannot be written", self.path.display()), error);
        // Environments may hold what is nobody else's business.
        if let Some(folder) = self.path.parent() {
            state_folder::private_folder(folder).map_err(failed)?;
        }
        json_file::write(&self.path, &records)
    }
}
