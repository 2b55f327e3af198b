//! What every order begins with: its run, the lock, the journal.

use crate::io::Effects;
use crate::model::digest::Digest;
use crate::model::outcome::{RolloutReport, RolloutResult};
use crate::model::plan::RolloutPlan;
use crate::stage::publish::{Attested, Trust};
use crate::stage::rollout::error::RolloutError;
use crate::stage::rollout::history::{History, Snapshot};
use crate::stage::rollout::holder::Holder;
use crate::stage::rollout::journal::{Journal, Purpose};
use crate::stage::rollout::lock::{Acquired, Lock};
use crate::stage::rollout::machine::Run;
use crate::stage::rollout::recall;
use crate::stage::rollout::release::Release;
use crate::stage::rollout::subject;
use crate::stage::rollout::target::RolloutTarget;

/// What stands behind the lock.
#[expect(clippy::large_enum_variant, reason = "made once an order, and taken apart at once")]
pub(super) enum Entered {
    Ours(Journal, History),
    /// Another deployer is at work.
    Theirs(Holder),
}

/// Takes the lock and reads the journal; or names who holds it.
pub(super) async fn enter(target: &impl RolloutTarget, plan: &RolloutPlan, id: &str, effects: &Effects) -> Result<Entered, RolloutError> {
    match Lock::acquire(target.state(), id, plan.waits.lock, effects).await? {
        Acquired::Theirs(holder) => Ok(Entered::Theirs(holder)),
        Acquired::Ours(lock) => {
            if let Some(holder) = target.claim(id, plan.waits.lock).await? {
                return Ok(Entered::Theirs(holder));
            }
            let opened = open(target, lock).await;
            if opened.is_err() {
                target.release().await;
            }
            let (journal, history) = opened?;
            Ok(Entered::Ours(journal, history))
        }
    }
}

/// Opens the journal behind both locks.
async fn open(target: &impl RolloutTarget, lock: Box<Lock>) -> Result<(Journal, History), RolloutError> {
    recall::recall(target).await?;
    let (journal, records) = Journal::open(target.state(), lock)?;
    let history = History::of(&records);
    subject::hold(target, &history).await?;
    Ok((journal, history))
}

pub(super) fn begin<'a, T: RolloutTarget>(
    target: &'a T,
    plan: &'a RolloutPlan,
    effects: &'a Effects,
    journal: Journal,
    history: History,
    (id, purpose, release, unverified): (String, Purpose, Release, Option<String>),
) -> Run<'a, T> {
    Run {
        target,
        plan,
        effects,
        journal,
        id,
        purpose,
        release,
        unverified,
        history,
        snapshot: Snapshot::default(),
        planned: None,
        steps: Vec::new(),
        canary: Vec::new(),
        samples: Vec::new(),
        cut: Some(0),
        last: None,
    }
}

/// Why the release is rolled out without a verified verdict, where it is.
pub(super) fn unverified(attested: &Attested, plan: &RolloutPlan) -> Option<String> {
    match attested.trust() {
        Trust::Unverified { reason } => Some(reason.clone()),
        Trust::Signed { .. } | Trust::Unsigned => plan.unverified.clone(),
    }
}

pub(super) async fn locked(
    target: &impl RolloutTarget,
    plan: &RolloutPlan,
    effects: &Effects,
    (id, release): (String, &Release),
    holder: &Holder,
) -> RolloutReport {
    let mut report = looked(target, blank(target, plan, id, release.digest, RolloutResult::Locked)).await;
    report.reason = Some(format!("another deployer is at work: {}", holder.told(effects.clock.now())));
    report
}

/// A report of a run that changed nothing, with what serves, where that can be seen.
pub(super) async fn looked(target: &impl RolloutTarget, mut report: RolloutReport) -> RolloutReport {
    // Only told: what cannot be seen is left out.
    if let Ok(observed) = target.observe().await
        && let Some(serving) = observed.serving()
    {
        report.live = Some(serving.release.digest);
        report.live_commit.clone_from(&serving.release.commit);
    }
    report
}

pub(super) fn blank(target: &impl RolloutTarget, plan: &RolloutPlan, run: String, digest: Digest, result: RolloutResult) -> RolloutReport {
    RolloutReport {
        url: target.url(),
        ..RolloutReport::new(&plan.service, target.name(), run, digest, result)
    }
}

pub(super) fn nothing(reason: &str) -> RolloutError {
    RolloutError::Nothing { reason: reason.to_owned() }
}

/// Sorts by time and is not met twice: `20261121T124500.123Z-3f9a1c`.
pub(super) fn new_run(effects: &Effects) -> String {
    use std::hash::{BuildHasher, RandomState};
    let now = effects.clock.now();
    let random = RandomState::new().hash_one(now.as_nanosecond()) & 0xff_ffff;
    format!("{}-{random:06x}", now.strftime("%Y%m%dT%H%M%S.%3fZ"))
}
