//! `resume`: to the end of a run that was interrupted, or back; and what should serve is started again where nothing else starts it.

use super::entry::{Entered, begin, enter, locked, new_run};
use super::rollback::go_to;
use crate::io::Effects;
use crate::model::outcome::RolloutReport;
use crate::model::plan::RolloutPlan;
use crate::stage::rollout::error::RolloutError;
use crate::stage::rollout::history::History;
use crate::stage::rollout::journal::{LeftAs, Purpose};
use crate::stage::rollout::recall;
use crate::stage::rollout::release::Deployed;
use crate::stage::rollout::target::{RolloutTarget, unseen};

pub(super) async fn resume<T: RolloutTarget>(
    target: &T,
    plan: &RolloutPlan,
    effects: &Effects,
) -> Result<Option<RolloutReport>, RolloutError> {
    // Without a journal there is nothing to resume, and nothing is made.
    let records = recall::past(target).await?;
    let history = History::of(&records);
    // The machine was started anew, or everything was killed. Whose switch alone is gone gets it back, and is in front again.
    if let Some(left) = left_serving(target, &history)
        && target.observe().await.map_err(unseen)?.front.is_none()
    {
        let report = Box::pin(go_to(target, plan, effects, &history, (new_run(effects), &left.release), true)).await?;
        return Ok(Some(report));
    }
    let Some(seen) = history.open else { return Ok(None) };
    let (journal, mut history) = match enter(target, plan, &seen.run, effects).await? {
        Entered::Ours(journal, history) => (journal, history),
        Entered::Theirs(holder) => return Ok(Some(locked(target, plan, effects, (seen.run, &seen.release), &holder).await)),
    };
    let Some(open) = history.open.take() else { return Ok(None) };
    let what = (open.run.clone(), open.purpose, open.release.clone(), open.unverified.clone());
    let run = begin(target, plan, effects, journal, history, what);
    let rollback = open.purpose == Purpose::Rollback;
    let report = run.resume(open).await;
    Ok(Some(RolloutReport { rollback, ..report }))
}

/// What should serve on a target whose instances nobody else starts again: it was proven to, and stopped by nobody.
pub(super) fn left_serving<'h>(target: &impl RolloutTarget, history: &'h History) -> Option<&'h Deployed> {
    let is_left = target.capabilities().revives && history.left == LeftAs::Serving && history.open.is_none();
    history.last_good().filter(|_| is_left)
}
