//! `status`: what is seen of a service, and remembered.

use super::resume::left_serving;
use crate::model::error_chain::chain;
use crate::model::plan::RolloutPlan;
use crate::stage::rollout::canary;
use crate::stage::rollout::error::RolloutError;
use crate::stage::rollout::history::History;
use crate::stage::rollout::journal;
use crate::stage::rollout::lock;
use crate::stage::rollout::recall;
use crate::stage::rollout::release::Deployed;
use crate::stage::rollout::status::{InstanceStatus, Interrupted, RolloutStatus};
use crate::stage::rollout::target::{Observed, RolloutTarget};

pub(super) async fn status<T: RolloutTarget>(target: &T, plan: &RolloutPlan) -> Result<RolloutStatus, RolloutError> {
    let (observed, unseen) = match target.observe().await {
        Ok(observed) => (observed, None),
        Err(error) => (Observed::default(), Some(chain(&error))),
    };
    let records = match unseen {
        None => recall::past(target).await?,
        // What this machine remembers is all that there is.
        Some(_) => journal::read(target.state())?.0,
    };
    let history = History::of(&records);
    // The same trouble as the one that is told already.
    let switch = target.switch().await.unwrap_or(None);
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
    // What cannot be seen has not fallen.
    let is_down = unseen.is_none() && observed.front.is_none();
    let fallen = left_serving(target, &history).filter(|_| is_down).cloned();
    let front = observed.front.map(|front| front.run);
    let locked_by = match lock::current(target.state())? {
        Some(holder) => Some(holder),
        // The same trouble as the one that is told already.
        None => target.holder().await.unwrap_or(None),
    };
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
        waited: switch.as_ref().map_or(0, |status| status.waited),
        canary: switch.as_ref().and_then(canary::status),
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
        last_run: history.ended,
        fallen,
        locked_by,
        state: target.state().to_owned(),
    })
}
