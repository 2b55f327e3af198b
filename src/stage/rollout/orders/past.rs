//! What is about runs before this one: `resume` and `rollback`.

use super::deploy::announced;
use super::entry::{begin, blank, enter, locked, new_run, nothing, unseen};
use crate::io::Effects;
use crate::model::outcome::{RolloutReport, RolloutResult};
use crate::model::plan::RolloutPlan;
use crate::stage::rollout::error::RolloutError;
use crate::stage::rollout::history::History;
use crate::stage::rollout::journal::{self, Purpose};
use crate::stage::rollout::target::RolloutTarget;

pub(super) async fn resume<T: RolloutTarget>(
    target: &T,
    plan: &RolloutPlan,
    effects: &Effects,
) -> Result<Option<RolloutReport>, RolloutError> {
    // Without a journal there is nothing to resume, and nothing is made.
    let (records, _) = journal::read(target.state())?;
    let Some(seen) = History::of(&records).open else {
        return Ok(None);
    };
    let (journal, mut history) = match enter(target, plan, &seen.run, effects).await? {
        Ok(entered) => entered,
        Err(holder) => return Ok(Some(locked(target, plan, effects, (seen.run, &seen.release), &holder))),
    };
    let Some(open) = history.open.take() else { return Ok(None) };
    let what = (open.run.clone(), open.purpose, open.release.clone(), open.unverified.clone());
    let run = begin(target, plan, effects, journal, history, what);
    Ok(Some(run.resume(open).await))
}

pub(super) async fn rollback<T: RolloutTarget>(target: &T, plan: &RolloutPlan, effects: &Effects) -> Result<RolloutReport, RolloutError> {
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
        let mut report = blank(target, plan, id, here.digest, RolloutResult::Refused);
        report.live = live_digest;
        report.live_commit = here.commit.filter(|_| live_digest.is_some());
        report.reason = Some("nothing to go back to: no other release was committed here".to_owned());
        return Ok(report);
    };
    let (journal, history) = match enter(target, plan, &id, effects).await? {
        Ok(entered) => entered,
        Err(holder) => return Ok(locked(target, plan, effects, (id, &goal), &holder)),
    };
    let goal = target.prepare_again(&goal).await?;
    let what = (id, Purpose::Rollback, goal, plan.unverified.clone());
    let mut run = begin(target, plan, effects, journal, history, what);
    if let Some(refused) = announced(&mut run, false).await? {
        return Ok(refused);
    }
    run.carry_out().await
}
