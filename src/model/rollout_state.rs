//! The states of a rollout, and which may follow which.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A state, spelled in journals, reports and events as it is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[strum(serialize_all = "PascalCase")]
pub enum RolloutState {
    /// A dry run: what would be done.
    Planned,
    /// The lock is held; nothing was changed.
    Locked,
    /// What serves now, and what to go back to, is recorded.
    Snapshotted,
    /// The new version is started beside the old one.
    Staging,
    /// It is healthy by its own address.
    StagedHealthy,
    /// It gets a share of the requests, step by step.
    Canary,
    /// Requests go to it from now on.
    Shifting,
    /// It must answer through the front door, several times in a row.
    Verifying,
    /// It must stay healthy.
    Soaking,
    /// Requests on the old version are waited for.
    Draining,
    /// The old version is stopped.
    Retiring,
    /// The new version, and nothing else, serves.
    Committed,
    /// The new version failed: the last known good one is brought back.
    RollingBack,
    /// It must answer again.
    VerifyingRollback,
    /// The old version serves again.
    RolledBack,
    /// It does not, or there was none.
    RollbackFailed,
    /// Nothing was changed, and nothing will be.
    Refused,
    /// Somebody asked to stop; `rollout resume` goes on.
    Interrupted,
    /// Somebody else has changed the target.
    Superseded,
}

impl RolloutState {
    /// As it is spelled everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The table of steps: what may come after this state.
    const fn next(self) -> &'static [Self] {
        use RolloutState::{
            Canary, Committed, Draining, Interrupted, Refused, Retiring, RollbackFailed, RolledBack, RollingBack, Shifting, Snapshotted,
            Soaking, StagedHealthy, Staging, Superseded, Verifying, VerifyingRollback,
        };
        match self {
            Self::Locked => &[Snapshotted, Verifying, Refused, RollingBack, Interrupted, Superseded],
            Self::Snapshotted => &[Staging, Shifting, Refused, RollingBack, Interrupted, Superseded],
            Self::Staging => &[StagedHealthy, Shifting, RollingBack, Interrupted, Superseded],
            Self::StagedHealthy => &[Canary, Shifting, RollingBack, Interrupted, Superseded],
            Self::Canary => &[Canary, Shifting, RollingBack, Interrupted, Superseded],
            Self::Shifting => &[Verifying, RollingBack, Interrupted, Superseded],
            Self::Verifying => &[Soaking, Draining, RollingBack, Interrupted, Superseded],
            Self::Soaking => &[Draining, RollingBack, Interrupted, Superseded],
            Self::Draining => &[Retiring, RollingBack, Interrupted, Superseded],
            Self::Retiring => &[Committed, RollingBack, Interrupted, Superseded],
            Self::RollingBack => &[VerifyingRollback, RollbackFailed, Interrupted, Superseded],
            Self::VerifyingRollback => &[RolledBack, RollbackFailed, Interrupted, Superseded],
            Self::Planned
            | Self::Committed
            | Self::RolledBack
            | Self::RollbackFailed
            | Self::Refused
            | Self::Interrupted
            | Self::Superseded => &[],
        }
    }

    /// True when this state may come after `before`; `None` is the begin of a run or of its resumption.
    ///
    /// A run that is resumed walks the way forward again from [`Self::Staging`], or goes on to go back.
    #[must_use]
    pub fn may_follow(self, before: Option<Self>) -> bool {
        match before {
            Some(before) => before.next().contains(&self),
            None => matches!(
                self,
                Self::Planned
                    | Self::Locked
                    | Self::Snapshotted
                    | Self::Staging
                    // Where starting a version and bringing it in front is one act.
                    | Self::Shifting
                    | Self::RollingBack
                    | Self::Refused
                    | Self::Interrupted
                    | Self::Superseded
            ),
        }
    }
}

impl fmt::Display for RolloutState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollback_is_never_rolled_back_and_an_end_is_an_end() {
        for end in [
            RolloutState::Committed,
            RolloutState::RolledBack,
            RolloutState::RollbackFailed,
            RolloutState::Refused,
            RolloutState::Superseded,
        ] {
            assert!(!RolloutState::RollingBack.may_follow(Some(end)), "{end}");
            assert!(!RolloutState::Staging.may_follow(Some(end)), "{end}");
        }
        assert!(!RolloutState::RollingBack.may_follow(Some(RolloutState::VerifyingRollback)));
        assert!(RolloutState::RollingBack.may_follow(Some(RolloutState::Retiring)));
    }

    #[test]
    fn nothing_is_committed_that_was_not_verified_drained_and_retired() {
        assert!(RolloutState::Committed.may_follow(Some(RolloutState::Retiring)));
        for before in [
            None,
            Some(RolloutState::Locked),
            Some(RolloutState::Shifting),
            Some(RolloutState::Verifying),
            Some(RolloutState::Soaking),
            Some(RolloutState::RollingBack),
        ] {
            assert!(!RolloutState::Committed.may_follow(before), "{before:?}");
        }
        assert!(
            !RolloutState::Refused.may_follow(Some(RolloutState::Staging)),
            "it was started: refused would say nothing changed"
        );
    }

    #[test]
    fn a_state_is_written_as_older_journals_spell_it() {
        let text = serde_json::to_string(&RolloutState::StagedHealthy).expect("text");
        assert_eq!(text, "\"StagedHealthy\"");
        assert_eq!(RolloutState::StagedHealthy.to_string(), "StagedHealthy");
    }
}
