//! Takes `Attested`. Gives a `RolloutReport` of what was observed. Never calls a version live that it did not see answer.
//!
//! [`rollout`] walks `machine` forward and, where the new version fails, `rollback` back; both write `journal` behind `lock`, ask
//! through `verifier`, and act through a `target`.

mod error;
mod history;
mod journal;
mod lock;
mod machine;
mod process;
mod release;
mod rollback;
mod status;
pub mod switch;
mod target;
mod verifier;
mod watch;

pub use error::RolloutError;
pub use lock::Holder;
pub use release::{Deployed, Release};
pub use status::{InstanceStatus, Interrupted, RolloutStatus, StopReport};

use crate::io::Effects;
use crate::model::event::{Event, Stage};
use crate::model::outcome::{RolloutReport, RolloutResult, Step};
use crate::model::plan::{RolloutPlan, TargetPlan};
use crate::stage::publish::Attested;
use crate::stage::publish::Trust;
use history::History;
use journal::{Entry, Journal, Purpose};
use lock::{Acquired, Lock};
use machine::Run;
use process::ProcessTarget;
use target::RolloutTarget;
use verifier::Door;

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
        Err(holder) => return Ok(locked(&target, plan, id, &release, &holder)),
    };
    let release = target.prepare(&release).await?;
    let live = target.is_live(&release).await;
    let mut run = begin(&target, plan, effects, journal, history, (id, Purpose::Deploy, release, unverified));
    run.tell("Locked", &format!("token {}", run.journal.token()));
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
        Err(holder) => return Ok(Some(locked(&target, plan, seen.run, &seen.release, &holder))),
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
    let live = target.observe().await.ok().and_then(|observed| observed.front);
    let live_digest = live.as_ref().map(|live| live.release.digest);
    let goal = history.good.iter().rev().find(|good| Some(good.release.digest) != live_digest);
    let Some(goal) = goal.map(|goal| goal.release.clone()) else {
        let digest = live.as_ref().or(history.last_good()).map(|one| one.release.digest);
        let Some(digest) = digest else {
            return Err(RolloutError::Plan {
                reason: "nothing was ever deployed here".to_owned(),
                help: Some("`portcullis rollout` deploys".to_owned()),
            });
        };
        let mut report = blank(&target, plan, id, digest, RolloutResult::RollbackFailed);
        report.live = live_digest;
        report.reason = Some("nothing to restore: no other release was committed here".to_owned());
        return Ok(report);
    };
    let (journal, history) = match enter(&target, plan, &id, effects).await? {
        Ok(entered) => entered,
        Err(holder) => return Ok(locked(&target, plan, id, &goal, &holder)),
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
    let observed = target.observe().await.unwrap_or_default();
    let switch = target.switch_status().await;
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
        switch: switch.is_some(),
        restarts: switch.as_ref().map_or(0, |status| status.restarts),
        traffic: switch.map(|status| status.traffic).unwrap_or_default(),
        good: history.good,
        interrupted: history.open.map(|open| Interrupted {
            state: open.steps.last().map_or_else(|| "Begun".to_owned(), |step| step.state.clone()),
            deployed: Deployed {
                run: open.run,
                release: open.release,
            },
        }),
        locked_by: lock::current(target.state()),
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
    let (mut journal, _) = match enter(&target, plan, &id, effects).await? {
        Ok(entered) => entered,
        Err(holder) => return Err(RolloutError::Locked { holder }),
    };
    journal.append(&id, Entry::Stopped, &*effects.clock)?;
    let (stopped, cut_requests) = target.halt(plan.waits.drain, plan.waits.stop).await;
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
        snapshot: history::Snapshot::default(),
        steps: Vec::new(),
        samples: Vec::new(),
        cut: 0,
    }
}

/// The same release is in front already: proves that it serves. Gives the run back when it does not, to be carried out as any other.
async fn verify_live<T: RolloutTarget>(mut run: Run<'_, T>) -> Result<RolloutReport, Box<Run<'_, T>>> {
    let Some(live) = run.target.observe().await.ok().and_then(|observed| observed.front) else {
        return Err(Box::new(run));
    };
    run.tell("Verifying", &format!("{} is in front already", run.release.shown()));
    let own = std::mem::replace(&mut run.id, live.run.clone());
    let health = &run.plan.health;
    let verified = run.await_streak(Door::Front, health.deadline, health.interval, false).await;
    run.id = own;
    match verified {
        Ok(()) => {
            run.snapshot.live = Some(live);
            Ok(run.report(RolloutResult::AlreadyDeployed, None).await)
        }
        Err(machine::Halt::Cancelled) => Ok(run
            .report(
                RolloutResult::Interrupted,
                Some("interrupted before anything was changed".to_owned()),
            )
            .await),
        Err(machine::Halt::Failed(reason) | machine::Halt::Superseded(reason)) => {
            run.effects
                .warn(Stage::Rollout, format!("it is in front already and does not serve: {reason}"));
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
    let front = target.observe().await.ok().and_then(|observed| observed.front);
    let what = match &front {
        Some(front) if front.release.digest == release.digest => format!("would verify {}, which is in front already", release.shown()),
        Some(front) => format!("would replace {} by {}", front.release.shown(), release.shown()),
        None => format!("would deploy {}, with nothing before it to go back to", release.shown()),
    };
    let detail = target.url().map_or(what.clone(), |url| format!("{what} at {url}"));
    let step = Step {
        at: effects.clock.now(),
        state: "Planned".to_owned(),
        detail,
    };
    effects.emit(&Event::State {
        state: step.state.clone(),
        detail: step.detail.clone(),
    });
    let mut report = blank(target, plan, new_run(effects), release.digest, RolloutResult::Planned);
    report.live = front.as_ref().map(|front| front.release.digest);
    report.previous = report.live;
    report.unverified = unverified;
    report.steps = vec![step];
    Ok(report)
}

fn locked(target: &impl RolloutTarget, plan: &RolloutPlan, id: String, release: &Release, holder: &Holder) -> RolloutReport {
    let mut report = blank(target, plan, id, release.digest, RolloutResult::Locked);
    report.reason = Some(format!("another deployer is at work: {holder}"));
    report
}

fn blank(
    target: &impl RolloutTarget,
    plan: &RolloutPlan,
    run: String,
    digest: crate::model::digest::Digest,
    result: RolloutResult,
) -> RolloutReport {
    RolloutReport {
        schema: "portcullis/rollout/v1".to_owned(),
        service: plan.service.clone(),
        target: target.name().to_owned(),
        run,
        result,
        digest,
        live: None,
        previous: None,
        reason: None,
        url: target.url(),
        unverified: None,
        steps: Vec::new(),
        samples: Vec::new(),
        cut_requests: 0,
    }
}

/// Sorts by time and is not met twice: `20261121T124500.123Z-3f9a1c`.
fn new_run(effects: &Effects) -> String {
    use std::hash::{BuildHasher, RandomState};
    let now = effects.clock.now();
    let random = RandomState::new().hash_one(now.as_nanosecond()) & 0xff_ffff;
    format!("{}-{random:06x}", now.strftime("%Y%m%dT%H%M%S.%3fZ"))
}
