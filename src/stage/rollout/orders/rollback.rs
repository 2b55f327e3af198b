//! `rollback`: back to what was committed before.

use super::deploy::{announced, carry_out};
use super::entry::{Entered, begin, blank, enter, locked, looked, new_run, nothing};
use crate::io::Effects;
use crate::model::outcome::{RolloutReport, RolloutResult};
use crate::model::plan::RolloutPlan;
use crate::stage::rollout::error::RolloutError;
use crate::stage::rollout::history::History;
use crate::stage::rollout::journal::{LeftAs, Purpose};
use crate::stage::rollout::recall;
use crate::stage::rollout::release::Release;
use crate::stage::rollout::target::{RolloutTarget, unseen};

pub(super) async fn rollback<T: RolloutTarget>(target: &T, plan: &RolloutPlan, effects: &Effects) -> Result<RolloutReport, RolloutError> {
    let id = new_run(effects);
    let records = recall::past(target).await?;
    let history = History::of(&records);
    let observed = target.observe().await.map_err(unseen)?;
    if let (LeftAs::Stopped(at), true) = (history.left, observed.front.is_none() && observed.instances.is_empty()) {
        let reason = format!("nothing is deployed that could be gone back from: the service was stopped at {at:.0}");
        return Err(nothing(&reason));
    }
    let live = observed.front.map(|live| live.release);
    // Of a canary that was interrupted, what keeps the rest of the requests is what is gone back to.
    let shared = target.switch().await.map_err(unseen)?.and_then(|status| status.routes.canary);
    let live = match (&history.open, shared) {
        (Some(open), Some(_)) => Some(open.release.clone()),
        _ => live,
    };
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
    Box::pin(go_to(target, plan, effects, &history, (id, &goal), false)).await
}

/// Goes to a release that was committed here before; `may_be_live` where it may be the one that is in front. `seen` is the past that it was chosen by:
/// where another deployer wrote on while this one waited for the lock, nobody asked to go back from what serves now.
pub(super) async fn go_to<T: RolloutTarget>(
    target: &T,
    plan: &RolloutPlan,
    effects: &Effects,
    seen: &History,
    (id, release): (String, &Release),
    may_be_live: bool,
) -> Result<RolloutReport, RolloutError> {
    let (journal, history) = match enter(target, plan, &id, effects).await? {
        Entered::Ours(journal, history) => (journal, history),
        Entered::Theirs(holder) => return Ok(locked(target, plan, effects, (id, release), &holder).await),
    };
    if history != *seen {
        let mut report = looked(target, blank(target, plan, id, release.digest, RolloutResult::Superseded)).await;
        report.reason =
            Some("another deployer was at work meanwhile, so that this was asked of another past: nothing was changed".to_owned());
        report.next = Some("look with `portcullis rollout status`, then ask again where it is still wanted".to_owned());
        return Ok(report);
    }
    let goal = target.prepare_again(release).await?;
    let live = may_be_live && target.is_live(&goal).await.map_err(unseen)?;
    let what = (id, Purpose::Rollback, goal, plan.unverified.clone());
    let mut run = begin(target, plan, effects, journal, history, what);
    match announced(&mut run, live).await? {
        Some(refused) => Ok(refused),
        None => carry_out(run, live).await,
    }
}
