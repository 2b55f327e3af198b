//! The verbs, each at the target that the configuration names.

use super::{announce, deploy};
use crate::io::Effects;
use crate::model::outcome::RolloutReport;
use crate::model::plan::{RolloutPlan, TargetPlan};
use crate::model::planned_rollout::PlannedRollout;
use crate::stage::publish::Attested;
use crate::stage::rollout::command::CommandTarget;
use crate::stage::rollout::compose::ComposeTarget;
use crate::stage::rollout::error::RolloutError;
#[cfg(feature = "kubernetes")]
use crate::stage::rollout::kubernetes::KubernetesTarget;
use crate::stage::rollout::process::ProcessTarget;
use crate::stage::rollout::status::{RolloutStatus, StopReport};
use crate::stage::rollout::swarm::SwarmTarget;
use crate::stage::rollout::target::RolloutTarget as _;

/// Does something at the target of a plan, whichever it is. On the heap: what a whole rollout keeps between two waits is more than some threads' stacks
/// bear beside everything else.
macro_rules! at_target {
    ($plan:expr, $effects:expr, |$target:ident| $done:expr) => {
        match &$plan.target {
            TargetPlan::Process(process) => {
                let $target = ProcessTarget::new(process, $effects)?;
                let done = Box::pin($done).await;
                $target.release().await;
                done
            }
            TargetPlan::Command(command) => {
                let $target = CommandTarget::new(command, &$plan.health, $effects)?;
                let done = Box::pin($done).await;
                $target.release().await;
                done
            }
            TargetPlan::Compose(compose) => {
                let $target = ComposeTarget::open(compose, $plan, $effects).await?;
                let done = Box::pin($done).await;
                $target.release().await;
                done
            }
            TargetPlan::Swarm(swarm) => {
                let $target = SwarmTarget::open(swarm, &$plan.health, $effects).await?;
                let done = Box::pin($done).await;
                $target.release().await;
                done
            }
            #[cfg(feature = "kubernetes")]
            TargetPlan::Kubernetes(kubernetes) => {
                let $target = KubernetesTarget::new(kubernetes, &$plan.health, $effects)?;
                let done = Box::pin($done).await;
                $target.release().await;
                done
            }
            #[cfg(not(feature = "kubernetes"))]
            TargetPlan::Kubernetes(_) => Err(without_kubernetes()),
        }
    };
}

#[cfg(not(feature = "kubernetes"))]
fn without_kubernetes() -> RolloutError {
    RolloutError::Plan {
        reason: "this portcullis was built without the target `kubernetes`".to_owned(),
        help: Some("build it with `--features kubernetes`".to_owned()),
    }
}

/// Rolls an attested digest out and proves that it serves, or brings the old one back and proves that.
///
/// A run before this one that was interrupted is given up for this one.
///
/// # Errors
/// [`RolloutError`] when the target cannot be worked with at all; nothing was changed then.
pub async fn rollout(attested: &Attested, plan: &RolloutPlan, effects: &Effects) -> Result<RolloutReport, RolloutError> {
    at_target!(plan, effects, |target| deploy::deploy(&target, attested, plan, effects))
}

/// What [`rollout`] would do, with everything that speaks against it. Touches nothing and takes no lock.
///
/// # Errors
/// [`RolloutError`] when what runs cannot be seen, or the image cannot be run by this target at all.
pub async fn plan(attested: &Attested, plan: &RolloutPlan, effects: &Effects) -> Result<PlannedRollout, RolloutError> {
    at_target!(plan, effects, |target| announce::announce(&target, attested, plan, effects))
}

/// Finishes or reverts a run that was interrupted; gives none where there is none. Safe to call always.
///
/// # Errors
/// [`RolloutError`] when the target cannot be worked with at all.
pub async fn resume(plan: &RolloutPlan, effects: &Effects) -> Result<Option<RolloutReport>, RolloutError> {
    at_target!(plan, effects, |target| super::resume::resume(&target, plan, effects))
}

/// Brings back the last known good release before the one that serves, verified like every other. A second rollback goes further back.
///
/// # Errors
/// [`RolloutError`] when the target cannot be worked with at all.
pub async fn rollback(plan: &RolloutPlan, effects: &Effects) -> Result<RolloutReport, RolloutError> {
    let mut report = at_target!(plan, effects, |target| super::rollback::rollback(&target, plan, effects))?;
    report.rollback = true;
    Ok(report)
}

/// What there is. Changes nothing, needs no lock.
///
/// # Errors
/// [`RolloutError`] when the state folder cannot be read.
pub async fn status(plan: &RolloutPlan, effects: &Effects) -> Result<RolloutStatus, RolloutError> {
    at_target!(plan, effects, |target| super::status::status(&target, plan))
}

/// Drains and stops the service and its switch. What was known to be good stays known.
///
/// # Errors
/// [`RolloutError`] when another deployer is at work.
pub async fn stop(plan: &RolloutPlan, effects: &Effects) -> Result<StopReport, RolloutError> {
    at_target!(plan, effects, |target| super::stop::stop(&target, plan, effects))
}
