//! The steps, one after the other.

use std::net::SocketAddr;

use tokio::time::Instant;

use super::budget::{self, Judged, Seen};
use super::meter::Meter;
use super::metric::{self, Reading};
use super::told;
use crate::model::canary::{CanaryStep, StepVerdict};
use crate::model::error_chain::chain;
use crate::model::event::Stage;
use crate::model::plan::CanaryPlan;
use crate::model::rollout_state::RolloutState;
use crate::stage::rollout::halt::Halt;
use crate::stage::rollout::journal::{Entry, Operation, Purpose};
use crate::stage::rollout::machine::Run;
use crate::stage::rollout::switch::message::Status;
use crate::stage::rollout::target::{RolloutTarget, TargetError};
use crate::stage::rollout::verifier::ProbeTarget;
use crate::stage::rollout::watch::{pause, still_there, take};

/// What is counted in a step.
struct Watched {
    new: Meter,
    old: Meter,
    /// Samples of the new version by its own address that did not count.
    bad: u32,
    reading: Option<Reading>,
}

impl<T: RolloutTarget> Run<'_, T> {
    /// Gives the new version its shares. `instances` are its addresses. Steps that were passed before an interruption are not walked again; one that
    /// was not ended begins anew.
    pub(in crate::stage::rollout) async fn walk_canary(&mut self, instances: &[SocketAddr]) -> Result<(), Halt> {
        // It was ended before it could go back.
        if let Some(step) = self.canary.last().filter(|step| step.verdict != StepVerdict::Passed) {
            return Err(Halt::Failed(told::failed(step)));
        }
        let Some(plan) = self.plan.canary.as_ref().filter(|_| self.purpose == Purpose::Deploy) else {
            return Ok(());
        };
        let is_begun = self.steps.iter().any(|step| step.state == RolloutState::Canary);
        if !is_begun && !self.old_serves().await? {
            self.effects.note(Stage::Rollout, told::ALONE);
            return Ok(());
        }
        let reached = self.canary.last().map_or(0, |step| step.share);
        for (at, share) in plan.steps.iter().enumerate().filter(|(_, share)| **share > reached) {
            let (count, seconds) = (plan.steps.len(), plan.time.as_secs_f64());
            self.state(
                RolloutState::Canary,
                &format!("step {} of {count}: {share} % of the requests for {seconds} s", at + 1),
            )?;
            self.intend(Operation::Weigh)?;
            self.target.weigh(&self.id, *share, &plan.sticky, self.journal.token()).await?;
            self.done(Operation::Weigh, format!("{share} %"))?;
            let step = self.watch_step(plan, *share, instances).await?;
            self.journal
                .append(&self.id, Entry::Canary { step: step.clone() }, &*self.effects.clock)?;
            self.effects.note(Stage::Rollout, told::step(&step));
            let failed = (step.verdict != StepVerdict::Passed).then(|| told::failed(&step));
            self.canary.push(step);
            if let Some(reason) = failed {
                return Err(Halt::Failed(reason));
            }
        }
        Ok(())
    }

    async fn old_serves(&self) -> Result<bool, Halt> {
        let observed = self.target.observe().await?;
        Ok(observed.serving().is_some_and(|serving| serving.run != self.id))
    }

    async fn watch_step(&mut self, plan: &CanaryPlan, share: u8, instances: &[SocketAddr]) -> Result<CanaryStep, Halt> {
        let (from, begun) = (self.effects.clock.now(), Instant::now());
        let status = self.look(share).await?;
        let status = status.map_err(|trouble| Halt::Failed(format!("what the requests come to cannot be seen: {trouble}")))?;
        let mut watched = Watched {
            new: Meter::begin(&status, &self.id),
            old: Meter::begin(&status, &self.old_run()),
            bad: 0,
            reading: None,
        };
        let mut step = CanaryStep {
            share,
            from,
            elapsed_ms: 0,
            new: watched.new.look(&status).figures(),
            old: watched.old.look(&status).figures(),
            metric: None,
            verdict: StepVerdict::Unknown,
            reason: None,
        };
        loop {
            let ended = self.look_at_step(plan, &mut watched, &mut step, instances, begun).await?;
            step.elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            if ended {
                return Ok(step);
            }
            let left = plan.time.saturating_sub(begun.elapsed());
            pause(self.plan.health.interval.min(left), self.effects).await?;
        }
    }

    /// One look: true when the step has ended.
    async fn look_at_step(
        &mut self,
        plan: &CanaryPlan,
        watched: &mut Watched,
        step: &mut CanaryStep,
        instances: &[SocketAddr],
        begun: Instant,
    ) -> Result<bool, Halt> {
        let ill = self.look_at_instances(plan, watched, instances).await?;
        if let Some(metric) = &plan.metric {
            let reading = metric::ask(metric, &self.deployed(), self.plan.health.timeout).await;
            step.metric = match reading {
                Reading::Value(value) => Some(value),
                Reading::Unknown(_) => None,
            };
            watched.reading = Some(reading);
        }
        let elapsed = begun.elapsed();
        let judged = match self.look(step.share).await? {
            Ok(status) => {
                let (new, old) = (watched.new.look(&status), watched.old.look(&status));
                (step.new, step.old) = (new.figures(), old.figures());
                let seen = Seen {
                    new: &new,
                    old: &old,
                    old_before_ms: self.canary.iter().rev().find_map(|step| measure(plan, step)),
                    metric: watched.reading.as_ref(),
                    elapsed,
                };
                budget::judge(plan, &seen)
            }
            Err(trouble) => Judged::Unknown(format!("what the requests came to cannot be seen: {trouble}")),
        };
        let is_over = elapsed >= plan.time;
        let (verdict, reason) = match (ill, judged) {
            (Some(reason), _) => (StepVerdict::Failed, Some(reason)),
            (None, Judged::Fails(reason)) => (StepVerdict::Failed, Some(self.with_cause(reason).await)),
            (None, Judged::Unknown(reason)) => (StepVerdict::Unknown, Some(reason)),
            (None, Judged::Keeps(left_out)) => (StepVerdict::Passed, left_out),
        };
        (step.verdict, step.reason) = (verdict, reason);
        Ok(is_over || verdict == StepVerdict::Failed)
    }

    /// What was seen, behind why: requests fail before anybody has noticed that an instance has ended.
    async fn with_cause(&self, seen: String) -> String {
        match self.target.observe().await {
            Ok(observed) if !observed.runs(&self.id) => format!("{}; {seen}", self.target.post_mortem(&self.id)),
            Ok(_) | Err(_) => seen,
        }
    }

    /// Asks each new instance by its own address, and looks whether both versions still run. Gives what is wrong.
    async fn look_at_instances(
        &mut self,
        plan: &CanaryPlan,
        watched: &mut Watched,
        instances: &[SocketAddr],
    ) -> Result<Option<String>, Halt> {
        let health = &self.plan.health;
        let expected = (plan.time.as_secs_f64() / health.interval.as_secs_f64().max(0.001)).max(1.0) * instances.len() as f64;
        let mut samples = std::mem::take(&mut self.samples);
        let (mut last, mut gone) = (None, None);
        for address in instances {
            let door = ProbeTarget::Instance(*address);
            let asked = take(self.target, &self.verifier(), door, &mut samples).await;
            match asked {
                Ok(sample) if self.verifier().counts(&sample) => {}
                Ok(sample) => {
                    watched.bad += 1;
                    last = sample.error;
                    gone = gone.or(still_there(self.target, &self.verifier(), &self.id, door).await.err());
                }
                Err(halt) => {
                    self.samples = samples;
                    return Err(halt);
                }
            }
        }
        self.samples = samples;
        match gone {
            Some(Halt::Failed(reason)) => return Ok(Some(reason)),
            Some(other) => return Err(other),
            None => {}
        }
        if let Some(reason) = self.target.broken(&self.id) {
            return Ok(Some(reason));
        }
        if f64::from(watched.bad) > health.max_error_rate * expected {
            let last = last.map_or_else(String::new, |error| format!("; the last one: {error}"));
            return Ok(Some(format!(
                "{} samples of the new version by its own address failed, and the budget of [rollout.health] is {}{last}",
                watched.bad, health.max_error_rate
            )));
        }
        // A target that cannot be asked for a moment is no failure.
        match self.target.observe().await {
            Ok(observed) if !observed.runs(&self.old_run()) => Ok(Some("the old version ended while it had requests".to_owned())),
            Ok(_) | Err(_) => Ok(None),
        }
    }

    fn old_run(&self) -> String {
        self.snapshot.live.as_ref().map_or_else(String::new, |live| live.run.clone())
    }

    /// What the switch counts, as long as it shares out what it was told to; it is brought back where it has died. The inner error is that it cannot be
    /// seen at this moment.
    async fn look(&self, share: u8) -> Result<Result<Status, String>, Halt> {
        let looked = match self.target.tend().await {
            Ok(()) => self.target.switch().await,
            Err(error) => Err(error),
        };
        let status = match looked {
            Ok(Some(status)) => status,
            Ok(None) => return Ok(Err("the switch does not run".to_owned())),
            Err(TargetError::Superseded(by)) => return Err(Halt::Superseded(by)),
            Err(TargetError::Cancelled) => return Err(Halt::Cancelled),
            Err(failed) => return Ok(Err(chain(&failed))),
        };
        let ours = status
            .routes
            .canary
            .as_ref()
            .is_some_and(|canary| (canary.backend.run.as_str(), canary.percent) == (self.id.as_str(), share));
        match ours && status.routes.front.as_ref().is_some_and(|front| front.run == self.old_run()) {
            true => Ok(Ok(status)),
            false => Err(Halt::Superseded("somebody else has changed where the requests go".to_owned())),
        }
    }
}

/// The old version's latency in an earlier step, where it had enough requests to be a measure.
fn measure(plan: &CanaryPlan, step: &CanaryStep) -> Option<f64> {
    step.old.p95_ms.filter(|_| step.old.telling() >= plan.requests)
}
