//! The way forward: `Locked → Snapshotted → Staging → StagedHealthy → Shifting → Verifying → Soaking → Draining → Retiring → Committed`.
//!
//! Every operation of the target can be repeated with the same run, so resuming an interrupted run is walking the same way again.

use super::error::RolloutError;
use super::history::{History, OpenRun, Snapshot};
use super::journal::{Entry, Journal, Purpose};
use super::process::told;
use super::release::{Deployed, Release};
use super::target::{RolloutTarget, TargetError};
use super::verifier::{Door, Identity, Verifier};
use crate::io::Effects;
use crate::model::event::{Event, Stage};
use crate::model::health::Sample;
use crate::model::outcome::{RolloutReport, RolloutResult, Step};
use crate::model::plan::RolloutPlan;

/// Why a run does not go on.
#[derive(Debug)]
pub(super) enum Halt {
    /// The new version failed, or something it needs did.
    Failed(String),
    /// Somebody asked to stop.
    Cancelled,
    /// Somebody else has changed the target.
    Superseded(String),
}

impl From<TargetError> for Halt {
    fn from(error: TargetError) -> Self {
        match error {
            TargetError::Superseded(by) => Self::Superseded(by),
            TargetError::Failed(reason) => Self::Failed(reason),
        }
    }
}

impl From<RolloutError> for Halt {
    fn from(error: RolloutError) -> Self {
        match error {
            RolloutError::Superseded { .. } => Self::Superseded(error.to_string()),
            other => Self::Failed(told(&other)),
        }
    }
}

/// One run.
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
    pub(super) steps: Vec<Step>,
    pub(super) samples: Vec<Sample>,
    pub(super) cut: u64,
}

impl<T: RolloutTarget> Run<'_, T> {
    /// A new run, from its first line in the journal to its end.
    pub(super) async fn carry_out(mut self) -> Result<RolloutReport, RolloutError> {
        if let Some(open) = self.history.open.take() {
            self.abandon(&open)?;
        }
        self.journal.shorten(&self.history.good, &*self.effects.clock)?;
        let begin = Entry::Begin {
            purpose: self.purpose,
            release: self.release.clone(),
            unverified: self.unverified.clone(),
        };
        self.journal.append(&self.id, begin, &*self.effects.clock)?;
        let outcome = self.forward(false).await;
        Ok(self.conclude(outcome).await)
    }

    /// A run that was interrupted: to its end, or back.
    pub(super) async fn resume(mut self, open: OpenRun) -> RolloutReport {
        self.steps = open.steps;
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
                let _ = self.state("Interrupted", said);
                self.report(RolloutResult::Interrupted, Some(said.to_owned())).await
            }
            Err(Halt::Superseded(by)) => {
                let _ = self.state("Superseded", &by);
                self.end(RolloutResult::Superseded, Some(by)).await
            }
            Err(Halt::Failed(reason)) => {
                let _ = self.state("RollbackFailed", &reason);
                self.end(RolloutResult::RollbackFailed, Some(reason)).await
            }
        }
    }

    async fn forward(&mut self, snapshotted: bool) -> Result<(), Halt> {
        if !snapshotted {
            self.take_snapshot().await?;
        }
        let deployed = self.deployed();
        let capable = self.target.capabilities();

        self.state("Staging", &format!("starting {}", self.release.shown()))?;
        self.intend("stage")?;
        let address = self.target.stage(&deployed).await?;
        self.done("stage", address.map_or_else(String::new, |address| address.to_string()))?;
        if let Some(address) = address.filter(|_| capable.per_instance_probe) {
            self.await_staged(Door::Instance(address)).await?;
            self.state("StagedHealthy", &format!("healthy at {address}"))?;
        }

        self.state("Shifting", &self.shift_detail())?;
        self.intend("shift")?;
        self.target.shift(&self.id, self.journal.token()).await?;
        self.done("shift", String::new())?;

        let health = &self.plan.health;
        self.state(
            "Verifying",
            &format!("{} successes in a row through the front door", health.successes),
        )?;
        self.await_streak(Door::Front, health.deadline, health.interval, false).await?;
        if !health.soak.is_zero() {
            self.state("Soaking", &format!("{} s", health.soak.as_secs_f64()))?;
            self.soak().await?;
        }
        self.let_go_of_old().await
    }

    /// Drains the old version, proves that it answers nothing any more, and stops it.
    async fn let_go_of_old(&mut self) -> Result<(), Halt> {
        let health = &self.plan.health;
        let (waits, id, token) = (&self.plan.waits, self.id.clone(), self.journal.token());
        self.state("Draining", &format!("at most {} s", waits.drain.as_secs_f64()))?;
        self.intend("drain")?;
        let left = self.target.drain(Some(&id), token, waits.drain).await?;
        self.done("drain", format!("{left} in flight"))?;
        self.await_streak(Door::Front, health.deadline, health.interval, true).await?;

        self.state("Retiring", &self.retire_detail(left))?;
        self.intend("retire")?;
        self.cut += self.target.retire(Some(&id), token, waits.stop).await?;
        self.done("retire", format!("{} cut", self.cut))?;
        self.state("Committed", &format!("{} serves", self.release.shown()))
    }

    async fn take_snapshot(&mut self) -> Result<(), Halt> {
        let observed = self.target.observe().await?;
        let live = observed.front.filter(|front| front.run != self.id);
        // Without a record of what was good, what serves is the only thing to go back to.
        let good = self.history.last_good().cloned().or_else(|| {
            live.clone()
                .filter(|live| observed.instances.iter().any(|i| i.deployed.run == live.run))
        });
        self.snapshot = Snapshot { live, good };
        let entry = Entry::Snapshot {
            live: self.snapshot.live.clone(),
            good: self.snapshot.good.clone(),
        };
        self.journal.append(&self.id, entry, &*self.effects.clock)?;
        let detail = match &self.snapshot.good {
            Some(good) => format!("last known good is {}", good.release.shown()),
            None => "nothing was deployed before".to_owned(),
        };
        self.state("Snapshotted", &detail)
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

    fn retire_detail(&self, left: u64) -> String {
        match left {
            0 => "nothing in flight on the old version".to_owned(),
            1 => "1 request still in flight on the old version".to_owned(),
            left => format!("{left} requests still in flight on the old version"),
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
            plan: &self.plan.health,
            new: Identity::from(new),
            old: old.filter(|old| old.digest != new.digest).map(Identity::from),
            base: self.target.url().unwrap_or_default(),
            effects: self.effects,
        }
    }

    /// Moves to a state: into the journal, then to whoever watches.
    pub(super) fn state(&mut self, state: &str, detail: &str) -> Result<(), Halt> {
        let entry = Entry::State {
            state: state.to_owned(),
            detail: detail.to_owned(),
        };
        self.journal.append(&self.id, entry, &*self.effects.clock)?;
        self.tell(state, detail);
        Ok(())
    }

    /// Tells a state without the journal.
    pub(super) fn tell(&mut self, state: &str, detail: &str) {
        self.steps.push(Step {
            at: self.effects.clock.now(),
            state: state.to_owned(),
            detail: detail.to_owned(),
        });
        self.effects.emit(&Event::State {
            state: state.to_owned(),
            detail: detail.to_owned(),
        });
    }

    pub(super) fn intend(&mut self, operation: &str) -> Result<(), Halt> {
        let operation = operation.to_owned();
        Ok(self.journal.append(&self.id, Entry::Intent { operation }, &*self.effects.clock)?)
    }

    pub(super) fn done(&mut self, operation: &str, detail: String) -> Result<(), Halt> {
        let operation = operation.to_owned();
        Ok(self
            .journal
            .append(&self.id, Entry::Done { operation, detail }, &*self.effects.clock)?)
    }

    async fn end(mut self, result: RolloutResult, reason: Option<String>) -> RolloutReport {
        let entry = Entry::End {
            result,
            reason: reason.clone(),
        };
        if let Err(error) = self.journal.append(&self.id, entry, &*self.effects.clock) {
            self.effects.warn(
                Stage::Rollout,
                format!("the end of the run could not be recorded: {}", told(&error)),
            );
        }
        let mut keep = self.history.good.clone();
        keep.push(self.deployed());
        keep.extend(self.snapshot.good.clone());
        self.target.clean(&keep);
        self.report(result, reason).await
    }

    /// The report, with what is seen to be in front now.
    pub(super) async fn report(self, result: RolloutResult, reason: Option<String>) -> RolloutReport {
        let front = self.target.observe().await.ok().and_then(|observed| {
            let front = observed.front.clone()?;
            observed.runs(&front.run).then_some(front)
        });
        RolloutReport {
            schema: "portcullis/rollout/v1".to_owned(),
            service: self.plan.service.clone(),
            target: self.target.name().to_owned(),
            run: self.id,
            result,
            digest: self.release.digest,
            live: front.map(|front| front.release.digest),
            previous: self.snapshot.live.map(|live| live.release.digest),
            reason,
            url: self.target.url(),
            unverified: self.unverified,
            steps: self.steps,
            samples: self.samples,
            cut_requests: self.cut,
        }
    }
}
