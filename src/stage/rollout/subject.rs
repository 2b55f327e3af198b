//! What a state folder is about. The history of one service must never bring its images into another one of the same name.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::RolloutError;
use super::history::History;
use super::journal::LeftAs;
use super::json_file;
use super::target::{RolloutTarget, unseen};

/// Bytes of the largest one that is read.
const LARGEST: u64 = 1 << 16;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Subject {
    /// As [`RolloutTarget::subject`] gives it.
    subject: String,
}

fn file(target: &impl RolloutTarget) -> PathBuf {
    target.state().join("target.json")
}

/// Fails where the folder's history is of something else that may serve still.
pub(super) async fn check(target: &impl RolloutTarget, history: &History) -> Result<(), RolloutError> {
    let path = file(target);
    let kept: Option<Subject> = json_file::read(&path, LARGEST).map_err(unseen)?;
    let ours = target.subject().await.map_err(unseen)?;
    let may_serve = history.open.is_some() || (!history.good.is_empty() && !matches!(history.left, LeftAs::Stopped(_)));
    match kept.filter(|kept| kept.subject != ours && may_serve) {
        None => Ok(()),
        Some(kept) => Err(RolloutError::Target {
            reason: format!(
                "{} keeps what was deployed to {}, and this is {ours}",
                target.state().display(),
                kept.subject
            ),
            help: format!(
                "nothing was changed; another service of this name gets a [rollout] state of its own; where it is this one that moves, \
                 `portcullis rollout stop` there first, or remove {} (what serves here is then looked at, and the history goes on)",
                path.display()
            ),
        }),
    }
}

/// As [`check`]; from now on the folder is about this target. To be called behind the lock.
pub(super) async fn hold(target: &impl RolloutTarget, history: &History) -> Result<(), RolloutError> {
    check(target, history).await?;
    let subject = target.subject().await.map_err(unseen)?;
    json_file::write(&file(target), &Subject { subject }).map_err(unseen)
}
