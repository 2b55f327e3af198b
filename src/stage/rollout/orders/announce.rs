//! What would be done: the plan alone, and a dry run's report with it.

use super::entry::{blank, new_run, unverified};
use crate::io::Effects;
use crate::model::event::Event;
use crate::model::outcome::{RolloutReport, RolloutResult, Step};
use crate::model::plan::RolloutPlan;
use crate::model::planned_rollout::{PlannedChange, PlannedRollout};
use crate::model::rollout_state::RolloutState;
use crate::stage::publish::Attested;
use crate::stage::rollout::error::RolloutError;
use crate::stage::rollout::history::History;
use crate::stage::rollout::journal::Purpose;
use crate::stage::rollout::lock;
use crate::stage::rollout::planner::{self, Facts};
use crate::stage::rollout::recall;
use crate::stage::rollout::release::Release;
use crate::stage::rollout::subject;
use crate::stage::rollout::target::{RolloutTarget, unseen};

/// The plan of a deploy, made without the lock.
pub(super) async fn announce<T: RolloutTarget>(
    target: &T,
    attested: &Attested,
    plan: &RolloutPlan,
    effects: &Effects,
) -> Result<PlannedRollout, RolloutError> {
    let history = History::of(&recall::own_past(target).await?);
    subject::check(target, &history).await?;
    let release = target.examine(&Release::of(attested)).await?;
    let live = target.is_live(&release).await.map_err(unseen)?;
    let holder = match lock::current(target.state())? {
        Some(holder) => Some(holder),
        None => target.holder().await.map_err(unseen)?,
    };
    let facts = Facts {
        purpose: Purpose::Deploy,
        release: &release,
        live,
        history: &history,
        holder: holder.as_ref(),
        now: effects.clock.now(),
    };
    planner::plan(target, plan, effects, &facts).await
}

/// A dry run: the plan as a report.
pub(super) async fn rehearse<T: RolloutTarget>(
    target: &T,
    attested: &Attested,
    plan: &RolloutPlan,
    effects: &Effects,
) -> Result<RolloutReport, RolloutError> {
    let planned = announce(target, attested, plan, effects).await?;
    effects.emit(&Event::Planned {
        plan: Box::new(planned.clone()),
    });
    let step = Step {
        at: effects.clock.now(),
        state: RolloutState::Planned,
        detail: would(&planned),
    };
    effects.emit(&Event::State {
        state: step.state,
        detail: step.detail.clone(),
    });
    let refusal = planned.refusal();
    let result = match refusal {
        Some(_) => RolloutResult::Refused,
        None => RolloutResult::Planned,
    };
    let mut report = blank(target, plan, new_run(effects), planned.next.digest, result);
    report.live = planned.now.as_ref().map(|now| now.digest);
    report.live_commit = planned.now.as_ref().and_then(|now| now.commit.clone());
    report.previous = report.live;
    report.unverified = unverified(attested, plan);
    report.reason = refusal;
    report.next = planned.next_when_refused();
    report.steps = vec![step];
    report.plan = Some(Box::new(planned));
    Ok(report)
}

fn would(planned: &PlannedRollout) -> String {
    let next = planned.next.shown();
    let what = match (planned.change, &planned.now) {
        (PlannedChange::Verify, _) => format!("would verify {next}, which is in front already"),
        (PlannedChange::Return, _) => format!("would start {next} again"),
        (_, Some(now)) => format!("would replace {} by {next}", now.shown()),
        (_, None) => format!("would deploy {next}, with nothing before it to go back to"),
    };
    planned.url.as_ref().map_or(what.clone(), |url| format!("{what} at {url}"))
}
