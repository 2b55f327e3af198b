//! The plan of a rollout: what runs, what will, in which order, what limits it, and the way back. Looks, and changes nothing.

use super::target::unseen;
use jiff::Timestamp;

use super::canary::Outlook;
use super::error::RolloutError;
use super::history::{History, Snapshot};
use super::holder::Holder;
use super::journal::Purpose;
use super::outline::{Act, clock};
use super::release::{Deployed, Release};
use super::target::{Observed, RolloutTarget};
use super::verifier::{ProbeTarget, Verifier};
use crate::io::Effects;
use crate::model::error_chain::chain;
use crate::model::plan::{HealthPlan, RolloutPlan};
use crate::model::planned_rollout::{
    ExpectedInterruption, PlannedChange, PlannedInterruption, PlannedRollout, PlannedStep, PlannedVersion, PlannedWayBack, Refusal,
};
use crate::model::rollout_state::RolloutState;

/// What a plan is made from.
pub(super) struct Facts<'a> {
    pub(super) purpose: Purpose,
    /// What is to be rolled out, with what its image says of itself.
    pub(super) release: &'a Release,
    /// True when it is in front already.
    pub(super) live: bool,
    pub(super) history: &'a History,
    /// Another deployer at work, where nobody holds the lock for this plan.
    pub(super) holder: Option<&'a Holder>,
    pub(super) now: Timestamp,
}

/// What is going to be done, with everything that speaks against it.
///
/// # Errors
/// [`RolloutError::Unseen`] when what runs cannot be seen: nothing can be said then.
pub(super) async fn plan<T: RolloutTarget>(
    target: &T,
    settings: &RolloutPlan,
    effects: &Effects,
    facts: &Facts<'_>,
) -> Result<PlannedRollout, RolloutError> {
    let observed = target.observe().await.map_err(unseen)?;
    let snapshot = Snapshot::of(facts.history, observed.clone(), "");
    let serving = observed.serving();
    let mut outline = target.outline(&observed, settings).await.map_err(unseen)?;
    let verifies = facts.live && facts.history.open.is_none();
    let mut refused: Vec<Refusal> = against_health(&settings.health).into_iter().collect();
    refused.extend(outline.refused.iter().cloned());
    if facts.purpose == Purpose::Deploy {
        refused.extend(against_digest(settings, facts.history, facts.release));
    }
    let walks = settings.canary.as_ref().filter(|_| facts.purpose == Purpose::Deploy && !verifies);
    let canary = walks.map_or_else(Outlook::default, |plan| Outlook::of(plan, target, serving.is_some()));
    refused.extend(canary.refused);
    outline.notes.extend(canary.note);
    let (way_back, lost) = way_back(target, settings, &snapshot, (&outline.restore, &outline.remove), verifies).await;
    refused.extend(lost);
    let steps = match verifies {
        true => vec![verifying(&settings.health)],
        false => {
            let first = outline.stage.map(|act| step(RolloutState::Staging, act));
            first
                .into_iter()
                .chain(canary.steps)
                .chain([step(RolloutState::Shifting, outline.shift), verifying(&settings.health)])
                .chain((!settings.health.soak.is_zero()).then(|| soaking(&settings.health)))
                .chain([
                    draining(outline.drain, &settings.health),
                    step(RolloutState::Retiring, outline.retire),
                ])
                .collect()
        }
    };
    let now_unhealthy = match serving.filter(|_| !verifies) {
        Some(serving) => against_health_now(target, settings, effects, serving).await,
        None => None,
    };
    let interruption = match verifies {
        true => PlannedInterruption {
            expected: ExpectedInterruption::None,
            why: "nothing is changed".to_owned(),
        },
        false => outline.interruption,
    };
    Ok(PlannedRollout {
        schema: "portcullis/rollout-plan/v1".to_owned(),
        service: settings.service.clone(),
        target: target.name().to_owned(),
        url: target.url(),
        now: serving.map(ran),
        next: version(facts.release, None),
        change: match (verifies, serving) {
            (true, _) => PlannedChange::Verify,
            (false, Some(_)) => PlannedChange::Replace,
            (false, None) if facts.purpose == Purpose::Rollback => PlannedChange::Return,
            (false, None) => PlannedChange::First,
        },
        at_most_ms: steps
            .iter()
            .flat_map(|step: &PlannedStep| &step.clocks)
            .map(|clock| clock.limit_ms)
            .sum(),
        steps,
        interruption,
        way_back,
        notes: notes(facts, &observed, outline.notes, now_unhealthy.as_deref()),
        now_unhealthy,
        refused,
    })
}

/// A digest that failed here is not tried again by whatever deploys at every tick.
pub(super) fn against_digest(settings: &RolloutPlan, history: &History, release: &Release) -> Option<Refusal> {
    let before = history.rolled_back(&release.digest).filter(|_| settings.again.is_none())?;
    Some(Refusal {
        reason: format!("{} was rolled back here at {:.0}: {}", release.shown(), before.at, before.reason),
        next: "`portcullis rollout --again REASON` tries it once more".to_owned(),
    })
}

/// Clocks of the health check that contradict each other.
fn against_health(health: &HealthPlan) -> Option<Refusal> {
    let least = health.interval.saturating_mul(health.successes.saturating_sub(1));
    (least > health.deadline).then(|| Refusal {
        reason: format!(
            "{} successes, one every {} s, take {} s at least, and rollout.health.deadline is {} s",
            health.successes,
            health.interval.as_secs_f64(),
            least.as_secs_f64(),
            health.deadline.as_secs_f64()
        ),
        next: "write a longer deadline, a shorter interval or fewer successes in [rollout.health]".to_owned(),
    })
}

async fn way_back<T: RolloutTarget>(
    target: &T,
    settings: &RolloutPlan,
    snapshot: &Snapshot,
    (restore, remove): (&Act, &Act),
    verifies: bool,
) -> (PlannedWayBack, Option<Refusal>) {
    let Some(good) = &snapshot.good else {
        let back = PlannedWayBack {
            to: None,
            how: format!("nothing ran before: {}, and the rollout ends with 11", remove.what),
            clocks: remove.clocks.clone(),
        };
        return (back, None);
    };
    let mut clocks = restore.clocks.clone();
    clocks.push(clock(
        "health.deadline",
        settings.health.deadline,
        "until it has answered often enough",
    ));
    clocks.push(clock("health.soak", settings.health.soak, "in which it must stay healthy"));
    let back = PlannedWayBack {
        to: Some(ran(good)),
        how: format!("{}; then verified as the new one is, and the rollout ends with 10", restore.what),
        clocks,
    };
    let lost = match target.secure(good).await {
        Err(trouble) if !verifies && !settings.without_way_back => Some(Refusal {
            reason: format!(
                "no way back: {} could not be brought back: {}",
                good.release.shown(),
                chain(&trouble)
            ),
            next: "--without-way-back goes on all the same".to_owned(),
        }),
        Ok(()) | Err(_) => None,
    };
    (back, lost)
}

/// Why what serves does not pass the health check before anything is changed: it is sick, or the check asks for what no version answers.
async fn against_health_now<T: RolloutTarget>(target: &T, settings: &RolloutPlan, effects: &Effects, serving: &Deployed) -> Option<String> {
    let verifier = Verifier::of(&settings.health, &serving.release, target.url(), effects);
    let sample = verifier.probe(ProbeTarget::Front).await;
    sample.error.filter(|_| !sample.healthy)
}

fn notes(facts: &Facts<'_>, observed: &Observed, of_target: Vec<String>, now_unhealthy: Option<&str>) -> Vec<String> {
    let mut notes = of_target;
    if let Some(trouble) = now_unhealthy {
        notes.push(format!(
            "what serves now does not pass the health check ({trouble}): where it is well, correct [rollout.health], for neither the new version nor a way back could be proven"
        ));
    }
    if let Some(front) = observed.front.as_ref().filter(|front| !observed.runs(&front.run)) {
        notes.push(format!(
            "the front door leads to {}, which does not run any more",
            front.release.shown()
        ));
    }
    if let Some(open) = &facts.history.open {
        notes.push(format!(
            "run {} of {} was interrupted, and is given up for this one; `portcullis rollout resume` would finish or revert it",
            open.run,
            open.release.shown()
        ));
    }
    if let Some(holder) = facts.holder {
        notes.push(format!(
            "another deployer is at work, and a rollout now would end with 13: {}",
            holder.told(facts.now)
        ));
    }
    notes
}

fn step(state: RolloutState, act: Act) -> PlannedStep {
    PlannedStep {
        state,
        what: act.what,
        clocks: act.clocks,
    }
}

fn verifying(health: &HealthPlan) -> PlannedStep {
    let what = format!(
        "asks through the front door every {} s, each time for at most {} s, until {}",
        health.interval.as_secs_f64(),
        health.timeout.as_secs_f64(),
        in_a_row(health.successes)
    );
    let clocks = vec![clock("health.deadline", health.deadline, "for all of them; then the way back")];
    step(RolloutState::Verifying, Act::new(what, clocks))
}

fn in_a_row(successes: u32) -> String {
    match successes {
        1 => "the new version has answered well once".to_owned(),
        many => format!("the new version has answered well {many} times in a row"),
    }
}

fn soaking(health: &HealthPlan) -> PlannedStep {
    let mut what = format!("goes on asking: at most {} % of answers may fail", health.max_error_rate * 100.0);
    if let Some(p95) = health.max_p95_ms {
        what.push_str(&format!(", and the 95th percentile of latency may be {p95} ms"));
    }
    let clocks = vec![clock("health.soak", health.soak, "in which it must stay healthy")];
    step(RolloutState::Soaking, Act::new(what, clocks))
}

fn draining(mut act: Act, health: &HealthPlan) -> PlannedStep {
    act.what.push_str(&format!("; then {}, and no old one", in_a_row(health.successes)));
    act.clocks.push(clock("health.deadline", health.deadline, "for those answers"));
    step(RolloutState::Draining, act)
}

fn ran(deployed: &Deployed) -> PlannedVersion {
    version(&deployed.release, Some(deployed.run.clone()))
}

fn version(release: &Release, run: Option<String>) -> PlannedVersion {
    PlannedVersion {
        digest: release.digest,
        commit: release.commit.clone(),
        image: release.image.clone(),
        run,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::plan::ProbePlan;

    fn health(successes: u32, interval: u64, deadline: u64) -> HealthPlan {
        HealthPlan {
            probe: ProbePlan::Tcp { address: String::new() },
            version: None,
            interval: Duration::from_secs(interval),
            timeout: Duration::from_secs(1),
            successes,
            deadline: Duration::from_secs(deadline),
            soak: Duration::ZERO,
            max_error_rate: 0.0,
            max_p95_ms: None,
        }
    }

    #[test]
    fn successes_that_do_not_fit_their_deadline_are_refused_and_not_waited_for() {
        let refused = against_health(&health(7, 20, 119)).expect("120 s do not fit 119 s");
        assert!(
            refused.reason.contains("take 120 s") && refused.reason.contains("119 s"),
            "{refused:?}"
        );
        assert_eq!(against_health(&health(7, 20, 120)), None);
        assert_eq!(against_health(&health(1, 600, 1)), None);
    }
}
