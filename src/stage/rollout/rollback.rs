//! The way back: `RollingBack → VerifyingRollback → RolledBack | RollbackFailed`. To the last known good, once, verified by the same gate.

use super::halt::Halt;
use super::journal::Operation;
use super::machine::Run;
use super::release::Deployed;
use super::target::{RolloutTarget, TargetError};
use crate::model::error_chain::chain;
use crate::model::event::Stage;
use crate::model::outcome::RolloutResult;
use crate::model::rollout_state::RolloutState;

type Ended = (RolloutResult, Option<String>);

impl<T: RolloutTarget> Run<'_, T> {
    /// Brings the last known good release back. What cannot be written into the journal any more does not hinder that.
    pub(super) async fn roll_back(&mut self, reason: String) -> Result<Ended, Halt> {
        self.try_state(RolloutState::RollingBack, &reason)?;
        let Some(good) = self.snapshot.good.clone() else {
            return self.remove_first(reason).await;
        };
        let token = self.journal.token();
        self.try_intend(Operation::Restore)?;
        match self.target.restore(&good, token, self.plan.waits.stage).await {
            Ok(()) => {}
            Err(TargetError::Superseded(by)) => return Err(Halt::Superseded(by)),
            Err(TargetError::Cancelled) => return Err(Halt::Cancelled),
            Err(failed) => {
                let trouble = chain(&failed);
                return self.failed_back(format!("{reason}; {} could not be started again: {trouble}", good.release.shown()));
            }
        }
        self.retire_all_but(&good).await?;
        self.try_state(
            RolloutState::VerifyingRollback,
            &format!("{} is in front again; {}", good.release.shown(), cut_off(self.cut)),
        )?;
        match self.verify_restored(&good).await {
            Ok(()) => {
                self.try_state(RolloutState::RolledBack, &format!("{} serves", good.release.shown()))?;
                Ok((RolloutResult::RolledBack, Some(reason)))
            }
            Err(Halt::Failed(trouble)) => self.failed_back(format!("{reason}; then {} failed too: {trouble}", good.release.shown())),
            Err(other) => Err(other),
        }
    }

    async fn retire_all_but(&mut self, good: &Deployed) -> Result<(), Halt> {
        let (token, waits) = (self.journal.token(), &self.plan.waits);
        let drained = self.target.drain(Some(&good.run), token, waits.drain).await;
        if let Some(trouble) = drained.err().and_then(|error| error.failure()) {
            self.effects
                .warn(Stage::Rollout, format!("requests under way could not be waited for: {trouble}"));
        }
        match self.target.retire(Some(&good.run), token, waits.stop).await {
            Ok(cut) => self.add_cut(cut),
            Err(TargetError::Superseded(by)) => return Err(Halt::Superseded(by)),
            Err(TargetError::Cancelled) => return Err(Halt::Cancelled),
            Err(failed) => {
                self.add_cut(None);
                self.effects.warn(Stage::Rollout, chain(&failed));
            }
        }
        Ok(())
    }

    /// There was nothing before: what failed is removed, and nothing serves.
    async fn remove_first(&mut self, reason: String) -> Result<Ended, Halt> {
        let (token, waits) = (self.journal.token(), &self.plan.waits);
        self.try_intend(Operation::Remove)?;
        let drained = self.target.drain(None, token, waits.drain).await;
        if let Some(trouble) = drained.err().and_then(|error| error.failure()) {
            self.effects
                .warn(Stage::Rollout, format!("requests under way could not be waited for: {trouble}"));
        }
        match self.target.retire(None, token, waits.stop).await {
            Ok(cut) => self.add_cut(cut),
            Err(TargetError::Superseded(by)) => return Err(Halt::Superseded(by)),
            Err(TargetError::Cancelled) => return Err(Halt::Cancelled),
            Err(failed) => {
                self.add_cut(None);
                return self.failed_back(format!("{reason}; what failed could not be removed: {}", chain(&failed)));
            }
        }
        let said = format!(
            "{reason}; nothing to restore: nothing ran before, and nothing runs now; {}",
            cut_off(self.cut)
        );
        self.try_state(RolloutState::RollbackFailed, &said)?;
        Ok((RolloutResult::FirstFailed, Some(reason)))
    }

    fn failed_back(&mut self, mut reason: String) -> Result<Ended, Halt> {
        if let Some(before) = self.planned.as_ref().and_then(|planned| planned.now_unhealthy.as_ref()) {
            reason.push_str(&format!(
                "; what served before this rollout did not pass the health check either ({before}): is [rollout.health] right?"
            ));
        }
        self.try_state(RolloutState::RollbackFailed, &reason)?;
        Ok((RolloutResult::RollbackFailed, Some(reason)))
    }

    fn try_state(&mut self, state: RolloutState, detail: &str) -> Result<(), Halt> {
        match self.state(state, detail) {
            Err(Halt::Failed(trouble)) => {
                self.effects
                    .warn(Stage::Rollout, format!("the journal is not written any more: {trouble}"));
                self.tell(state, detail);
                Ok(())
            }
            other => other,
        }
    }

    fn try_intend(&mut self, operation: Operation) -> Result<(), Halt> {
        match self.intend(operation) {
            // The state before it has told that the journal is not written any more.
            Err(Halt::Failed(_)) => Ok(()),
            other => other,
        }
    }
}

/// Told of the way back as the step `Retiring` tells it of the way forward.
fn cut_off(cut: Option<u64>) -> String {
    match cut {
        None => "how many requests were cut is not known".to_owned(),
        Some(0) => "no request was cut".to_owned(),
        Some(1) => "1 request was cut".to_owned(),
        Some(cut) => format!("{cut} requests were cut"),
    }
}
