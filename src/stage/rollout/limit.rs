//! A wait with a limit that has a name in the configuration.

use std::time::Duration;

use tokio::time::Instant;

use super::target::TargetError;
use crate::io::Effects;

/// For how long an orchestrator that says it is not done yet is waited for, where what it runs is what is wanted already: it is also not done for a
/// moment after a change of a mere annotation.
const SETTLING: Duration = Duration::from_secs(10);

/// What a wait is for: its limit and the limit's name, and since when.
pub(super) struct Limit {
    pub(super) setting: &'static str,
    pub(super) length: Duration,
    end: Instant,
}

impl Limit {
    pub(super) fn new(setting: &'static str, length: Duration) -> Self {
        Self {
            setting,
            length,
            end: Instant::now() + length,
        }
    }

    pub(super) fn of_settling() -> Self {
        Self::new("", SETTLING)
    }

    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.end
    }
}

/// Between two looks.
///
/// # Errors
/// [`TargetError::Cancelled`] once somebody asked to stop.
pub(super) async fn pause(effects: &Effects, length: Duration) -> Result<(), TargetError> {
    if effects.is_cancelled() {
        return Err(TargetError::Cancelled);
    }
    tokio::time::sleep(length).await;
    Ok(())
}
