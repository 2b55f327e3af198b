//! The releases that were brought in front from here, so that what is seen to run can be told by its digest.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::digest::Digest;
use crate::stage::rollout::json_file;
use crate::stage::rollout::release::{Deployed, FOREIGN, Release};
use crate::stage::rollout::target::TargetError;

/// How many releases are known at most.
const KNOWN: usize = 40;
/// Bytes of the largest file that is read.
const LARGEST: u64 = 4 << 20;

/// `command.json`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Records {
    schema: String,
    /// The newest last.
    known: Vec<Deployed>,
    /// The last command that ended well.
    done: Option<Done>,
}

/// A command that ended well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Done {
    operation: String,
    run: String,
    digest: Digest,
}

#[derive(Debug)]
pub(super) struct Book {
    path: PathBuf,
}

impl Book {
    pub(super) fn new(state: &Path) -> Self {
        Self {
            path: state.join("command.json"),
        }
    }

    fn read(&self) -> Result<Records, TargetError> {
        Ok(json_file::read(&self.path, LARGEST)?.unwrap_or_default())
    }

    fn change(&self, change: impl FnOnce(&mut Records)) -> Result<(), TargetError> {
        let mut records = self.read()?;
        change(&mut records);
        "portcullis/command/v1".clone_into(&mut records.schema);
        json_file::write(&self.path, &records)
    }

    /// The releases that are known, the newest first.
    pub(super) fn known(&self) -> Result<Vec<Deployed>, TargetError> {
        let mut known = self.read()?.known;
        known.reverse();
        Ok(known)
    }

    /// Which run brought a digest in front, and nobody's where it was not from here.
    pub(super) fn run_of(&self, digest: &Digest) -> Result<Deployed, TargetError> {
        let known = self.known()?.into_iter().find(|known| known.release.digest == *digest);
        Ok(known.unwrap_or_else(|| Deployed {
            run: FOREIGN.to_owned(),
            release: Release {
                digest: *digest,
                commit: None,
                image: String::new(),
            },
        }))
    }

    /// Remembers a release before it is brought in front.
    pub(super) fn expect(&self, deployed: &Deployed) -> Result<(), TargetError> {
        self.change(|records| {
            records.known.retain(|known| known.release.digest != deployed.release.digest);
            records.known.push(deployed.clone());
            let extra = records.known.len().saturating_sub(KNOWN);
            records.known.drain(..extra);
        })
    }

    /// True when a command has ended well for this run already, and no other one since.
    pub(super) fn is_done(&self, operation: &str, deployed: &Deployed) -> Result<bool, TargetError> {
        Ok(self.read()?.done.is_some_and(|done| done == of(operation, deployed)))
    }

    pub(super) fn done(&self, operation: &str, deployed: &Deployed) -> Result<(), TargetError> {
        self.change(|records| records.done = Some(of(operation, deployed)))
    }

    /// Before a command is started, what the one before it did is not the last word any more.
    pub(super) fn begun(&self) -> Result<(), TargetError> {
        self.change(|records| records.done = None)
    }
}

fn of(operation: &str, deployed: &Deployed) -> Done {
    Done {
        operation: operation.to_owned(),
        run: deployed.run.clone(),
        digest: deployed.release.digest,
    }
}
