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

/// The state folder as it is now, to be kept of the service `of`; with as many templates as there is room for, the newest ones. `None` where there is no
/// room for the journal alone.
pub(super) fn packed(state: &Path, book: &Book, of: &str) -> Result<Option<String>, TargetError> {
    let journal = journal::text(state).map_err(TargetError::other)?;
    for count in (0..=KEPT).rev() {
        let carried = Carried::new(of, journal.clone(), book.newest(count)?);
        let packed = carried.packed();
        let packed = packed.map_err(|error| TargetError::caused("the state folder cannot be packed", error))?;
        if packed.is_some() {
            return Ok(packed);
        }
    }
    Ok(None)
}

/// The past of a service: as this machine's state folder has it, or as the target keeps it. Changes nothing.
pub(super) async fn past(target: &impl RolloutTarget) -> Result<Vec<Record>, RolloutError> {
    Ok(match ahead(target).await? {
        (_, Some((_, theirs))) => theirs,
        (local, None) => local,
    })
}

/// Brings the state folder to what the target keeps, where that is what counts. To be called behind the lock.
pub(super) async fn recall(target: &impl RolloutTarget) -> Result<(), RolloutError> {
    own(target).await?;
    if let (_, Some((carried, _))) = ahead(target).await? {
        // The journal is last: by it the next deployer sees that the rest is there.
        let templates = target.state().join(format!("{}.json", target.name()));
        json_file::write(&templates, carried.templates()).map_err(unseen)?;
        journal::replace(target.state(), carried.journal())?;
    }
    Ok(())
}

/// Fails where this machine's state folder is about something else: neither is that history this one's, nor may it be written over.
pub(super) async fn own(target: &impl RolloutTarget) -> Result<(), RolloutError> {
    let (local, _) = journal::read(target.state())?;
    subject::check(target, &History::of(&local)).await
}

/// This machine's past, and what the target keeps where that counts.
async fn ahead(target: &impl RolloutTarget) -> Result<(Vec<Record>, Option<(Carried, Vec<Record>)>), RolloutError> {
    let (local, _) = journal::read(target.state())?;
    let Some(carried) = target.carried().await.map_err(unseen)? else {
        return Ok((local, None));
    };
    let theirs = carried.records(target.state())?;
    let goes_on = theirs.last().is_none_or(|last| local.contains(last));
    Ok((local, (!goes_on).then_some((carried, theirs))))
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
        let text = packed(dir.path(), &book, "uid").expect("packed").expect("room");
        let carried = Carried::unpacked(&text, "uid").expect("whole").expect("ours");
        let known = carried.templates()["known"].as_array().expect("templates").clone();
        assert!((1..8).contains(&known.len()), "{}", known.len());
        assert_eq!(known.last().expect("one")["deployed"]["run"], "run-7");
        let big: String = (0..9).map(|seed| noise(seed) + "\n").collect();
        std::fs::write(dir.path().join("journal.jsonl"), big).expect("written");
        assert_eq!(packed(dir.path(), &book, "uid").expect("packed"), None);
    }
}
