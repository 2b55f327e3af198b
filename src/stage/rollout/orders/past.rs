//! What is about runs before this one: `resume` and `rollback`.

use super::deploy::{announced, verify_live};
use super::entry::{begin, blank, enter, locked, new_run, nothing, unseen};
use crate::io::Effects;
use crate::model::outcome::{RolloutReport, RolloutResult};
use crate::model::plan::RolloutPlan;
use crate::stage::rollout::error::RolloutError;
use crate::stage::rollout::history::{History, LeftAs};
use crate::stage::rollout::journal::{self, Purpose};
use crate::stage::rollout::release::Deployed;
use crate::stage::rollout::target::RolloutTarget;

pub(super) async fn resume<T: RolloutTarget>(
    target: &T,
    plan: &RolloutPlan,
    effects: &Effects,
) -> Result<Option<RolloutReport>, RolloutError> {
    // Without a journal there is nothing to resume, and nothing is made.
    let (records, _) = journal::read(target.state())?;
    let history = History::of(&records);
    if let Some(fallen) = fallen(target, &history).await? {
        return bring_back(target, plan, effects, &fallen).await.map(Some);
    }
    let Some(seen) = history.open else { return Ok(None) };
    let (journal, mut history) = match enter(target, plan, &seen.run, effects).await? {
        Ok(entered) => entered,
        Err(holder) => return Ok(Some(locked(target, plan, effects, (seen.run, &seen.release), &holder).await)),
    };
    let Some(open) = history.open.take() else { return Ok(None) };
    let what = (open.run.clone(), open.purpose, open.release.clone(), open.unverified.clone());
    let run = begin(target, plan, effects, journal, history, what);
    Ok(Some(run.resume(open).await))
}

/// What was proven to serve, was not stopped by anybody, and does not run any more: the machine was started anew, or everything was killed.
/// Only of a target whose instances nobody else starts again.
pub(super) async fn fallen<T: RolloutTarget>(target: &T, history: &History) -> Result<Option<Deployed>, RolloutError> {
    let left = history
        .last_good()
        .filter(|_| history.left == LeftAs::Serving && history.open.is_none());
    let Some(good) = left.filter(|_| target.capabilities().revives) else {
        return Ok(None);
    };
    let observed = target.observe().await.map_err(unseen)?;
    Ok(observed.front.is_none().then(|| good.clone()))
}

async fn bring_back<T: RolloutTarget>(
    target: &T,
    plan: &RolloutPlan,
    effects: &Effects,
    fallen: &Deployed,
) -> Result<RolloutReport, RolloutError> {
    let id = new_run(effects);
    let (journal, history) = match enter(target, plan, &id, effects).await? {
        Ok(entered) => entered,
        Err(holder) => return Ok(locked(target, plan, effects, (id, &fallen.release), &holder).await),
    };
    let goal = target.prepare_again(&fallen.release).await?;
    // Whose switch alone was gone has it back now.
    let live = target.is_live(&goal).await.map_err(unseen)?;
    let what = (id, Purpose::Rollback, goal, plan.unverified.clone());
    let mut run = begin(target, plan, effects, journal, history, what);
    if let Some(refused) = announced(&mut run, live).await? {
        return Ok(refused);
    }
    if live && run.history.open.is_none() {
        match verify_live(run).await {
            Ok(report) => return Ok(report),
            Err(back) => run = *back,
        }
    }
    run.carry_out().await
}

pub(super) async fn rollback<T: RolloutTarget>(target: &T, plan: &RolloutPlan, effects: &Effects) -> Result<RolloutReport, RolloutError> {
    let id = new_run(effects);
    let (records, _) = journal::read(target.state())?;
    let history = History::of(&records);
    let observed = target.observe().await.map_err(unseen)?;
    if let (LeftAs::Stopped(at), true) = (history.left, observed.front.is_none() && observed.instances.is_empty()) {
        let reason = format!("nothing is deployed that could be gone back from: the service was stopped at {at:.0}");
        return Err(nothing(&reason));
    }
    let live = observed.front.map(|live| live.release);
    let live_digest = live.as_ref().map(|live| live.digest);
    let goal = history.good.iter().rev().find(|good| Some(good.release.digest) != live_digest);
    let Some(goal) = goal.map(|goal| goal.release.clone()) else {
        let Some(here) = live.or_else(|| history.last_good().map(|good| good.release.clone())) else {
            return Err(nothing("nothing was ever deployed here, so that there is nothing to go back to"));
        };
        let mut report = blank(target, plan, id, here.digest, RolloutResult::Refused);
        report.live = live_digest;
        report.live_commit = here.commit.filter(|_| live_digest.is_some());
        report.reason = Some("nothing to go back to: no other release was committed here".to_owned());
        return Ok(report);
    };
    let (journal, history) = match enter(target, plan, &id, effects).await? {
        Ok(entered) => entered,
        Err(holder) => return Ok(locked(target, plan, effects, (id, &goal), &holder).await),
    };
    let goal = target.prepare_again(&goal).await?;
    let what = (id, Purpose::Rollback, goal, plan.unverified.clone());
    let mut run = begin(target, plan, effects, journal, history, what);
    if let Some(refused) = announced(&mut run, false).await? {
        return Ok(refused);
    }
    run.carry_out().await
}
