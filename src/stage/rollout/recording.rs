//! What a run writes into the journal and tells whoever watches, and its report.

use std::time::Duration;

use super::halt::Halt;
use super::journal::{Entry, Operation};
use super::machine::Run;
use super::target::RolloutTarget;
use crate::model::error_chain::chain;
use crate::model::event::{Event, Stage};
use crate::model::outcome::{RolloutReport, RolloutResult, Step};
use crate::model::rollout_state::RolloutState;

/// How long what serves is looked for where somebody wants to stop: a runner kills soon after it has asked.
const CANCELLED: Duration = Duration::from_secs(5);

impl<T: RolloutTarget> Run<'_, T> {
    /// Moves to a state: into the journal, then to whoever watches.
    pub(super) fn state(&mut self, state: RolloutState, detail: &str) -> Result<(), Halt> {
        if !state.may_follow(self.last) {
            let before = self.last.map_or("nothing", RolloutState::as_str);
            return Err(Halt::Failed(format!("a bug in portcullis: {state} came after {before}")));
        }
        let entry = Entry::State {
            state,
            detail: detail.to_owned(),
        };
        self.journal.append(&self.id, entry, &*self.effects.clock)?;
        self.tell(state, detail);
        Ok(())
    }

    /// The last state of a run that ends here: where it cannot be recorded any more, that is told, and the run ends all the same.
    pub(super) fn last_state(&mut self, state: RolloutState, detail: &str) {
        if let Err(halt) = self.state(state, detail) {
            self.effects
                .warn(Stage::Rollout, format!("{state} could not be recorded: {}", halt.told()));
            self.tell(state, detail);
        }
    }

    /// Tells a state without the journal.
    pub(super) fn tell(&mut self, state: RolloutState, detail: &str) {
        self.last = Some(state);
        self.steps.push(Step {
            at: self.effects.clock.now(),
            state,
            detail: detail.to_owned(),
        });
        self.effects.emit(&Event::State {
            state,
            detail: detail.to_owned(),
        });
    }

    pub(super) fn intend(&mut self, operation: Operation) -> Result<(), Halt> {
        Ok(self.journal.append(&self.id, Entry::Intent { operation }, &*self.effects.clock)?)
    }

    pub(super) fn done(&mut self, operation: Operation, detail: String) -> Result<(), Halt> {
        Ok(self
            .journal
            .append(&self.id, Entry::Done { operation, detail }, &*self.effects.clock)?)
    }

    pub(super) async fn end(mut self, result: RolloutResult, reason: Option<String>) -> RolloutReport {
        let entry = Entry::End {
            result,
            reason: reason.clone(),
        };
        if let Err(error) = self.journal.append(&self.id, entry, &*self.effects.clock) {
            self.effects.warn(
                Stage::Rollout,
                format!("the end of the run could not be recorded: {}", chain(&error)),
            );
        }
        if let Err(error) = self.target.carry().await {
            // Who gives the orders now has written it down itself.
            if let Some(failure) = error.failure() {
                let told = "a deployer on another machine will not know how this run ended";
                self.effects.warn(Stage::Rollout, format!("{told}: {failure}"));
            }
        }
        let mut keep = self.history.good.clone();
        keep.push(self.deployed());
        keep.extend(self.snapshot.good.clone());
        if let Err(error) = self.target.clean(&keep) {
            self.effects.warn(
                Stage::Rollout,
                format!("what is not used any more could not be removed: {}", chain(&error)),
            );
        }
        self.report(result, reason).await
    }

    /// The report, with what is seen to be in front now.
    pub(super) async fn report(self, result: RolloutResult, reason: Option<String>) -> RolloutReport {
        let patience = if self.effects.is_cancelled() { CANCELLED } else { Duration::MAX };
        let seen = match tokio::time::timeout(patience, self.target.observe()).await {
            Ok(Ok(observed)) => Ok(observed.serving().cloned()),
            Ok(Err(error)) => Err(chain(&error)),
            Err(_) => Err(format!("no answer within {} s", patience.as_secs())),
        };
        let front = seen.unwrap_or_else(|trouble| {
            self.effects
                .warn(Stage::Rollout, format!("what serves now could not be seen: {trouble}"));
            None
        });
        let service = &self.plan.service;
        RolloutReport {
            live: front.as_ref().map(|front| front.release.digest),
            live_commit: front.and_then(|front| front.release.commit),
            previous: self.snapshot.live.map(|live| live.release.digest),
            reason,
            url: self.target.url(),
            unverified: self.unverified,
            plan: self.planned.map(Box::new),
            steps: self.steps,
            canary: self.canary,
            samples: self.samples,
            cut_requests: self.cut,
            ..RolloutReport::new(service, self.target.name(), self.id, self.release.digest, result)
        }
    }
}
