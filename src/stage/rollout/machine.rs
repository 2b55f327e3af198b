//! The way forward: `Locked → Snapshotted → Staging → StagedHealthy → Shifting → Verifying → Soaking → Draining → Retiring → Committed`.
//!
//! Every operation of the target can be repeated with the same run, so resuming an interrupted run is walking the same way again.

use std::net::SocketAddr;

use super::error::RolloutError;
use super::halt::Halt;
use super::history::{History, OpenRun, Snapshot};
use super::journal::{Entry, Journal, Operation, Purpose};
use super::release::{Deployed, Release};
use super::target::{RolloutTarget, TargetError, unseen};
use super::verifier::{Identity, ProbeTarget, Verifier};
use crate::io::Effects;
use crate::model::canary::CanaryStep;
use crate::model::error_chain::chain;
use crate::model::event::Stage;
use crate::model::health::Sample;
use crate::model::outcome::{RolloutReport, RolloutResult, Step};
use crate::model::plan::RolloutPlan;
use crate::model::planned_rollout::PlannedRollout;
use crate::model::rollout_state::RolloutState;

pub(super) struct Run<'a, T> {
    pub(super) target: &'a T,
    pub(super) plan: &'a RolloutPlan,
    pub(super) effects: &'a Effects,
    pub(super) journal: Journal,
    pub(super) id: String,
    pub(super) purpose: Purpose,
    pub(super) release: Release,
    pub(super) unverified: Option<String>,
    pub(super) history: History,
    pub(super) snapshot: Snapshot,
    /// What was to be done, as it was said before.
    pub(super) planned: Option<PlannedRollout>,
    pub(super) steps: Vec<Step>,
    /// Steps of the canary that came to their end.
    pub(super) canary: Vec<CanaryStep>,
    pub(super) samples: Vec<Sample>,
    /// Requests that were cut so far; `None` once some could not be counted.
    pub(super) cut: Option<u64>,
    /// The last state since the run began or was resumed.
    pub(super) last: Option<RolloutState>,
}

impl<T: RolloutTarget> Run<'_, T> {
    /// A new run, from its first line in the journal to its end.
    pub(super) async fn carry_out(mut self) -> Result<RolloutReport, RolloutError> {
        if let Some(open) = self.history.open.take() {
            self.abandon(&open)?;
            // What was given up has no share any more.
            self.target.end_share(self.journal.token()).await.map_err(unseen)?;
        }
        self.journal.shorten(self.history.made_short(), &*self.effects.clock)?;
        let begin = Entry::Begin {
            purpose: self.purpose,
            release: self.release.clone(),
            unverified: self.unverified.clone(),
            again: self.plan.again.clone(),
        };
        self.journal.append(&self.id, begin, &*self.effects.clock)?;
        let outcome = self.forward(false).await;
        Ok(self.conclude(outcome).await)
    }

    /// A run that was interrupted: to its end, or back.
    pub(super) async fn resume(mut self, open: OpenRun) -> RolloutReport {
        self.steps = open.steps;
        self.canary = open.canary;
        if let Some(snapshot) = open.snapshot.clone() {
            self.snapshot = snapshot;
        }
        self.effects
            .note(Stage::Rollout, format!("resuming run {} of {}", self.id, self.release.shown()));
        let outcome = match open.rolling_back {
            Some(reason) => Err(Halt::Failed(reason)),
            None => self.forward(open.snapshot.is_some()).await,
        };
        self.conclude(outcome).await
    }

    async fn conclude(mut self, outcome: Result<(), Halt>) -> RolloutReport {
        let outcome = match outcome {
            Err(Halt::Failed(reason)) => self.roll_back(reason).await,
            Err(other) => Err(other),
            Ok(()) => Ok((RolloutResult::Committed, None)),
        };
        match outcome {
            Ok((result, reason)) => self.end(result, reason).await,
            Err(Halt::Cancelled) => {
                let said = "interrupted; `portcullis rollout resume` finishes or reverts it";
                self.last_state(RolloutState::Interrupted, said);
                self.report(RolloutResult::Interrupted, Some(said.to_owned())).await
            }
            Err(Halt::Refused(reason)) => {
                self.last_state(RolloutState::Refused, &reason);
                self.end(RolloutResult::Refused, Some(reason)).await
            }
            Err(Halt::Superseded(by)) => {
                self.last_state(RolloutState::Superseded, &by);
                self.end(RolloutResult::Superseded, Some(by)).await
            }
            Err(Halt::Failed(reason)) => {
                self.last_state(RolloutState::RollbackFailed, &reason);
                self.end(RolloutResult::RollbackFailed, Some(reason)).await
            }
        }
    }

    async fn forward(&mut self, snapshotted: bool) -> Result<(), Halt> {
        if !snapshotted {
            self.take_snapshot().await?;
            self.secure_way_back().await?;
        }
        let instances = self.stage().await?;
        self.walk_canary(&instances).await?;

        self.state(RolloutState::Shifting, &self.shift_detail())?;
        self.intend(Operation::Shift)?;
        self.target.shift(&self.id, self.journal.token()).await?;
        self.done(Operation::Shift, String::new())?;

        let health = &self.plan.health;
        self.state(
            RolloutState::Verifying,
            &match health.successes {
                1 => "one success through the front door".to_owned(),
                many => format!("{many} successes in a row through the front door"),
            },
        )?;
        self.await_streak(ProbeTarget::Front, health.deadline, health.interval, false)
            .await?;
        if !health.soak.is_zero() {
            self.state(RolloutState::Soaking, &format!("{} s", health.soak.as_secs_f64()))?;
            self.soak().await?;
        }
        self.let_go_of_old().await
    }

    /// Starts the new version beside the old one, where the target does that by itself. Gives the addresses that its instances were asked at.
    async fn stage(&mut self) -> Result<Vec<SocketAddr>, Halt> {
        let deployed = self.deployed();
        if self.target.capabilities().fused_shift {
            // Only noted: what starts it also brings it in front.
            self.target.stage(&deployed).await?;
            return Ok(Vec::new());
        }
        self.state(RolloutState::Staging, &format!("starting {}", self.release.shown()))?;
        self.intend(Operation::Stage)?;
        let address = self.target.stage(&deployed).await?;
        self.done(Operation::Stage, address.map_or_else(String::new, |address| address.to_string()))?;
        let mut addresses = Vec::new();
        if let Some(address) = address.filter(|_| self.target.capabilities().probes_instances) {
            addresses.push(address);
            addresses.extend(self.target.beside(&self.id).await?);
            for address in &addresses {
                self.await_staged(ProbeTarget::Instance(*address)).await?;
            }
            let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            self.state(RolloutState::StagedHealthy, &format!("healthy at {}", shown.join(", ")))?;
        }
        Ok(addresses)
    }

    /// Drains the old version, proves that it answers nothing any more, and stops it.
    async fn let_go_of_old(&mut self) -> Result<(), Halt> {
        let health = &self.plan.health;
        let (waits, id, token) = (&self.plan.waits, self.id.clone(), self.journal.token());
        let draining = match self.target.capabilities().drains {
            true => format!("at most {} s", waits.drain.as_secs_f64()),
            false => "requests under way are the target's own care".to_owned(),
        };
        self.state(RolloutState::Draining, &draining)?;
        self.intend(Operation::Drain)?;
        let left = self.target.drain(Some(&id), token, waits.drain).await?;
        let told = left.map_or_else(|| "an unknown number".to_owned(), |left| left.to_string());
        self.done(Operation::Drain, format!("{told} in flight"))?;
        self.await_streak(ProbeTarget::Front, health.deadline, health.interval, true)
            .await?;

        self.state(RolloutState::Retiring, &self.retire_detail(left))?;
        self.intend(Operation::Retire)?;
        let cut = self.target.retire(Some(&id), token, waits.stop).await?;
        self.add_cut(cut);
        let cut = self.cut.map_or_else(|| "an unknown number".to_owned(), |cut| cut.to_string());
        self.done(Operation::Retire, format!("{cut} cut"))?;
        self.state(RolloutState::Committed, &format!("{} serves", self.release.shown()))
    }

    async fn take_snapshot(&mut self) -> Result<(), Halt> {
        // Nothing was changed yet: a failure here is no reason to "go back", which could only be to nothing.
        let observed = match self.target.observe().await {
            Ok(observed) => observed,
            Err(TargetError::Superseded(by)) => return Err(Halt::Superseded(by)),
            Err(TargetError::Cancelled) => return Err(Halt::Cancelled),
            Err(failed) => return Err(Halt::Refused(format!("what runs now cannot be seen: {}", chain(&failed)))),
        };
        self.snapshot = Snapshot::of(&self.history, observed, &self.id);
        let entry = Entry::Snapshot {
            live: self.snapshot.live.clone(),
            good: self.snapshot.good.clone(),
        };
        self.journal.append(&self.id, entry, &*self.effects.clock)?;
        let detail = match &self.snapshot.good {
            Some(good) => format!("last known good is {}", good.release.shown()),
            None => "nothing was deployed before".to_owned(),
        };
        self.state(RolloutState::Snapshotted, &detail)
    }

    /// Before anything is changed: could the last known good release be brought back?
    async fn secure_way_back(&mut self) -> Result<(), Halt> {
        let Some(good) = self.snapshot.good.clone() else { return Ok(()) };
        match self.target.secure(&good).await {
            Ok(()) => Ok(()),
            Err(TargetError::Superseded(by)) => Err(Halt::Superseded(by)),
            Err(TargetError::Cancelled) => Err(Halt::Cancelled),
            Err(failed) if self.plan.without_way_back => {
                let trouble = chain(&failed);
                self.effects.warn(
                    Stage::Rollout,
                    format!("no way back: {} could not be brought back: {trouble}", good.release.shown()),
                );
                Ok(())
            }
            Err(failed) => Err(Halt::Refused(format!(
                "no way back: {} could not be brought back: {}; --without-way-back goes on all the same",
                good.release.shown(),
                chain(&failed)
            ))),
        }
    }

    pub(super) fn add_cut(&mut self, cut: Option<u64>) {
        self.cut = self.cut.zip(cut).map(|(before, cut)| before + cut);
    }

    fn abandon(&mut self, open: &OpenRun) -> Result<(), RolloutError> {
        let reason = format!("run {} began before this one was resumed", self.id);
        self.effects.warn(
            Stage::Rollout,
            format!(
                "run {} of {} was interrupted and is given up for this one",
                open.run,
                open.release.shown()
            ),
        );
        let entry = Entry::End {
            result: RolloutResult::Superseded,
            reason: Some(reason),
        };
        self.journal.append(&open.run, entry, &*self.effects.clock)
    }

    fn shift_detail(&self) -> String {
        match &self.snapshot.live {
            Some(live) => format!("from {} to {}", live.release.shown(), self.release.shown()),
            None => format!("to {}", self.release.shown()),
        }
    }

    fn retire_detail(&self, left: Option<u64>) -> String {
        match left {
            None => "what was in flight on the old version is not known".to_owned(),
            Some(0) => "nothing in flight on the old version".to_owned(),
            Some(1) => "1 request still in flight on the old version".to_owned(),
            Some(left) => format!("{left} requests still in flight on the old version"),
        }
    }

    pub(super) fn deployed(&self) -> Deployed {
        Deployed {
            run: self.id.clone(),
            release: self.release.clone(),
        }
    }

    /// Asks for this run's release; "old" is what served before.
    pub(super) fn verifier(&self) -> Verifier<'_> {
        let old = self.snapshot.live.as_ref().map(|live| &live.release);
        self.verifier_of(&self.release, old)
    }

    pub(super) fn verifier_of(&self, new: &Release, old: Option<&Release>) -> Verifier<'_> {
        Verifier {
            old: old.filter(|old| old.digest != new.digest).map(Identity::from),
            by_observation: self.target.capabilities().names_what_runs,
            ..Verifier::of(&self.plan.health, new, self.target.url(), self.effects)
        }
    }
}
