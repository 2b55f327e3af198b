//! A rollout: the lock, the plan, then the machine.

use super::announce::rehearse;
use super::entry::{Entered, begin, blank, enter, locked, looked, new_run, unverified};
use crate::io::Effects;
use crate::model::event::{Event, Stage};
use crate::model::outcome::{RolloutReport, RolloutResult};
use crate::model::plan::RolloutPlan;
use crate::model::rollout_state::RolloutState;
use crate::stage::publish::Attested;
use crate::stage::rollout::error::RolloutError;
use crate::stage::rollout::halt::Halt;
use crate::stage::rollout::journal::Purpose;
use crate::stage::rollout::machine::Run;
use crate::stage::rollout::planner::{self, Facts};
use crate::stage::rollout::release::Release;
use crate::stage::rollout::target::{Observed, RolloutTarget, unseen};
use crate::stage::rollout::verifier::ProbeTarget;

pub(super) async fn deploy<T: RolloutTarget>(
    target: &T,
    attested: &Attested,
    plan: &RolloutPlan,
    effects: &Effects,
) -> Result<RolloutReport, RolloutError> {
    let release = Release::of(attested);
    if plan.dry_run {
        return rehearse(target, attested, plan, effects).await;
    }
    let id = new_run(effects);
    let (journal, history) = match enter(target, plan, &id, effects).await? {
        Entered::Ours(journal, history) => (journal, history),
        Entered::Theirs(holder) => return Ok(locked(target, plan, effects, (id, &release), &holder).await),
    };
    // Said again by the plan; known here before anything is fetched.
    if let Some(refusal) = planner::against_digest(plan, &history, &release) {
        let mut report = looked(target, blank(target, plan, id, release.digest, RolloutResult::Refused)).await;
        report.reason = Some(format!("{}; {}", refusal.reason, refusal.next));
        report.next = Some(refusal.next);
        return Ok(report);
    }
    let release = target.prepare(&release).await?;
    let live = target.is_live(&release).await.map_err(unseen)?;
    let what = (id, Purpose::Deploy, release, unverified(attested, plan));
    let mut run = begin(target, plan, effects, journal, history, what);
    if let Some(refused) = announced(&mut run, live).await? {
        return Ok(refused);
    }
    let detail = match &plan.again {
        Some(reason) => format!("token {}; tried again: {reason}", run.journal.token()),
        None => format!("token {}", run.journal.token()),
    };
    run.tell(RolloutState::Locked, &detail);
    carry_out(run, live).await
}

/// Carries a run out. One whose release is in front already, with nothing left undone, is verified, and carried out only where it does not serve.
pub(super) async fn carry_out<T: RolloutTarget>(mut run: Run<'_, T>, live: bool) -> Result<RolloutReport, RolloutError> {
    if live && run.history.open.is_none() {
        match verify_live(run).await {
            Ok(report) => return Ok(report),
            Err(back) => run = *back,
        }
    }
    run.carry_out().await
}

/// Tells the plan of a run. Gives a report where it cannot work.
pub(super) async fn announced<T: RolloutTarget>(run: &mut Run<'_, T>, live: bool) -> Result<Option<RolloutReport>, RolloutError> {
    let facts = Facts {
        purpose: run.purpose,
        release: &run.release,
        live,
        history: &run.history,
        holder: None,
        now: run.effects.clock.now(),
    };
    let planned = planner::plan(run.target, run.plan, run.effects, &facts).await?;
    run.effects.emit(&Event::Planned {
        plan: Box::new(planned.clone()),
    });
    let refused = planned.refusal().map(|reason| {
        let mut report = blank(run.target, run.plan, run.id.clone(), run.release.digest, RolloutResult::Refused);
        report.live = planned.now.as_ref().map(|now| now.digest);
        report.live_commit = planned.now.as_ref().and_then(|now| now.commit.clone());
        report.reason = Some(reason);
        report.next = planned.next_when_refused();
        report.unverified.clone_from(&run.unverified);
        report.plan = Some(Box::new(planned.clone()));
        report
    });
    run.planned = Some(planned);
    Ok(refused)
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
