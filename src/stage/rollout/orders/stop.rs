//! `stop`: drains and stops everything.

use super::entry::{Entered, enter, new_run, nothing};
use crate::io::Effects;
use crate::model::plan::RolloutPlan;
use crate::stage::rollout::error::RolloutError;
use crate::stage::rollout::journal::Entry;
use crate::stage::rollout::status::StopReport;
use crate::stage::rollout::target::{Observed, RolloutTarget};

pub(super) async fn stop<T: RolloutTarget>(target: &T, plan: &RolloutPlan, effects: &Effects) -> Result<StopReport, RolloutError> {
    if !target.capabilities().stops {
        return Err(nothing(
            "the service cannot be stopped from here: [rollout] has no `stop` command, or the target stops nothing (kubernetes and swarm: scale it to 0)",
        ));
    }
    let id = new_run(effects);
    // What cannot be seen may run, and is stopped as well as it can be.
    if let Ok(observed) = target.observe().await
        && observed == Observed::default()
        && matches!(target.switch().await, Ok(None))
    {
        return Err(nothing("nothing runs here that could be stopped"));
    }
    let (mut journal, history) = match enter(target, plan, &id, effects).await? {
        Entered::Ours(journal, history) => (journal, history),
        Entered::Theirs(holder) => return Err(RolloutError::Locked { holder }),
    };
    journal.append(&id, Entry::Stopped, &*effects.clock)?;
    let halted = target.halt(plan.waits.drain, plan.waits.stop).await;
    let (stopped, cut_requests) = halted.map_err(|error| RolloutError::Stop { source: error.into() })?;
    let served = history.last_good().map(|good| &good.release);
    Ok(StopReport {
        service: plan.service.clone(),
        stopped,
        cut_requests,
        served: served.map(|release| release.image.clone()),
        needs_reason: served.is_some_and(|release| history.rolled_back(&release.digest).is_some()),
    })
}
