//! What can be ordered and asked: `rollout`, `resume`, `rollback`, `status`, `stop`.

use super::error::RolloutError;
use super::history::{History, Snapshot};
use super::holder::Holder;
use super::journal::{self, Entry, Journal, Purpose};
use super::lock::{self, Acquired, Lock};
use super::machine::{Halt, Run};
use super::process::ProcessTarget;
use super::release::{Deployed, Release};
use super::status::{InstanceStatus, Interrupted, RolloutStatus, StopReport};
use super::target::{Observed, RolloutTarget, TargetError};
use super::verifier::ProbeTarget;
use crate::io::Effects;
use crate::model::digest::Digest;
use crate::model::error_chain::chain;
use crate::model::event::{Event, Stage};
use crate::model::outcome::{RolloutReport, RolloutResult, Step};
use crate::model::plan::{RolloutPlan, TargetPlan};
use crate::model::rollout_state::RolloutState;
use crate::stage::publish::{Attested, Trust};

/// Rolls an attested digest out and proves that it serves, or brings the old one back and proves that.
///
/// A run before this one that was interrupted is given up for this one.
///
/// # Errors
/// [`RolloutError`] when the target cannot be worked with at all; nothing was changed then.
pub async fn rollout(attested: &Attested, plan: &RolloutPlan, effects: &Effects) -> Result<RolloutReport, RolloutError> {
    let release = Release::of(attested);
    let unverified = match attested.trust() {
        Trust::Unverified { reason } => Some(reason.clone()),
        Trust::Signed { .. } | Trust::Unsigned => plan.unverified.clone(),
    };
    let target = open(plan, effects)?;
    if plan.dry_run {
        return say(&target, plan, effects, release, unverified).await;
    }
    let id = new_run(effects);
    let (journal, history) = match enter(&target, plan, &id, effects).await? {
        Ok(entered) => entered,
        Err(holder) => return Ok(locked(&target, plan, effects, (id, &release), &holder)),
    };
    if let Some(before) = history.rolled_back(&release.digest).filter(|_| plan.again.is_none()) {
        let mut report = blank(&target, plan, id, release.digest, RolloutResult::Refused);
        report.reason = Some(format!(
            "{} was rolled back here at {:.0}: {}; --again REASON tries it once more",
            release.shown(),
            before.at,
            before.reason
        ));
        return Ok(report);
    }
    let release = target.prepare(&release).await?;
    let live = target.is_live(&release).await.map_err(unseen)?;
    let mut run = begin(&target, plan, effects, journal, history, (id, Purpose::Deploy, release, unverified));
    let detail = match &plan.again {
        Some(reason) => format!("token {}; tried again: {reason}", run.journal.token()),
        None => format!("token {}", run.journal.token()),
    };
    run.tell(RolloutState::Locked, &detail);
    if live && run.history.open.is_none() {
        match verify_live(run).await {
            Ok(report) => return Ok(report),
            Err(back) => run = *back,
        }
    }
    run.carry_out().await
}

/// Finishes or reverts a run that was interrupted; gives none where there is none. Safe to call always.
///
/// # Errors
/// [`RolloutError`] when the target cannot be worked with at all.
pub async fn resume(plan: &RolloutPlan, effects: &Effects) -> Result<Option<RolloutReport>, RolloutError> {
    let target = open(plan, effects)?;
    // Without a journal there is nothing to resume, and nothing is made.
    let (records, _) = journal::read(target.state())?;
    let Some(seen) = History::of(&records).open else {
        return Ok(None);
    };
    let (journal, mut history) = match enter(&target, plan, &seen.run, effects).await? {
        Ok(entered) => entered,
        Err(holder) => return Ok(Some(locked(&target, plan, effects, (seen.run, &seen.release), &holder))),
    };
    let Some(open) = history.open.take() else { return Ok(None) };
    let what = (open.run.clone(), open.purpose, open.release.clone(), open.unverified.clone());
    let run = begin(&target, plan, effects, journal, history, what);
    Ok(Some(run.resume(open).await))
}

/// Brings back the last known good release before the one that serves, verified like every other. A second rollback goes further back.
///
/// # Errors
/// [`RolloutError`] when the target cannot be worked with at all.
pub async fn rollback(plan: &RolloutPlan, effects: &Effects) -> Result<RolloutReport, RolloutError> {
    let target = open(plan, effects)?;
    let id = new_run(effects);
    let (records, _) = journal::read(target.state())?;
    let history = History::of(&records);
    let observed = target.observe().await.map_err(unseen)?;
    let live = observed.front.map(|live| live.release);
    let live_digest = live.as_ref().map(|live| live.digest);
    let goal = history.good.iter().rev().find(|good| Some(good.release.digest) != live_digest);
    let Some(goal) = goal.map(|goal| goal.release.clone()) else {
        let Some(here) = live.or_else(|| history.last_good().map(|good| good.release.clone())) else {
            return Err(nothing("nothing was ever deployed here, so that there is nothing to go back to"));
        };
        let mut report = blank(&target, plan, id, here.digest, RolloutResult::Refused);
        report.live = live_digest;
        report.live_commit = here.commit.filter(|_| live_digest.is_some());
        report.reason = Some("nothing to go back to: no other release was committed here".to_owned());
        return Ok(report);
    };
    let (journal, history) = match enter(&target, plan, &id, effects).await? {
        Ok(entered) => entered,
        Err(holder) => return Ok(locked(&target, plan, effects, (id, &goal), &holder)),
    };
    let goal = target.prepare(&goal).await?;
    let run = begin(
        &target,
        plan,
        effects,
        journal,
        history,
        (id, Purpose::Rollback, goal, plan.unverified.clone()),
    );
    run.carry_out().await
}

/// What there is. Changes nothing, needs no lock.
///
/// # Errors
/// [`RolloutError`] when the state folder cannot be read.
pub async fn status(plan: &RolloutPlan, effects: &Effects) -> Result<RolloutStatus, RolloutError> {
    let target = open(plan, effects)?;
    let (records, _) = journal::read(target.state())?;
    let history = History::of(&records);
    let (observed, unseen) = match target.observe().await {
        Ok(observed) => (observed, None),
        Err(error) => (Observed::default(), Some(error.to_string())),
    };
    // The same trouble as the one that is told already.
    let switch = target.switch_status().await.unwrap_or(None);
    let instances: Vec<InstanceStatus> = observed
        .instances
        .iter()
        .map(|running| InstanceStatus {
            deployed: running.deployed.clone(),
            pid: running.pid,
            address: running.address,
            log: target.log(&running.deployed.run),
        })
        .collect();
    let front = observed.front.map(|front| front.run);
    Ok(RolloutStatus {
        schema: "portcullis/rollout-status/v1".to_owned(),
        service: plan.service.clone(),
        target: target.name().to_owned(),
        url: target.url(),
        live: instances
            .iter()
            .find(|instance| Some(&instance.deployed.run) == front.as_ref())
            .cloned(),
        instances,
        unseen,
        switch: switch.is_some(),
        restarts: switch.as_ref().map_or(0, |status| status.restarts),
        // Without a switch there is no traffic.
        traffic: switch.map_or_else(Vec::new, |status| status.traffic),
        good: history.good,
        interrupted: history.open.map(|open| Interrupted {
            state: open.steps.last().map_or_else(|| "Begun".to_owned(), |step| step.state.to_string()),
            deployed: Deployed {
                run: open.run,
                release: open.release,
            },
        }),
        locked_by: lock::current(target.state())?,
        state: target.state().to_owned(),
    })
}

/// Drains and stops the service and its switch. What was known to be good stays known.
///
/// # Errors
/// [`RolloutError`] when another deployer is at work.
pub async fn stop(plan: &RolloutPlan, effects: &Effects) -> Result<StopReport, RolloutError> {
    let target = open(plan, effects)?;
    let id = new_run(effects);
    // What cannot be seen may run, and is stopped as well as it can be.
    if let Ok(observed) = target.observe().await
        && observed == Observed::default()
        && matches!(target.switch_status().await, Ok(None))
    {
        return Err(nothing("nothing runs here that could be stopped"));
    }
    let (mut journal, _) = match enter(&target, plan, &id, effects).await? {
        Ok(entered) => entered,
        Err(holder) => return Err(RolloutError::Locked { holder }),
    };
    journal.append(&id, Entry::Stopped, &*effects.clock)?;
    let halted = target.halt(plan.waits.drain, plan.waits.stop).await;
    let (stopped, cut_requests) = halted.map_err(|error| RolloutError::Stop { reason: error.to_string() })?;
    Ok(StopReport {
        service: plan.service.clone(),
        stopped,
        cut_requests,
    })
}

fn open(plan: &RolloutPlan, effects: &Effects) -> Result<ProcessTarget, RolloutError> {
    match &plan.target {
        TargetPlan::Process(process) => ProcessTarget::new(process, effects),
    }
}

type Entered = (Journal, History);

async fn enter(
    target: &impl RolloutTarget,
    plan: &RolloutPlan,
    id: &str,
    effects: &Effects,
) -> Result<Result<Entered, Holder>, RolloutError> {
    match Lock::acquire(target.state(), id, plan.waits.lock, effects).await? {
        Acquired::Theirs(holder) => Ok(Err(holder)),
        Acquired::Ours(lock) => {
            let (journal, records) = Journal::open(target.state(), lock)?;
            Ok(Ok((journal, History::of(&records))))
        }
    }
}

fn begin<'a, T: RolloutTarget>(
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
        steps: Vec::new(),
        samples: Vec::new(),
        cut: Some(0),
        last: None,
    }
}

/// The same release is in front already: proves that it serves. Gives the run back when it does not, to be carried out as any other.
async fn verify_live<T: RolloutTarget>(mut run: Run<'_, T>) -> Result<RolloutReport, Box<Run<'_, T>>> {
    let live = match run.target.observe().await {
        Ok(Observed { front: Some(live), .. }) => live,
        // It was there a moment ago: whatever happened to it, the whole way forward finds out.
        Ok(Observed { front: None, .. }) | Err(_) => return Err(Box::new(run)),
    };
    run.tell(RolloutState::Verifying, &format!("{} is in front already", run.release.shown()));
    let own = std::mem::replace(&mut run.id, live.run.clone());
    let health = &run.plan.health;
    let verified = run.await_streak(ProbeTarget::Front, health.deadline, health.interval, false).await;
    run.id = own;
    match verified {
        Ok(()) => {
            run.snapshot.live = Some(live);
            Ok(run.report(RolloutResult::AlreadyDeployed, None).await)
        }
        Err(Halt::Cancelled) => Ok(run
            .report(
                RolloutResult::Interrupted,
                Some("interrupted before anything was changed".to_owned()),
            )
            .await),
        Err(halt) => {
            run.effects.warn(
                Stage::Rollout,
                format!("it is in front already and does not serve: {}", halt.told()),
            );
            run.last = Some(RolloutState::Locked);
            Err(Box::new(run))
        }
    }
}

async fn say(
    target: &impl RolloutTarget,
    plan: &RolloutPlan,
    effects: &Effects,
    release: Release,
    unverified: Option<String>,
) -> Result<RolloutReport, RolloutError> {
    let front = target.observe().await.map_err(unseen)?.front;
    let what = match &front {
        Some(front) if front.release.digest == release.digest => format!("would verify {}, which is in front already", release.shown()),
        Some(front) => format!("would replace {} by {}", front.release.shown(), release.shown()),
        None => format!("would deploy {}, with nothing before it to go back to", release.shown()),
    };
    let detail = target.url().map_or(what.clone(), |url| format!("{what} at {url}"));
    let step = Step {
        at: effects.clock.now(),
        state: RolloutState::Planned,
        detail,
    };
    effects.emit(&Event::State {
        state: step.state,
        detail: step.detail.clone(),
    });
    let mut report = blank(target, plan, new_run(effects), release.digest, RolloutResult::Planned);
    report.live = front.as_ref().map(|front| front.release.digest);
    report.live_commit = front.and_then(|front| front.release.commit);
    report.previous = report.live;
    report.unverified = unverified;
    report.steps = vec![step];
    Ok(report)
}

fn locked(
    target: &impl RolloutTarget,
    plan: &RolloutPlan,
    effects: &Effects,
    (id, release): (String, &Release),
    holder: &Holder,
) -> RolloutReport {
    let mut report = blank(target, plan, id, release.digest, RolloutResult::Locked);
    report.reason = Some(format!("another deployer is at work: {}", holder.told(effects.clock.now())));
    report
}

fn blank(target: &impl RolloutTarget, plan: &RolloutPlan, run: String, digest: Digest, result: RolloutResult) -> RolloutReport {
    RolloutReport {
        url: target.url(),
        ..RolloutReport::new(&plan.service, target.name(), run, digest, result)
    }
}

fn unseen(error: TargetError) -> RolloutError {
    RolloutError::Unseen { reason: chain(&error) }
}

fn nothing(reason: &str) -> RolloutError {
    RolloutError::Nothing { reason: reason.to_owned() }
}

/// Sorts by time and is not met twice: `20261121T124500.123Z-3f9a1c`.
fn new_run(effects: &Effects) -> String {
    use std::hash::{BuildHasher, RandomState};
    let now = effects.clock.now();
    let random = RandomState::new().hash_one(now.as_nanosecond()) & 0xff_ffff;
    format!("{}-{random:06x}", now.strftime("%Y%m%dT%H%M%S.%3fZ"))
}
