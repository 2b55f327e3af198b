//! So that a deployer on another machine goes on where this one was: CI machines vanish.
//!
//! What the target keeps counts, unless this machine's journal goes on from it: then the last writing there failed, or has not happened yet.

use std::path::Path;

use super::carried_state::Carried;
use super::error::RolloutError;
use super::history::History;
use super::journal::{self, Record};
use super::json_file;
use super::subject;
use super::target::{RolloutTarget, TargetError, unseen};
use super::templates::{Book, KEPT};
use crate::io::Effects;
use crate::model::event::Stage;

/// Said where there is no room for the journal alone.
const NO_ROOM: &str =
    "the history of rollouts is too long to be kept by the target: a deployer on another machine will not know of this one";

/// The state folder as it is now, to be kept of the service `of`; with as many templates as there is room for, the newest ones. `None` where there is no
/// room for the journal alone, which is told.
pub(super) fn packed(state: &Path, book: &Book, of: &str, effects: &Effects) -> Result<Option<String>, TargetError> {
    let journal = journal::text(state).map_err(TargetError::other)?;
    for count in (0..=KEPT).rev() {
        let carried = Carried::new(of, journal.clone(), book.newest(count)?);
        let packed = carried.packed();
        let packed = packed.map_err(|error| TargetError::caused("the state folder cannot be packed", error))?;
        if packed.is_some() {
            return Ok(packed);
        }
    }
    effects.warn(Stage::Rollout, NO_ROOM.to_owned());
    Ok(None)
}

/// The past of a service: as this machine's state folder has it, or as the target keeps it. Changes nothing.
pub(super) async fn past(target: &impl RolloutTarget) -> Result<Vec<Record>, RolloutError> {
    let (local, _) = journal::read(target.state())?;
    counting(target, local).await
}

/// As [`past`], and fails where this machine's state folder is about something else: that history is not this one's.
pub(super) async fn own_past(target: &impl RolloutTarget) -> Result<Vec<Record>, RolloutError> {
    let local = own(target).await?;
    counting(target, local).await
}

/// Brings the state folder to what the target keeps, where that is what counts. To be called behind the lock.
pub(super) async fn recall(target: &impl RolloutTarget) -> Result<(), RolloutError> {
    // What is about something else may not be written over.
    let local = own(target).await?;
    if let Some((carried, _)) = ahead(target, &local).await? {
        // The journal is last: by it the next deployer sees that the rest is there.
        let templates = target.state().join(format!("{}.json", target.name()));
        json_file::write(&templates, carried.templates()).map_err(unseen)?;
        journal::replace(target.state(), carried.journal())?;
    }
    Ok(())
}

/// This machine's past, which is of this target.
async fn own(target: &impl RolloutTarget) -> Result<Vec<Record>, RolloutError> {
    let (local, _) = journal::read(target.state())?;
    subject::check(target, &History::of(&local)).await?;
    Ok(local)
}

async fn counting(target: &impl RolloutTarget, local: Vec<Record>) -> Result<Vec<Record>, RolloutError> {
    let theirs = ahead(target, &local).await?;
    Ok(theirs.map_or(local, |(_, theirs)| theirs))
}

/// What the target keeps, where it counts and not this machine's past.
async fn ahead(target: &impl RolloutTarget, local: &[Record]) -> Result<Option<(Carried, Vec<Record>)>, RolloutError> {
    let Some(carried) = target.carried().await.map_err(unseen)? else {
        return Ok(None);
    };
    let theirs = carried.records()?;
    let goes_on = theirs.last().is_none_or(|last| local.contains(last));
    Ok((!goes_on).then_some((carried, theirs)))
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, RandomState};

    use serde_json::Value;

    use super::*;
    use crate::stage::rollout::release::{Deployed, Release};

    #[test]
    fn there_are_as_many_templates_as_there_is_room_for() {
        let dir = tempfile::tempdir().expect("folder");
        let book = Book::new(dir.path(), "kubernetes");
        // What cannot be packed smaller.
        let noise = |seed: u64| -> String {
            let state = RandomState::new();
            (0..4_000u64).map(|at| format!("{:016x}", state.hash_one((seed, at)))).collect()
        };
        for run in 0..8u64 {
            let digest = crate::io::hash::sha256(run.to_string().as_bytes());
            let release: Release =
                serde_json::from_value(serde_json::json!({"digest": digest.to_string(), "image": "registry:x"})).expect("a release");
            let deployed = Deployed {
                run: format!("run-{run}"),
                release,
            };
            book.begin(&deployed, Value::Null, &noise(run).into(), None).expect("kept");
        }
        let effects = Effects::plain(dir.path().to_owned());
        let text = packed(dir.path(), &book, "uid", &effects).expect("packed").expect("room");
        let carried = Carried::unpacked(&text, "uid").expect("whole").expect("ours");
        let known = carried.templates()["known"].as_array().expect("templates").clone();
        assert!((1..8).contains(&known.len()), "{}", known.len());
        assert_eq!(known.last().expect("one")["deployed"]["run"], "run-7");
        let big: String = (0..9).map(|seed| noise(seed) + "\n").collect();
        std::fs::write(dir.path().join("journal.jsonl"), big).expect("written");
        assert_eq!(packed(dir.path(), &book, "uid", &effects).expect("packed"), None);
    }
}
